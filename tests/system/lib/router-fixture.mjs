// A slipway-router of its own with a private PostgreSQL cluster, and origins that stand for apps: they
// speak the relay's greeting and then whatever a test wants.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { BUILD, Cluster, callSocket, run, until } from './sandboxd-fixture.mjs';

export const DOMAIN = 'preview.example.test';
export const INNER_PORT = 3000;
const LOG_LINES_SHOWN = 40;

// One app's published port. `serve` gets each connection after the greeting.
export class Origin {
  constructor(serve) {
    this.secret = crypto.randomBytes(32).toString('hex');
    this.greetings = [];
    this.connections = 0;
    this.sockets = new Set();
    this.answer = (port) => `OK ${port || INNER_PORT}\n`;
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => this.#greet(socket));
    this.serve = serve;
  }

  // An origin whose app is a handler of Node's own HTTP server.
  static http(handler, events = {}) {
    const app = http.createServer({ keepAliveTimeout: 0 }, handler);
    for (const [name, listener] of Object.entries(events)) {
      app.on(name, listener);
    }
    return new Origin((socket) => app.emit('connection', socket));
  }

  // An origin that reads one request's head and answers with these bytes. It closes when told to.
  static raw(answer, { close = false } = {}) {
    return new Origin((socket) => {
      let seen = '';
      socket.on('data', (bytes) => {
        seen += bytes.toString('latin1');
        while (seen.includes('\r\n\r\n')) {
          seen = seen.slice(seen.indexOf('\r\n\r\n') + 4);
          socket.write(answer);
          if (close) socket.end();
        }
      });
    });
  }

  async listen() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get port() {
    return this.server.address().port;
  }

  #greet(socket) {
    let line = Buffer.alloc(0);
    this.connections++;
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
    const onData = (bytes) => {
      line = Buffer.concat([line, bytes]);
      const end = line.indexOf(10);
      if (end < 0) return;
      socket.off('data', onData);
      this.#answerGreeting(socket, line.subarray(0, end).toString(), line.subarray(end + 1));
    };
    socket.on('data', onData);
  }

  #answerGreeting(socket, line, rest) {
    this.greetings.push(line);
    assert.equal(rest.length, 0, 'the router sends nothing before the relay has answered');
    const [, secret, port] = line.split(' ');
    if (secret !== this.secret) {
      socket.end('NO secret wrong\n');
      return;
    }
    const answer = this.answer(Number(port));
    if (!answer.startsWith('OK')) {
      socket.end(answer);
      return;
    }
    socket.write(answer);
    this.serve(socket);
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

export class RouterFixture {
  constructor() {
    this.tag = `r${crypto.randomBytes(4).toString('hex')}`;
    this.state = fs.mkdtempSync(path.join(os.tmpdir(), `slipway-${this.tag}-`));
    this.run = path.join(this.state, 'run');
    this.db = new Cluster(path.join(this.state, 'pg'));
    this.origins = new Set();
    this.log = [];
  }

  get socket() {
    return `${this.run}/router/router.sock`;
  }

