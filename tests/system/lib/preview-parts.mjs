// What stands around a router in its policy's tests: grants, a relay whose app is in the state a test
// wants, and a sandboxd that counts who is woken.

import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { DOMAIN, RouterFixture, until } from './router-fixture.mjs';

export const COOKIE = '__Host-slipway-preview';

// BLAKE2b (RFC 7693) with a key and a digest of any size, which Node's crypto does not have.
function blake2b(key, bytes, size) {
  const MASK = (1n << 64n) - 1n;
  const IV = [0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n, 0x510e527fade682d1n,
    0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n];
  const SIGMA = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4], [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13], [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11], [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5], [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
  ];
  const rotr = (x, n) => ((x >> n) | (x << (64n - n))) & MASK;
  const h = [...IV];
  h[0] ^= 0x01010000n ^ (BigInt(key.length) << 8n) ^ BigInt(size);
  const block = Buffer.alloc(128);
  key.copy(block);
  const input = Buffer.concat([block, bytes]);
  for (let at = 0; at < input.length; at += 128) {
    const last = at + 128 >= input.length;
    const piece = Buffer.alloc(128);
    input.copy(piece, 0, at);
    const m = Array.from({ length: 16 }, (_, i) => piece.readBigUInt64LE(i * 8));
    const v = [...h, ...IV];
    v[12] ^= BigInt(last ? input.length : at + 128);
    if (last) v[14] ^= MASK;
    const g = (a, b, c, d, x, y) => {
      v[a] = (v[a] + v[b] + x) & MASK;
      v[d] = rotr(v[d] ^ v[a], 32n);
      v[c] = (v[c] + v[d]) & MASK;
      v[b] = rotr(v[b] ^ v[c], 24n);
      v[a] = (v[a] + v[b] + y) & MASK;
      v[d] = rotr(v[d] ^ v[a], 16n);
      v[c] = (v[c] + v[d]) & MASK;
      v[b] = rotr(v[b] ^ v[c], 63n);
    };
    for (let round = 0; round < 12; round++) {
      const s = SIGMA[round % 10];
      [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]]
        .forEach(([a, b, c, d], i) => g(a, b, c, d, m[s[2 * i]], m[s[2 * i + 1]]));
    }
    for (let i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
  }
  const out = Buffer.alloc(64);
  h.forEach((x, i) => out.writeBigUInt64LE(x, i * 8));
  return out.subarray(0, size);
}

const uuidBytes = (id) => Buffer.from(id.replaceAll('-', ''), 'hex');

// lib/grant.c, made anew from its description: what both agree on is the format.
export function grant(key, { level, project, subject, expires = Date.now() / 1000 + 600 }) {
  const head = Buffer.concat([Buffer.from([1, level]), uuidBytes(project), uuidBytes(subject), Buffer.alloc(8)]);
  head.writeBigInt64BE(BigInt(Math.floor(expires)), 34);
  return Buffer.concat([head, blake2b(key, Buffer.concat([Buffer.from('grant\0'), head]), 32)]).toString('base64url');
}

// The relay of one sandbox. `state` is the agent's; the app behind it is an ordinary HTTP server.
export class Relay {
  constructor(handler = (rq, rs) => rs.end('the app')) {
    this.secret = crypto.randomBytes(32).toString('hex');
    this.state = { state: 'running', for_ms: 10, ports: [3000], lines: [] };
    this.asked = { status: 0, app: 0 };
    this.waiting = new Set();
    this.sockets = new Set();
    this.app = http.createServer(handler);
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  async listen() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get port() {
    return this.server.address().port;
  }

  // Another state; those who wait for the app to listen go on.
  become(state) {
    this.state = { ports: state.state === 'running' ? [3000] : [], for_ms: 10, lines: [], ...state };
    if (state.state === 'running') {
      for (const go of [...this.waiting]) go();
    }
  }

  #accept(socket) {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
    let line = '';
    const onData = (bytes) => {
      line += bytes.toString('latin1');
      if (line.includes('\n')) {
        socket.off('data', onData);
        this.#answer(socket, line.trim().split(' '));
      }
    };
    socket.on('data', onData);
  }

  #answer(socket, [, secret, port, wait]) {
    if (secret !== this.secret) {
      socket.end('NO secret wrong\n');
    } else if (port === 'status') {
      this.asked.status++;
      socket.end(`OK 0\n${JSON.stringify(this.state)}`);
    } else {
      this.asked.app++;
      this.#reach(socket, Number(port) || 3000, Number(wait));
    }
  }

  #reach(socket, port, wait_ms) {
    let timer;
    const go = (late) => {
      const listens = this.state.ports.includes(port);
      if (!listens && !late && wait_ms > 0) return;
      clearTimeout(timer);
      this.waiting.delete(go);
      if (listens) {
        socket.write(`OK ${port}\n`);
        this.app.emit('connection', socket);
      } else {
        socket.end(`NO ${port !== 3000 || this.state.state === 'running' ? 'refused' : this.state.state} it does not listen\n`);
      }
    };
    this.waiting.add(go);
    timer = setTimeout(() => go(true), wait_ms);
    go(false);
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

