// nginx in front of a router under test, with the configuration an installation has for previews: one socket
// for HTTP/1.1 and one for HTTP/2, both in plain text.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import { DOMAIN, until } from './router-fixture.mjs';

const SOURCE = path.resolve(import.meta.dirname, '../../../nginx');
const FILES = ['nginx', 'preview', 'problems', 'problem-texts', 'fastcgi', 'security-headers'];

export class PreviewNginx {
  constructor(router) {
    this.router = router;
    this.dir = `${router.state}/nginx`;
    this.sockets = { h1: `${router.run}/nginx/h1.sock`, h2: `${router.run}/nginx/h2.sock` };
    this.log = '';
  }

  async start() {
    for (const dir of [`${this.dir}/tmp`, `${this.router.run}/nginx`]) fs.mkdirSync(dir, { recursive: true });
    for (const name of FILES) {
      const text = fs.readFileSync(`${SOURCE}/${name}.conf.in`, 'utf8');
      fs.writeFileSync(`${this.dir}/${name}.conf`, text.replaceAll('@STATE@', this.router.state).replaceAll('@RUN@', this.router.run)
        .replaceAll('@PREVIEW_DOMAIN@', DOMAIN).replace('user slipway-web;', 'user root;'));
    }
    fs.writeFileSync(`${this.dir}/cache.conf`, '');
    fs.writeFileSync(`${this.dir}/listen.conf`, Object.entries(this.sockets).map(([kind, socket]) =>
      `server { listen unix:${socket}${kind === 'h2' ? ' http2' : ''}; include ${this.dir}/preview.conf; }\n`).join(''));
    this.child = spawn('nginx', ['-e', 'stderr', '-p', this.dir, '-c', `${this.dir}/nginx.conf`], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.child.stderr.on('data', (piece) => { this.log += piece; });
    this.ended = once(this.child, 'exit');
    await until(() => this.child.exitCode !== null || Object.values(this.sockets).every((s) => fs.existsSync(s)), 'nginx listens');
    assert.equal(this.child.exitCode, null, this.log);
  }

  async stop() {
    this.child?.kill('SIGTERM');
    await this.ended;
  }

  // A client that keeps one connection: `call({host, method, path, headers, body, sink})` gives {status, headers,
  // bytes}, or what `sink` makes of the answer's stream in place of the bytes.
  client(kind) {
    return kind === 'h1' ? new ClientH1(this.sockets.h1) : new ClientH2(this.sockets.h2);
  }
}

const everything = async (stream) => {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
};

async function send(stream, body) {
  if (body === undefined || typeof body === 'string') {
    stream.end(body);
    return;
  }
  await body(stream);
  stream.end();
}

class ClientH1 {
  constructor(socketPath) {
    this.socketPath = socketPath;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    this.connections = new Set();
  }

  async call({ host, method = 'GET', path: target = '/', headers = {}, body, sink = everything }) {
    const request = http.request({ socketPath: this.socketPath, agent: this.agent, method, path: target, headers: { host, ...headers } });
    request.on('socket', (socket) => this.connections.add(socket));
    const [[response]] = await Promise.all([once(request, 'response'), send(request, body)]);
    return { status: response.statusCode, headers: response.headers, bytes: await sink(response) };
  }

  close() {
    this.agent.destroy();
  }
}

class ClientH2 {
  constructor(socketPath) {
    this.connections = new Set();
    this.session = http2.connect('http://preview', {
      createConnection: () => {
        const socket = net.connect(socketPath);
        this.connections.add(socket);
        return socket;
      },
    });
    this.session.on('error', () => {});
  }

  async call({ host, method = 'GET', path: target = '/', headers = {}, body, sink = everything }) {
    const stream = this.session.request({ ':method': method, ':path': target, ':authority': host, ...headers },
      { endStream: body === undefined });
    const [[head]] = await Promise.all([once(stream, 'response'), body === undefined ? undefined : send(stream, body)]);
    return { status: head[':status'], headers: head, bytes: await sink(stream) };
  }

  close() {
    this.session.destroy();
  }
}