  async start(settings = {}) {
    if (!fs.existsSync(this.db.data)) {
      fs.chmodSync(this.state, 0o755);
      fs.mkdirSync(this.run);
      this.db.create();
    }
    const child = spawn(path.join(BUILD, 'slipway-router'), [], {
      env: {
        ...process.env, SLIPWAY_INSTANCE: this.tag, SLIPWAY_STATE_DIR: this.state, SLIPWAY_RUN_DIR: this.run,
        SLIPWAY_PREVIEW_DOMAIN: DOMAIN, DATABASE_URL: this.db.url, SLIPWAY_LOG_LEVEL: 'debug', ...settings,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text) => this.log.push(...text.split('\n').filter(Boolean)));
    child.ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
    this.child = child;
    await until(() => child.exitCode !== null || this.serves(), 'the router serves').catch((e) => {
      throw new Error(`${e.message}\n${this.lastLog()}`);
    });
    assert.equal(child.exitCode, null, this.lastLog());
  }

  // Routes are loaded: an unknown name is known to be one.
  async serves() {
    try {
      return (await callSocket(this.socket, 'GET', '/')).status === 404;
    } catch {
      return false;
    }
  }

  async metrics() {
    const { text } = await callSocket(`${this.run}/router/metrics.sock`, 'GET', '/metrics');
    const rows = text.split('\n').filter((l) => l && !l.startsWith('#')).map((l) => {
      const at = l.lastIndexOf(' ');
      return [l.slice(0, at).replace('slipway_router_', ''), Number(l.slice(at + 1))];
    });
    return Object.fromEntries(rows);
  }

  // A public project whose app is this origin. Returns its host name.
  async app(origin, { port = origin.port, secret = origin.secret } = {}) {
    const slug = `p${crypto.randomBytes(6).toString('hex')}`;
    const id = crypto.randomUUID();
    this.origins.add(origin);
    this.db.query(`
      INSERT INTO slugs (slug) VALUES ('${slug}');
      WITH u AS (INSERT INTO users (email, role) VALUES ('${slug}@example.com', 'member') RETURNING id),
        p AS (INSERT INTO projects (user_id, slug, name, visibility, head_version)
              SELECT id, '${slug}', 'x', 'public', 1 FROM u RETURNING id, user_id)
      INSERT INTO sandboxes (id, user_id, project_id, profile, actual_state, container_name, host_uid, agent_socket, port, relay_secret)
        SELECT '${id}', user_id, id, 'app', 'running', '${slug}', ${crypto.randomInt(100000, 2000000000)}, '', ${port}, '${secret}' FROM p`);
    const host = `${slug}.${DOMAIN}`;
    await until(async () => (await this.call({ host, method: 'TRACE', path: '/' })).status === 405 && this.knows(slug), 'the route is known');
    return host;
  }

  async knows(slug) {
    const wanted = this.db.query('SELECT count(*) FROM routes')[0][0];
    return (await this.metrics()).routes === Number(wanted) && slug;
  }

  // One request by Node's client. `body` is a buffer, a string or an async iterable.
  async call({ host, method = 'GET', path: target = '/', headers = {}, body, agent = false }) {
    const request = http.request({ socketPath: this.socket, agent, method, path: target, headers: { host, ...headers } });
    const answered = once(request, 'response');
    if (body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)) {
      for await (const piece of body) {
        if (!request.write(piece)) await Promise.race([once(request, 'drain'), once(request, 'close')]);
      }
      request.end();
    } else {
      request.end(body);
    }
    const [response] = await answered;
    const chunks = [];
    for await (const piece of response) chunks.push(piece);
    return {
      status: response.statusCode, headers: response.headers, rawHeaders: response.rawHeaders, trailers: response.trailers,
      bytes: Buffer.concat(chunks), get text() {
        return this.bytes.toString();
      },
    };
  }

  connect() {
    const socket = net.connect({ path: this.socket, allowHalfOpen: true });
    socket.on('error', () => {});
    return socket;
  }

  // Sends the bytes as they are and returns all that comes until the router closes, or `enough` says so.
  async raw(bytes, { enough = () => false, half_close = false, deadline_ms = 20_000 } = {}) {
    const socket = this.connect();
    let seen = '';
    const done = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no end to: ${JSON.stringify(seen.slice(-300))}`)), deadline_ms);
      const finish = () => {
        clearTimeout(timer);
        resolve(seen);
      };
      socket.on('data', (piece) => {
        seen += piece.toString('latin1');
        if (enough(seen)) finish();
      });
      socket.on('end', finish);
      socket.on('close', finish);
    });
    socket.write(Buffer.from(bytes, 'latin1'));
    if (half_close) socket.end();
    try {
      return await done;
    } finally {
      socket.destroy();
    }
  }

  lastLog() {
    return this.log.slice(-LOG_LINES_SHOWN).join('\n');
  }

  async end(signal = 'SIGTERM') {
    this.child.kill(signal);
    return this.child.ended;
  }

  async destroy() {
    for (const origin of this.origins) origin.close();
    if (this.child) {
      this.child.kill('SIGKILL');
      await this.child.ended;
    }
    try {
      this.db.stop();
    } catch {
      // it was never started
    }
    fs.rmSync(this.state, { recursive: true, force: true });
  }
}

export { run, until };