// Answers wake calls. `answer` may be changed; `woken` has the project of each call.
export class FakeSandboxd {
  constructor(socket) {
    this.woken = [];
    this.answer = () => ({ status: 202, body: { phase: 'waiting' } });
    this.server = http.createServer((rq, rs) => {
      let text = '';
      rq.on('data', (piece) => { text += piece; });
      rq.on('end', async () => {
        this.woken.push({ method: rq.method, path: rq.url, project: JSON.parse(text).project_id, at: performance.now() });
        const { status, body } = await this.answer(JSON.parse(text).project_id);
        const payload = JSON.stringify(body);
        rs.writeHead(status, { 'content-type': 'application/json', 'content-length': payload.length, connection: 'close' }).end(payload);
      });
    });
    fs.mkdirSync(path.dirname(socket), { recursive: true });
    this.server.listen(socket);
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

export class PolicyFixture extends RouterFixture {
  constructor(domain = DOMAIN) {
    super();
    this.domain = domain;
  }

  async start(settings = {}) {
    const begun = this.sandboxd !== undefined;
    if (!begun) {
      this.sandboxd = new FakeSandboxd(`${this.run}/broker/sandboxd.sock`);
      this.relays = new Set();
      fs.chmodSync(this.state, 0o755);
      this.db.create();
    }
    await super.start({ SLIPWAY_PREVIEW_DOMAIN: this.domain, ...settings });
    this.key ??= Buffer.from(this.db.query("SELECT encode(preview_key, 'hex') FROM installation")[0][0], 'hex');
  }

  async relay(handler) {
    const relay = await new Relay(handler).listen();
    this.relays.add(relay);
    return relay;
  }

  // A project as `routes` has it. `relay` makes it run.
  project({ visibility = 'private', relay, state = relay ? 'running' : 'stopped', phase = '', error, app_stopped = false, files = true } = {}) {
    const slug = `p-${crypto.randomBytes(6).toString('hex')}`;
    const sandbox = crypto.randomUUID();
    const [[id, user]] = this.db.query(`
      WITH s AS (INSERT INTO slugs (slug) VALUES ('${slug}') RETURNING slug),
        u AS (INSERT INTO users (email, role) VALUES ('${slug}@example.com', 'member') RETURNING id)
      INSERT INTO projects (user_id, slug, name, visibility, head_version, app_stopped)
        SELECT u.id, s.slug, 'x', '${visibility}', ${files ? 1 : 0}, ${app_stopped} FROM s, u RETURNING id, user_id`);
    const project = { id, user, slug, sandbox, host: `${slug}.${this.domain}` };
    this.db.query(`
      INSERT INTO sandboxes (id, user_id, project_id, profile, actual_state, container_name, host_uid, agent_socket)
        VALUES ('${sandbox}', '${user}', '${id}', 'app', 'stopped', '${slug}', ${crypto.randomInt(100000, 2000000000)}, '')`);
    this.setState(project, { state, relay, phase, error });
    return project;
  }

  setState(project, { state, relay, phase = '', error }) {
    this.db.query(`UPDATE sandboxes SET actual_state = '${state}', phase = '${phase}', error = ${error ? `'${error}'` : 'NULL'},
      port = ${relay?.port ?? 'NULL'}, relay_secret = ${relay ? `'${relay.secret}'` : 'NULL'} WHERE id = '${project.sandbox}'`);
  }

  owner(project, more = {}) {
    return { cookie: `${COOKIE}=${grant(this.key, { level: 1, project: project.id, subject: project.user, ...more })}` };
  }

  guest(project, share, more = {}) {
    return { cookie: `${COOKIE}=${grant(this.key, { level: 2, project: project.id, subject: share, ...more })}` };
  }

  status(project, headers = this.owner(project)) {
    return this.call({ host: project.host, path: '/.slipway/status', headers });
  }

  // The router has read what the last statement changed.
  async settled(project, state) {
    await until(async () => {
      const answer = await this.status(project);
      return answer.status === 200 && JSON.parse(answer.text).sandbox === state;
    }, `the route of ${project.slug} is ${state}`);
  }

  async destroy() {
    for (const relay of this.relays ?? []) relay.close();
    this.sandboxd?.close();
    await super.destroy();
  }
}
