// Previews as their users reach them: a project with an app, its tickets and its status.

import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';

import { waitFor } from './instance.mjs';

const ENDED = ['crashed', 'failed', 'exited'];
const encodePath = (name) => name.split('/').map(encodeURIComponent).join('/');

// One installation's API and previews; `tls` when it speaks https with a certificate of a test CA.
export class Previews {
  constructor(instance, { tls = false, key = instance.apiKey } = {}) {
    this.instance = instance;
    this.tls = tls;
    this.key = key;
  }

  // Any address of the installation: names lead to this machine. {status, headers, text}.
  get(address, { method = 'GET', headers = {}, body } = {}) {
    const { host, pathname, search } = new URL(address);
    return new Promise((resolve, reject) => {
      const rq = (this.tls ? https : http).request({
        host: '127.0.0.1', port: this.instance.port, path: pathname + search, method, servername: host.replace(/:\d+$/, ''),
        rejectUnauthorized: false, headers: { host, ...headers }, timeout: 90_000, agent: false,
      }, (rs) => {
        const pieces = [];
        rs.on('data', (piece) => pieces.push(piece));
        rs.on('error', reject);
        rs.on('end', () => {
          const bytes = Buffer.concat(pieces);
          resolve({ status: rs.statusCode, headers: rs.headers, bytes, text: bytes.toString('utf8') });
        });
      });
      rq.on('timeout', () => rq.destroy(new Error(`no answer from ${address}`)));
      rq.on('error', reject);
      rq.end(body);
    });
  }

  async api(method, path, { json, body } = {}) {
    const payload = json === undefined ? body : JSON.stringify(json);
    const answer = await this.get(`${this.tls ? 'https' : 'http'}://localhost/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        'content-length': payload === undefined ? 0 : Buffer.byteLength(payload),
      },
      body: payload,
    });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.text ? JSON.parse(answer.text) : undefined;
  }

  // A project of the given files: {'index.html': '…'}.
  async project({ files = {}, ...fields } = {}) {
    const project = await this.api('POST', 'projects', { json: { name: 'test', ...fields } });
    for (const [name, content] of Object.entries(files)) {
      await this.put(project, name, content);
    }
    return project;
  }

  put(project, name, content) {
    return this.api('PUT', `projects/${project.id}/files/${encodePath(name)}`, { body: content });
  }

  status(project) {
    return this.api('GET', `projects/${project.id}/status`);
  }

  // Starts it and waits until it runs.
  async start(project, { ms = 120_000 } = {}) {
    await this.api('POST', `projects/${project.id}/start`, { json: {} });
    const status = await waitFor(`${project.slug} runs`, async () => {
      const now = await this.status(project);
      return ['running', ...ENDED].includes(now.state) && now;
    }, { ms, every: 100 });
    assert.equal(status.state, 'running', JSON.stringify(status));
    return status;
  }

  // A one-time way in for a browser.
  async ticket(project, path) {
    return (await this.api('POST', `projects/${project.id}/preview-tickets`, { json: path ? { path } : {} })).url;
  }

  // The cookie a browser would have after one.
  async cookie(project) {
    const answer = await this.get(await this.ticket(project));
    return answer.headers['set-cookie'][0].split(';')[0];
  }
}
