// The way in: what nginx answers itself, what it lets through and what it keeps back.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { after, afterEach, before, describe, it } from 'node:test';

import { Client, assertProblem } from './lib/client.mjs';
import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';

const MIB = 1024 * 1024;

let instance;
let owner;

before(async () => {
  instance = await startInstance();
  owner = instance.client();
});
after(() => instance?.stop());
afterEach(printLogsOnFailure(() => instance));

const anyone = () => instance.client({ key: null });
const auth = () => `Authorization: Bearer ${instance.apiKey}\r\n`;

describe('what cannot be a request', () => {
  const cases = {
    'no request line': ['hello\r\n\r\n', 400],
    'a space in the path': ['GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    'no Host': ['GET /healthz HTTP/1.1\r\n\r\n', 400],
    'two Hosts': ['GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    'a NUL in the path': ['GET /healthz%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
    'a path above the root': ['GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    'a length that is no number': ['POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n', 400],
    'two lengths': ['POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd', 400],
    'length and chunks': ['POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    'an unknown transfer encoding': ['POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: cow\r\n\r\n', 501],
    'a broken chunk': [`POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
    'a long address': [`GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
    'a long header': [`GET / HTTP/1.1\r\nHost: x\r\nCookie: ${'a'.repeat(9000)}\r\n\r\n`, 431],
    'many headers': [`GET / HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 40 }, (_, i) => `A${i}: ${'a'.repeat(1000)}\r\n`).join('')}\r\n`, 431],
  };
  for (const [name, [bytes, status]] of Object.entries(cases)) {
    it(`${name}: ${status}, as a problem`, async () => {
      const answer = await anyone().raw(bytes);
      assertProblem(answer, status);
    });
  }

  it('leaves those behind it untouched', () => anyone().expect(200, 'GET', '/healthz'));
});

describe('methods', () => {
  for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'OPTIONS', 'get']) {
    it(`${method}: refused, as a problem`, async () => {
      const answer = await anyone().raw(`${method} /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      assert.ok([400, 405].includes(answer.status), answer.text);
      assertProblem(answer, answer.status);
    });
  }
});

describe('bodies', () => {
  it('larger than the call takes: 413, before they are sent', async () => {
    const answer = await owner.raw(`POST /api/v1/execute HTTP/1.1\r\nHost: x\r\n${auth()}Content-Type: application/json\r\n`
      + `Content-Length: ${100 * MIB}\r\n\r\n`);
    assertProblem(answer, 413);
  });

  it('larger than the call takes, in chunks: 413', async () => {
    const chunk = `${(65536).toString(16)}\r\n${'a'.repeat(65536)}\r\n`;
    const answer = await owner.raw(`POST /api/v1/me/password HTTP/1.1\r\nHost: x\r\n${auth()}Content-Type: application/json\r\n`
      + `Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(4)}0\r\n\r\n`);
    assertProblem(answer, 413);
  });

  it('in chunks reach the application whole', async () => {
    const body = JSON.stringify({ code: 'console.log("in chunks")' });
    const chunks = [...body].map((c) => `1\r\n${c}\r\n`).join('');
    const answer = await owner.raw(`POST /api/v1/execute HTTP/1.1\r\nHost: x\r\n${auth()}Content-Type: application/json\r\n`
      + `Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.text, /in chunks/);
  });

  it('sent slowly do not hold a worker', async () => {
    // More slow senders than the short pool has workers.
    const senders = Array.from({ length: 20 }, () => {
      const request = http.request(`${instance.url}/api/v1/projects`, {
        method: 'POST', agent: false,
        headers: { authorization: `Bearer ${instance.apiKey}`, 'content-type': 'application/json', 'content-length': 100 },
      });
      request.on('error', () => {});
      request.write('{');
      return request;
    });
    const began = performance.now();
    await owner.expect(200, 'GET', 'me');
    assert.ok(performance.now() - began < 2000);
    senders.forEach((request) => request.destroy());
  });
});

describe('headers', () => {
  it('say nothing about the server and forbid what we do not do', async () => {
    for (const where of ['/', '/healthz', '/nowhere', '/api/v1/me']) {
      const { headers } = await anyone().get(where);
      assert.equal(headers.server, 'nginx', where);
      assert.equal(headers['x-content-type-options'], 'nosniff', where);
      assert.equal(headers['x-frame-options'], 'DENY', where);
      assert.equal(headers['referrer-policy'], 'no-referrer', where);
      assert.equal(headers['x-powered-by'], undefined, where);
    }
  });

  it('that only we may set mean nothing when a client sets them', async () => {
    const answer = await owner.expect(200, 'GET', 'me', {
      headers: {
        'x-accel-redirect': '/index.html', proxy: 'http://127.0.0.1:1', 'x-forwarded-for': '1.2.3.4',
        'x-request-id': 'mine', 'x-original-url': '/api/v1/users',
      },
    });
    assert.equal(answer.json.email, instance.adminEmail);
    assert.match(answer.headers['x-request-id'], /^[0-9a-f-]{36}$/);
  });

  it('name the request as both logs do', async () => {
    const { headers } = await owner.expect(200, 'GET', 'me');
    const id = headers['x-request-id'];
    await waitFor('both logs', async () => (await instance.logs('nginx')).includes(id) && (await instance.logs('api')).includes(id));
  });
});

describe('logins', () => {
  it('are slowed down by address, and by address only', async () => {
    const from = '127.77.0.1';
    const attempt = (client) => client.call('POST', 'auth/login', { body: '{', headers: { 'content-type': 'application/json' } });
    let answer;
    for (let i = 0; i < 400; i += 1) {
      answer = await attempt(new Client(instance.url, { from }));
      if (answer.status === 429) {
        break;
      }
    }
    assertProblem(answer, 429);
    assert.equal((await attempt(new Client(instance.url, { from: '127.77.0.2' }))).status, 400);
    // Other calls from there go on.
    await new Client(instance.url, { from, key: instance.apiKey }).expect(200, 'GET', 'me');
  });
});

describe('ways into previews', () => {
  it('are slowed down by address, and cost no sign-in', async () => {
    const from = '127.77.0.3';
    const visitor = new Client(instance.url, { from, headers: { host: 'no-such-0123456789.preview.localhost' } });
    let answer;
    for (let i = 0; i < 400; i += 1) {
      answer = await visitor.get('/.slipway/enter?ticket=x');
      if (answer.status === 429) {
        break;
      }
    }
    assertProblem(answer, 429);
    const login = { body: '{', headers: { 'content-type': 'application/json' } };
    await new Client(instance.url, { from }).expect(400, 'POST', 'auth/login', login);
  });
});

describe('streams', () => {
  it('come through as they are made', async () => {
    const code = "console.log('first'); setTimeout(() => console.log('last'), 2000)";
    const began = performance.now();
    let first;
    let last;
    for await (const event of instance.sse('execute', { json: { code } })) {
      if (event.type === 'stdout') {
        first ??= performance.now() - began;
        last = performance.now() - began;
      }
    }
    assert.ok(last - first > 1000, `first after ${first} ms, last after ${last} ms`);
  });
});

describe('the local socket', () => {
  const local = (where) => execFileSync('curl', ['-s', '-w', '\n%{http_code}', '--unix-socket',
    `${instance.runDir}/nginx/local.sock`, `http://localhost${where}`]).toString();

  it('has the figures for Prometheus and nothing else', () => {
    assert.match(local('/metrics'), /^slipway_requests_total\{/m);
    assert.match(local('/metrics/router'), /^slipway_router_routes_connected 1$/m);
    assert.match(local('/api/v1/openapi.json'), /\n404$/);
  });

  it('is the only place that has them', async () => {
    for (const where of ['/metrics', '/metrics/', '/metrics/router', '//metrics', '/%6detrics', '/METRICS', '/x/../metrics']) {
      const answer = await owner.get(where);
      assert.equal(answer.status, 404, where);
    }
  });
});

describe('TLS', () => {
  let secure;
  let directory;

  before(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-tls-'));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
      '-days', '1', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
      '-keyout', `${directory}/key.pem`, '-out', `${directory}/cert.pem`], { stdio: 'pipe' });
    secure = await startInstance({
      env: {
        SLIPWAY_TLS_CERT: `${directory}/cert.pem`, SLIPWAY_TLS_KEY: `${directory}/key.pem`,
        SLIPWAY_PUBLIC_URL: 'https://localhost', SLIPWAY_BIND: '127.0.0.1',
      },
    });
  });
  after(async () => {
    await secure?.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  const get = (where, options = {}) => new Promise((resolve, reject) => {
    https.get({ host: '127.0.0.1', port: secure.port, path: where, ca: fs.readFileSync(`${directory}/cert.pem`), ...options },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response));
      }).on('error', reject);
  });

  it('serves the API, over 1.2 and 1.3 and no less', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const response = await get('/healthz', { minVersion: version, maxVersion: version });
      assert.equal(response.statusCode, 200);
    }
    await assert.rejects(get('/healthz', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  });

  it('serves a renewed certificate after the next ./deploy.sh', async () => {
    const [key, cert] = ['key', 'cert'].map((name) => `${directory}/${name}.pem`);
    const old = fs.readFileSync(cert);
    const nginx = secure.service('nginx').pid;
    await secure.up();
    assert.equal(secure.service('nginx').pid, nginx, 'nothing changed');
    execFileSync('openssl', ['req', '-x509', '-key', key, '-days', '2', '-subj', '/CN=localhost', '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1', '-out', cert], { stdio: 'pipe' });
    await assert.rejects(get('/healthz'));
    await secure.up();
    assert.equal((await get('/healthz')).statusCode, 200);
    assert.notDeepEqual(fs.readFileSync(cert), old);
  });

  it('offers HTTP/2', async () => {
    const socket = tls.connect({ host: '127.0.0.1', port: secure.port, ALPNProtocols: ['h2', 'http/1.1'], rejectUnauthorized: false });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    assert.equal(socket.alpnProtocol, 'h2');
    socket.destroy();
  });

  it('sends whoever speaks plain http there', async () => {
    const answer = await new Client(`http://127.0.0.1:${secure.port}`).get('/api/v1/me');
    assert.equal(answer.status, 308);
    assert.equal(answer.headers.location, `https://127.0.0.1:${secure.port}/api/v1/me`);
  });

  it('asks browsers to stay with it', async () => {
    const { headers } = await get('/healthz');
    assert.match(headers['strict-transport-security'] ?? '', /^max-age=\d{7,}/);
  });
});
