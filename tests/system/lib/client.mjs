// One caller of the HTTP API: a key or a cookie, and ways to send what no ordinary client would.
// node:http, because fetch() tidies paths and headers up before they leave.

import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';

export const API = '/api/v1';
const ANSWER_MS = 30_000;

export class Answer {
  constructor(status, headers, bytes) {
    this.status = status;
    this.headers = headers;
    this.bytes = bytes;
  }

  get text() {
    return this.bytes.toString('utf8');
  }

  get json() {
    return JSON.parse(this.text);
  }

  // The Set-Cookie headers by cookie name: {value, attributes: {httponly: true, path: '/', …}}.
  get cookies() {
    const jar = {};
    for (const line of this.headers['set-cookie'] ?? []) {
      const [pair, ...rest] = line.split(/;\s*/);
      const attributes = {};
      for (const a of rest) {
        const [name, value] = a.split('=');
        attributes[name.toLowerCase()] = value ?? true;
      }
      jar[pair.slice(0, pair.indexOf('='))] = { value: pair.slice(pair.indexOf('=') + 1), attributes };
    }
    return jar;
  }
}

export class Client {
  // `headers` go out with every call; `from` is the address it calls from (any of 127.0.0.0/8).
  constructor(url, { key, headers = {}, from } = {}) {
    this.url = new URL(url);
    this.from = from;
    this.headers = key ? { authorization: `Bearer ${key}`, ...headers } : headers;
  }

  with(headers) {
    const other = new Client(this.url, { headers: { ...this.headers, ...headers }, from: this.from });
    return other;
  }

  // `path` beginning with /api, /healthz … goes out as it is; any other is beneath /api/v1.
  // `json` is serialised, `body` sent as it is. A header that is undefined is left out.
  call(method, path, { json, body, headers = {}, signal } = {}) {
    const payload = json === undefined ? body : JSON.stringify(json);
    const sent = { ...this.headers, ...headers };
    if (json !== undefined && !('content-type' in sent)) {
      sent['content-type'] = 'application/json';
    }
    for (const name of Object.keys(sent)) {
      if (sent[name] === undefined) {
        delete sent[name];
      }
    }
    if (payload !== undefined && !('content-length' in sent) && !('transfer-encoding' in sent)) {
      sent['content-length'] = Buffer.byteLength(payload);
    }
    return this.#send(method, path.startsWith('/') ? path : `${API}/${path}`, sent, payload, signal);
  }

  #send(method, path, headers, payload, signal) {
    return new Promise((resolve, reject) => {
      const request = http.request({
        host: this.url.hostname, port: this.url.port, method, path, headers, signal,
        localAddress: this.from, agent: false, timeout: ANSWER_MS,
      });
      // Refusing a body early is fine; the answer is what counts.
      let answered = false;
      request.on('error', (e) => answered || reject(new Error(`${method} ${path.slice(0, 200)}: ${e.message}`)));
      request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
      request.on('response', (response) => {
        answered = true;
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () =>
          resolve(new Answer(response.statusCode, response.headers, Buffer.concat(pieces))));
      });
      request.end(payload);
    });
  }

  get(path, options) {
    return this.call('GET', path, options);
  }

  post(path, json = {}, options = {}) {
    return this.call('POST', path, { json, ...options });
  }

  // Like call, but anything else than `status` fails with the answer's words.
  async expect(status, method, path, options) {
    const answer = await this.call(method, path, options);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text.slice(0, 500)}`);
    return answer;
  }

  // Bytes as they are onto a connection; everything that comes back until it closes.
  raw(bytes, { end = false } = {}) {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: this.url.hostname, port: Number(this.url.port) });
      const pieces = [];
      socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no end within ${ANSWER_MS} ms`)));
      socket.on('connect', () => (end ? socket.end(bytes) : socket.write(bytes)));
      socket.on('data', (piece) => pieces.push(piece));
      socket.on('error', (e) => (pieces.length > 0 ? resolve(parseRaw(pieces)) : reject(e)));
      socket.on('close', () => resolve(parseRaw(pieces)));
    });
  }
}

function parseRaw(pieces) {
  const bytes = Buffer.concat(pieces);
  const split = bytes.indexOf('\r\n\r\n');
  const lines = bytes.subarray(0, Math.max(split, 0)).toString('latin1').split('\r\n');
  const headers = {};
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return new Answer(Number(lines[0].split(' ')[1] ?? 0), headers, bytes.subarray(split + 4));
}

// Words that belong into a log, never into an answer.
const INTERNAL = [
  /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b .*\b(FROM|VALUES|SET|WHERE)\b/, /SQLSTATE/, /\bpg_/, /libpq/i,
  /\/(run|var|usr|etc|home|tmp|proc)\//, /\.sock\b/, /\.[ch]:\d+/, /0x[0-9a-f]{6,}/i, /errno/i,
  /^\s+at .*:\d+:\d+/m, /JSON_[A-Z]/, /jansson/i, /nginx/i, /<html/i, /slipway_api/, /fastcgi/i,
];

// Every error has one form (RFC 9457) and says nothing about our insides.
export function assertProblem(answer, status, { type, detail } = {}, label = '') {
  const about = `${label} → ${answer.status} ${answer.text.slice(0, 400)}`;
  assert.equal(answer.status, status, about);
  assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json(;|$)/, about);
  const problem = answer.json;
  assert.deepEqual(Object.keys(problem).sort(), ['detail', 'request_id', 'status', 'title', 'type'], about);
  assert.equal(problem.status, status, about);
  assert.match(problem.type, /^\/problems\/[a-z-]+$/, about);
  assert.ok(problem.title.length > 2 && problem.detail.length > 10, about);
  assert.match(problem.request_id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, about);
  assert.equal(answer.headers['x-request-id'], problem.request_id, about);
  assert.equal(answer.headers['x-content-type-options'], 'nosniff', about);
  for (const pattern of INTERNAL) {
    assert.doesNotMatch(answer.text, pattern, about);
  }
  if (status === 401) {
    assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/, about);
  }
  if (status === 429 || status === 503) {
    assert.match(answer.headers['retry-after'] ?? '', /^[1-9][0-9]*$/, about);
  }
  if (status === 405) {
    assert.match(answer.headers.allow ?? '', /^[A-Z]+(, [A-Z]+)*$/, about);
  }
  if (type) {
    assert.equal(problem.type, `/problems/${type}`, about);
  }
  if (detail) {
    assert.match(problem.detail, detail, about);
  }
  return problem;
}

// The events of a text/event-stream answer: [{id, type, data}].
export function parseEvents(text) {
  const events = [];
  for (const block of text.split(/\r?\n\r?\n/)) {
    const event = { id: null, type: 'message', data: '' };
    let data = null;
    for (const line of block.split(/\r?\n/)) {
      const match = /^(id|event|data): ?(.*)$/s.exec(line);
      if (match?.[1] === 'id') {
        event.id = match[2];
      } else if (match?.[1] === 'event') {
        event.type = match[2];
      } else if (match) {
        data = data === null ? match[2] : `${data}\n${match[2]}`;
      }
    }
    if (data !== null) {
      event.data = JSON.parse(data);
      events.push(event);
    }
  }
  return events;
}
