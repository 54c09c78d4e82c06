// slipway-router as a proxy, byte by byte, in front of origins that do what apps do and what they should
// not. Needs PostgreSQL, no Docker.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, describe, test as nodeTest } from 'node:test';
import { MIB, digest, digestOf, echo, pattern, writeAll } from './lib/bytes.mjs';
import { Origin, RouterFixture, until } from './lib/router-fixture.mjs';

const test = (name, fn) => nodeTest(name, { timeout: 30_000 }, fn);
const PLAIN_HEAD = (host, line = 'GET / HTTP/1.1') => `${line}\r\nHost: ${host}\r\n`;

// Of what a socket reads, which goes on writing after that (an async iterator would destroy it).
function digestHalf(socket) {
  const hash = crypto.createHash('sha256');
  let size = 0;
  return new Promise((resolve) => {
    socket.on('data', (piece) => {
      hash.update(piece);
      size += piece.length;
    });
    socket.on('end', () => resolve({ size, hash: hash.digest('hex') }));
  });
}

// A router and its apps for one describe block.
function withRouter(settings = {}) {
  const held = { origins: [] };
  before(async () => {
    held.router = new RouterFixture();
    await held.router.start(settings);
  });
  after(async () => {
    await held.router.destroy();
  });
  held.app = async (origin) => held.router.app(await origin.listen());
  return held;
}

// Begun first and looked at last: the router gives a client that is silent a minute.
const stopped = withRouter();
before(async () => {
  const host = await stopped.app(Origin.http((request) => request.on('error', () => {}).resume()));
  const begun = performance.now();
  stopped.seen = stopped.router.raw(`${PLAIN_HEAD(host, 'POST / HTTP/1.1')}Content-Length: 10\r\n\r\nhalf`, { deadline_ms: 90_000 })
    .then((text) => ({ text, ms: performance.now() - begun }), (e) => ({ text: e.message }));
});

describe('router: bytes both ways', () => {
  const held = withRouter();
  let host;
  const agent = new http.Agent({ keepAlive: true });
  before(async () => {
    host = await held.app(Origin.http(echo));
  });
  after(() => agent.destroy());

  const sizes = [0, 1, 1000, 65535, 65536, 65537, 3 * MIB + 11];
  for (const framing of ['length', 'chunked', 'close']) {
    test(`answers by ${framing}, of every size`, async () => {
      for (const size of sizes) {
        const answer = await held.router.call({ host, path: `/${framing}?size=${size}`, agent });
        assert.equal(answer.status, 200);
        assert.deepEqual(await digest([answer.bytes]), { size, hash: digestOf(size) }, `${size} bytes`);
        if (framing === 'length') assert.equal(answer.headers['content-length'], String(size));
      }
    });
  }

  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY'].filter((m) => http.METHODS.includes(m))) {
    test(`${method} with a body by length and in chunks`, async () => {
      for (const size of method === 'POST' ? sizes : [0, 65537]) {
        for (const headers of [{ 'content-length': size }, { 'transfer-encoding': 'chunked' }]) {
          const answer = await held.router.call({ host, method, path: '/length?size=5', headers, body: pattern(size), agent });
          assert.equal(answer.headers['x-got'], `${method} ${size} ${digestOf(size)}`);
          assert.equal(answer.bytes.length, 5);
        }
      }
    });
  }

  test('100 MB up and down at once', async () => {
    const size = 100 * MIB;
    const request = http.request({ socketPath: held.router.socket, method: 'POST', path: `/length?size=${size}`, headers: { host, 'content-length': size } });
    const answered = once(request, 'response');
    await writeAll(request, pattern(size));
    request.end();
    const [response] = await answered;
    assert.equal(response.headers['x-got'], `POST ${size} ${digestOf(size)}`);
    assert.deepEqual(await digest(response), { size, hash: digestOf(size) });
  });

  test('HEAD has the head of GET and no body', async () => {
    for (const target of ['/length?size=12345', '/chunked?size=12345']) {
      const answer = await held.router.call({ host, method: 'HEAD', path: target, agent });
      assert.equal(answer.status, 200);
      assert.equal(answer.bytes.length, 0);
      assert.equal(answer.headers['content-length'], target.startsWith('/length') ? '12345' : undefined);
    }
  });

  test('204 and 304 have no body, and the connection goes on', async () => {
    for (const code of [204, 304, 205, 200]) {
      const answer = await held.router.call({ host, path: `/status?code=${code}`, agent });
      assert.equal(answer.status, code);
      assert.equal(answer.bytes.length, 0);
    }
  });

  test('every other status passes', async () => {
    for (const code of [201, 206, 301, 400, 401, 404, 416, 418, 500, 503, 599]) {
      assert.equal((await held.router.call({ host, path: `/status?code=${code}`, agent })).status, code);
    }
  });

  test('connections to the app are used again', async () => {
    const first = await held.router.call({ host, path: '/length?size=1', agent });
    const second = await held.router.call({ host, path: '/chunked?size=70000', agent });
    const third = await held.router.call({ host, path: '/length?size=1', agent });
    assert.equal(first.headers['x-port'], second.headers['x-port']);
    assert.equal(second.headers['x-port'], third.headers['x-port']);
  });

  test('pipelined requests are answered in order', async () => {
    const paths = Array.from({ length: 40 }, (_, i) => `/length?size=${i}`);
    const bytes = paths.map((p) => `${PLAIN_HEAD(host, `GET ${p} HTTP/1.1`)}\r\n`).join('')
      + `${PLAIN_HEAD(host)}Connection: close\r\n\r\n`;
    const seen = await held.router.raw(bytes);
    const lengths = [...seen.matchAll(/content-length: (\d+)/gi)].map((m) => Number(m[1]));
    assert.deepEqual(lengths.slice(0, 40), paths.map((_, i) => i));
  });

  test('HTTP/1.0 clients get neither chunks nor a connection they did not ask to keep', async () => {
    for (const target of ['/chunked', '/close', '/length']) {
      const seen = await held.router.raw(`GET ${target}?size=70001 HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
      const [head, ...rest] = seen.split('\r\n\r\n');
      const body = rest.join('\r\n\r\n');
      assert.match(head, /^HTTP\/1\.1 200 /);
      assert.doesNotMatch(head, /transfer-encoding/i);
      assert.match(head, /connection: close/i);
      assert.ok(Buffer.from(body, 'latin1').equals(Buffer.concat([...pattern(70001)])), target);
    }
    const kept = await held.router.raw(`GET /length?size=3 HTTP/1.0\r\nHost: ${host}\r\nConnection: keep-alive\r\n\r\nGET /length?size=4 HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
    assert.equal(kept.match(/HTTP\/1\.1 200/g).length, 2);
    assert.match(kept, /connection: keep-alive/i);
  });

  test('a request that is sent and half closed is answered', async () => {
    const seen = await held.router.raw(`${PLAIN_HEAD(host, 'GET /length?size=9 HTTP/1.1')}\r\n`, { half_close: true });
    assert.match(seen, /content-length: 9/i);
  });

  test('heads split at every byte', async () => {
    const bytes = `${PLAIN_HEAD(host, 'POST /length?size=2 HTTP/1.1')}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
    const socket = held.router.connect();
    let seen = '';
    socket.on('data', (piece) => { seen += piece; });
    for (const byte of bytes) {
      await new Promise((resolve) => { socket.write(byte, resolve); });
    }
    await once(socket, 'end');
    socket.destroy();
    assert.match(seen, /x-got: POST 3 /);
  });
});

describe('router: heads', () => {
  const held = withRouter();
  let host;
  let answer;
  before(async () => {
    host = await held.app(Origin.http((request, response) => {
      response.setHeader('x-sent', JSON.stringify(request.rawHeaders));
      for (const [name, value] of answer ?? []) response.appendHeader(name, value);
      response.end('x');
    }));
  });

  async function sent(headers, to = host) {
    const { headers: got } = await held.router.call({ host: to, headers });
    const raw = JSON.parse(got['x-sent']);
    return raw.flatMap((name, i) => (i % 2 === 0 ? [`${name.toLowerCase()}: ${raw[i + 1]}`] : [])).sort();
  }

  test('the app sees its own address, and who asks', async () => {
    assert.deepEqual(await sent({ 'x-forwarded-for': '8.8.8.8, 203.0.113.7', 'x-forwarded-proto': 'https', accept: '*/*' }), [
      'accept: */*', 'host: localhost:3000', 'x-forwarded-for: 203.0.113.7', 'x-forwarded-proto: https',
    ]);
    assert.deepEqual(await sent({}), ['host: localhost:3000', 'x-forwarded-proto: http']);
    assert.deepEqual(await sent({}, `8080--${host}`), ['host: localhost:8080', 'x-forwarded-proto: http']);
  });

  test('Origin and Referer of its own become those of localhost; foreign ones stay', async () => {
    assert.deepEqual(await sent({ origin: `http://${host}`, referer: `https://${host}/a?b` }), [
      'host: localhost:3000', 'origin: http://localhost:3000', 'referer: http://localhost:3000/a?b', 'x-forwarded-proto: http',
    ]);
    for (const foreign of ['https://evil.example', `http://${host}.evil.example`, `http://x.${host}`, 'null', `ftp://${host}`, `http://${host}@evil.example`]) {
      assert.ok((await sent({ origin: foreign, referer: foreign })).includes(`origin: ${foreign}`));
    }
    assert.ok((await sent({ host: `${host}:8080`, origin: `http://${host}:8080` })).includes('origin: http://localhost:3000'));
    assert.ok((await sent({ origin: `http://${host}:8080` })).includes(`origin: http://${host}:8080`));
  });

  test('what is ours, spoofed or hop-by-hop does not reach the app', async () => {
    assert.deepEqual(await sent({
      'x-slipway-user': '1', 'X-Accel-Redirect': '/x', 'x-forwarded-host': 'a', 'x-forwarded-port': '1', forwarded: 'for=1', 'x-real-ip': '1.1.1.1',
      te: 'trailers', 'keep-alive': 'x', 'proxy-connection': 'x', 'proxy-authorization': 'x', connection: 'keep-alive, x-named', 'x-named': 'y', 'x-kept': 'z',
      upgrade: 'h2c', cookie: 'a=1; __Host-slipway-preview=s3cret; __host-SLIPWAY-preview=x;b=2',
    }), ['cookie: a=1; b=2', 'host: localhost:3000', 'x-forwarded-proto: http', 'x-kept: z']);
    assert.deepEqual(await sent({ cookie: '__Host-slipway-preview=s3cret' }), ['host: localhost:3000', 'x-forwarded-proto: http']);
  });

  test('what concerns more than the preview does not reach the client', async () => {
    answer = [
      ['X-Accel-Redirect', '/_agent/x'], ['X-Slipway-User', '1'], ['Clear-Site-Data', '"*"'], ['Alt-Svc', 'h3=":1"'],
      ['Strict-Transport-Security', 'max-age=1'], ['Set-Cookie', 'a=1; Domain=example.test; Path=/'], ['Set-Cookie', '__Host-slipway-preview=x; Path=/'],
      ['Set-Cookie', 'b=2;domain = x;Secure'], ['X-Kept', 'y'], ['Connection', 'x-named'], ['X-Named', '1'],
    ];
    const { headers } = await held.router.call({ host });
    answer = null;
    assert.deepEqual(headers['set-cookie'], ['a=1; Path=/', 'b=2; Secure']);
    assert.equal(headers['x-kept'], 'y');
    for (const name of ['x-accel-redirect', 'x-slipway-user', 'clear-site-data', 'alt-svc', 'strict-transport-security', 'x-named']) {
      assert.equal(headers[name], undefined, name);
    }
  });

  test('Location of its own becomes a path', async () => {
    for (const [from, to] of [
      ['http://localhost:3000/a?b#c', '/a?b#c'], ['https://127.0.0.1:3000', '/'], ['http://localhost:3000?x', '/?x'],
      ['http://localhost:3000//evil.example', '/.//evil.example'], ['http://localhost:3000/\\evil.example', '/./\\evil.example'],
      ['http://localhost:30001/', 'http://localhost:30001/'], ['http://localhost:3000@evil.example/', 'http://localhost:3000@evil.example/'],
      ['https://example.org/x', 'https://example.org/x'], ['/plain', '/plain'],
    ]) {
      answer = [['Location', from]];
      assert.equal((await held.router.call({ host })).headers.location, to, from);
    }
    answer = null;
  });

  test('a head just below the limit passes, above it is 431', async () => {
    assert.ok((await sent({ 'x-long': 'a'.repeat(15 * 1024) })).some((l) => l.startsWith('x-long')));
    const seen = await held.router.raw(`${PLAIN_HEAD(host)}X-Long: ${'a'.repeat(17 * 1024)}\r\n\r\n`);
    assert.match(seen, /^HTTP\/1\.1 431 /);
    const many = await held.router.raw(`${PLAIN_HEAD(host)}${Array.from({ length: 100 }, (_, i) => `X-${i}: 1\r\n`).join('')}\r\n`);
    assert.match(many, /^HTTP\/1\.1 431 /);
  });
});

describe('router: informational answers and trailers', () => {
  const held = withRouter();

  test('100 Continue comes from the app, the body after it', async () => {
    const host = await held.app(Origin.http(echo));
    const request = http.request({ socketPath: held.router.socket, method: 'POST', path: '/length?size=3', headers: { host, expect: '100-continue', 'content-length': 5 } });
    request.flushHeaders();
    await once(request, 'continue');
    request.end('12345');
    const [response] = await once(request, 'response');
    assert.match(response.headers['x-got'], /^POST 5 /);
    response.resume();
  });

  test('a refusal instead of 100 arrives, and the body is not wanted', async () => {
    const host = await held.app(Origin.http(echo, {
      checkExpectation: (request, response) => { response.writeHead(417, { 'content-length': 2 }); response.end('no'); },
    }));
    const seen = await held.router.raw(`${PLAIN_HEAD(host, 'POST / HTTP/1.1')}Expect: something\r\nContent-Length: 1000\r\n\r\n`);
    assert.match(seen, /^HTTP\/1\.1 417 /);
    assert.ok(seen.endsWith('no'));
  });

  test('other informational answers reach nobody, and 100 only who asked for it', async () => {
    const final = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    for (const [status, expect] of [['103 Early Hints', true], ['102 Processing', true], ['100 Continue', false]]) {
      const host = await held.app(Origin.raw(`HTTP/1.1 ${status}\r\nLink: </a>; rel=preload\r\nX-Accel-Redirect: /x\r\n\r\n${final}`));
      const seen = await held.router.raw(`${PLAIN_HEAD(host)}Connection: close\r\n${expect ? 'Expect: 100-continue\r\n' : ''}\r\n`);
      assert.match(seen, /^HTTP\/1\.1 200 /, status);
      assert.doesNotMatch(seen, /preload/, status);
      const old = await held.router.raw(`GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
      assert.match(old, /^HTTP\/1\.1 200 /, status);
    }
  });

  test('endless informational answers are malformed', async () => {
    const host = await held.app(Origin.raw('HTTP/1.1 102 Processing\r\n\r\n'.repeat(100)));
    assert.match(await held.router.raw(`${PLAIN_HEAD(host)}Connection: close\r\n\r\n`), /HTTP\/1\.1 50\d /);
  });

  test('trailers pass, but not those that mean something in a head', async () => {
    const host = await held.app(Origin.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n'
      + '3\r\nabc\r\n0\r\nX-Sum: 9\r\nSet-Cookie: a=1\r\nContent-Length: 5\r\nX-Accel-Redirect: /x\r\n\r\n'));
    const agent = new http.Agent({ keepAlive: true });
    for (let i = 0; i < 3; i++) {
      const answer = await held.router.call({ host, agent });
      assert.equal(answer.text, 'abc');
      assert.deepEqual(answer.trailers, { 'x-sum': '9' });
    }
    agent.destroy();
    assert.match(await held.router.raw(`GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`), /\r\n\r\nabc$/);
  });
});

describe('router: WebSockets', () => {
  const held = withRouter();
  const upgrade = (host) => `${PLAIN_HEAD(host, 'GET /ws HTTP/1.1')}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://${host}\r\n\r\n`;
  let request;
  let far; // the app's end of the last tunnel
  let host;
  before(async () => {
    host = await held.app(Origin.http(echo, {
      upgrade: (rq, socket) => {
        request = rq;
        far = socket;
        socket.on('error', () => {});
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nfirst');
      },
    }));
  });

  async function open() {
    const socket = held.router.connect();
    let seen = '';
    socket.write(upgrade(host));
    while (!seen.endsWith('first')) {
      const [piece] = await once(socket, 'data');
      seen += piece.toString('latin1');
    }
    assert.match(seen, /^HTTP\/1\.1 101 .*\r\nSec-WebSocket-Accept: s3p.*\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/s);
    return socket;
  }

  test('the handshake is rewritten like any head, bytes go both ways', async () => {
    const socket = await open();
    assert.equal(request.headers.host, 'localhost:3000');
    assert.equal(request.headers.origin, 'http://localhost:3000');
    assert.equal(request.headers.upgrade, 'websocket');
    socket.write('to the app');
    assert.equal((await once(far, 'data'))[0].toString(), 'to the app');
    far.write('to the client');
    assert.equal((await once(socket, 'data'))[0].toString(), 'to the client');
    assert.equal((await held.router.metrics()).tunnels, 1);
    far.resume();
    socket.destroy();
    await once(far, 'end');
    far.destroy();
    await until(async () => (await held.router.metrics()).tunnels === 0, 'the tunnel is counted out');
  });

  test('each end can close by itself', async () => {
    const one = await open();
    one.end('last words');
    const [words] = await once(far, 'data');
    assert.equal(words.toString(), 'last words');
    far.resume();
    await once(far, 'end');
    far.write('still here');
    assert.equal((await once(one, 'data'))[0].toString(), 'still here');
    one.resume();
    far.end();
    await once(one, 'end');

    const two = await open();
    const there = far;
    there.end('bye');
    assert.equal((await once(two, 'data'))[0].toString(), 'bye');
    two.resume();
    await once(two, 'end');
    two.write('and thanks');
    assert.equal((await once(there, 'data'))[0].toString(), 'and thanks');
    there.resume();
    two.end();
    await once(there, 'end');
  });

  test('megabytes through a tunnel, byte-exact, both ways at once', async () => {
    const socket = await open();
    const size = 20 * MIB + 3;
    const results = Promise.all([digestHalf(socket), digestHalf(far)]);
    await Promise.all([writeAll(socket, pattern(size)).then(() => socket.end()), writeAll(far, pattern(size)).then(() => far.end())]);
    for (const result of await results) {
      assert.deepEqual(result, { size, hash: digestOf(size) });
    }
  });

  test('an app that refuses is heard; one that switches unasked is not believed', async () => {
    const refusing = await held.app(Origin.raw('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'));
    const socket = held.router.connect();
    socket.write(upgrade(refusing));
    assert.match((await once(socket, 'data'))[0].toString(), /^HTTP\/1\.1 403 /);
    socket.destroy();
    const eager = await held.app(Origin.raw('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'));
    assert.match(await held.router.raw(`${PLAIN_HEAD(eager)}Connection: close\r\n\r\n`), /^HTTP\/1\.1 50\d /);
  });
});

describe('router: requests that two readers could read differently', () => {
  const held = withRouter();
  let host;
  let origin;
  let reached = 0;
  before(async () => {
    origin = Origin.http((request, response) => {
      reached++;
      request.on('error', () => {});
      request.resume();
      response.end('reached');
    });
    host = await held.app(origin);
  });

  const post = (headers, body) => (h) => `POST / HTTP/1.1\r\nHost: ${h}\r\n${headers}\r\n\r\n${body}`;
  const corpus = {
    'length and chunked': post('Content-Length: 4\r\nTransfer-Encoding: chunked', '0\r\n\r\nGET /x HTTP/1.1\r\n\r\n'),
    'two lengths': post('Content-Length: 1\r\nContent-Length: 2', 'ab'),
    'two equal lengths': post('Content-Length: 1\r\nContent-Length: 1', 'a'),
    'a list of lengths': post('Content-Length: 1, 1', 'a'),
    'a signed length': post('Content-Length: +1', 'a'),
    'a hexadecimal length': post('Content-Length: 0x1', 'a'),
    'a length beyond numbers': post('Content-Length: 99999999999999999999', 'a'),
    'chunked among others': post('Transfer-Encoding: gzip, chunked', '0\r\n\r\n'),
    'chunked twice': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
    'chunked, identity': post('Transfer-Encoding: chunked, identity', '0\r\n\r\n'),
    'chunked with a vertical tab': post('Transfer-Encoding: \x0bchunked', '0\r\n\r\n'),
    'chunked in HTTP/1.0': (h) => `POST / HTTP/1.0\r\nHost: ${h}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'space before a colon': post('Transfer-Encoding : chunked', '0\r\n\r\n'),
    'a folded line': post('Transfer-Encoding:\r\n chunked', '0\r\n\r\n'),
    'a line that begins with space': post(' Transfer-Encoding: chunked', '0\r\n\r\n'),
    'bare line feeds': (h) => `POST / HTTP/1.1\nHost: ${h}\nContent-Length: 1\n\na\r\n\r\n`,
    'a bare line feed in a header': post('X: a\nContent-Length: 5', 'abcde'),
    'a bare carriage return': post('X: a\rContent-Length: 5', 'abcde'),
    'a NUL': post('X: a\0b', ''),
    'two hosts': (h) => `GET / HTTP/1.1\r\nHost: ${h}\r\nHost: other\r\n\r\n`,
    'no host': () => 'GET / HTTP/1.1\r\n\r\n',
    'an absolute target': (h) => `GET http://${h}/ HTTP/1.1\r\nHost: ${h}\r\n\r\n`,
    'a target with a space': (h) => `GET /a b HTTP/1.1\r\nHost: ${h}\r\n\r\n`,
    'another version': (h) => `GET / HTTP/1.2\r\nHost: ${h}\r\n\r\n`,
    'HTTP/2 preface': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'TLS': () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    'CONNECT': (h) => `CONNECT ${h}:80 HTTP/1.1\r\nHost: ${h}\r\n\r\n`,
    'TRACE': (h) => `TRACE / HTTP/1.1\r\nHost: ${h}\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(corpus)) {
    test(`${name}: refused, and the connection closed`, async () => {
      const before_ = reached;
      const seen = await held.router.raw(bytes(host));
      assert.match(seen, /^HTTP\/1\.1 4(00|05) /);
      assert.match(seen, /connection: close/i);
      assert.equal(seen.match(/^HTTP\/1\.1/gm).length, 1);
      assert.equal(reached, before_, 'nothing of it reached the app');
    });
  }

  const chunks = {
    'an extension': '3;a=b\r\nabc\r\n0\r\n\r\n',
    'a bare line feed': '3\nabc\n0\n\n',
    'a size with a sign': '+3\r\nabc\r\n0\r\n\r\n',
    'a size with 0x': '0x3\r\nabc\r\n0\r\n\r\n',
    'a size with space': '3 \r\nabc\r\n0\r\n\r\n',
    'a size beyond numbers': 'ffffffffffffffffff\r\nabc\r\n0\r\n\r\n',
    'data longer than its size': '3\r\nabcd\r\n0\r\n\r\n',
    'no size': '\r\nabc\r\n0\r\n\r\n',
    'trailers': '3\r\nabc\r\n0\r\nX: y\r\n\r\n',
  };
  for (const [name, body] of Object.entries(chunks)) {
    test(`chunks with ${name}: refused, the rest is no request`, async () => {
      const seen = await held.router.raw(`${PLAIN_HEAD(host, 'POST / HTTP/1.1')}Transfer-Encoding: chunked\r\n\r\n${body}${PLAIN_HEAD(host, 'GET /smuggled HTTP/1.1')}\r\n`);
      assert.ok((seen.match(/^HTTP\/1\.1/gm) ?? []).length <= 1, seen);
      assert.doesNotMatch(seen, /smuggled/);
    });
  }

  test('a head that never ends is dropped after 10 s', async () => {
    const begun = performance.now();
    assert.equal(await held.router.raw(`${PLAIN_HEAD(host)}X-Slow: `), '');
    const took = performance.now() - begun;
    assert.ok(took > 9_000 && took < 13_000, `${took} ms`);
  });
});

describe('router: answers that are none', () => {
  const held = withRouter({ SLIPWAY_ROUTER_IDLE_S: '1', SLIPWAY_ROUTER_HOLD_MS: '500' });
  const get = (host) => held.router.raw(`${PLAIN_HEAD(host)}Connection: close\r\n\r\n`);

  const garbage = {
    'not HTTP': 'SSH-2.0-OpenSSH_9\r\n\r\n',
    'HTTP/0.9': '<html></html>\r\n\r\n',
    'bare line feeds': 'HTTP/1.1 200 OK\nContent-Length: 1\n\na\r\n\r\n',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'length and chunked': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a folded line': 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n',
    'a NUL in a header': 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n',
    'status 999': 'HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n',
    'status 000': 'HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n',
    'an endless head': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(20000)}`,
  };
  for (const [name, bytes] of Object.entries(garbage)) {
    test(`${name}: a page of ours instead`, async () => {
      const host = await held.app(Origin.raw(bytes));
      const seen = await get(host);
      assert.match(seen, /^HTTP\/1\.1 50[0-9] /);
      assert.equal(seen.match(/^HTTP\/1\.1/gm).length, 1);
    });
  }

  test('broken framing within a body breaks the client off', async () => {
    for (const body of ['3;x\r\nabc\r\n0\r\n\r\n', '3\r\nabcd\r\n', 'zz\r\n']) {
      const host = await held.app(Origin.raw(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`));
      const seen = await get(host);
      assert.doesNotMatch(seen, /0\r\n\r\n$/);
    }
  });

  test('an early end is never taken for a whole answer', async () => {
    for (const answer of ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n']) {
      const host = await held.app(Origin.raw(answer, { close: true }));
      await assert.rejects(held.router.call({ host }), /aborted|hang up|ECONNRESET|terminated/);
    }
  });

  test('no answer at all: a page, whether the app closes or is silent', async () => {
    const closing = await held.app(new Origin((socket) => socket.once('data', () => socket.end())));
    assert.match(await get(closing), /^HTTP\/1\.1 50\d /);
    const resetting = await held.app(new Origin((socket) => socket.once('data', () => socket.resetAndDestroy())));
    assert.match(await get(resetting), /^HTTP\/1\.1 50\d /);
    const silent = await held.app(new Origin((socket) => socket.resume()));
    assert.match(await get(silent), /^HTTP\/1\.1 50\d /);
  });

  test('silence within an answer breaks it off', async () => {
    const host = await held.app(Origin.raw('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'));
    const begun = performance.now();
    await assert.rejects(held.router.call({ host }), /aborted|hang up|ECONNRESET/);
    assert.ok(performance.now() - begun < 5000);
  });

  test('a WebSocket both sides are silent on ends, one with traffic does not', async () => {
    let far;
    const host = await held.app(Origin.http(echo, {
      upgrade: (rq, socket) => {
        far = socket;
        socket.on('error', () => {});
        socket.write('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      },
    }));
    const socket = held.router.connect();
    socket.write(`${PLAIN_HEAD(host)}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    await once(socket, 'data');
    const begun = performance.now();
    let last;
    socket.resume();
    while (performance.now() - begun < 2000) {
      far.write('.');
      last = performance.now();
      await new Promise((resolve) => { setTimeout(resolve, 200); });
      assert.equal(socket.destroyed, false);
    }
    if (!socket.readableEnded) await once(socket, 'end');
    socket.destroy();
    assert.ok(performance.now() - last > 950);
  });

  test('an answer before the request was read arrives whole', async () => {
    const host = await held.app(new Origin((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig'));
    }));
    const seen = await held.router.raw(`${PLAIN_HEAD(host, 'POST / HTTP/1.1')}Content-Length: 50000000\r\n\r\n${'x'.repeat(500_000)}`);
    assert.match(seen, /^HTTP\/1\.1 413 /);
    assert.ok(seen.endsWith('big'));
  });

  test('the relay that is none, refuses or talks too much', async () => {
    for (const greeting of ['HTTP/1.1 400 Bad Request\r\n\r\n', 'NO crashed it fell over\n', 'NO whatever\n', 'OK 0\n', 'OK 99999\n', 'OK 3000\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad', 'x'.repeat(1000)]) {
      const origin = Origin.http(echo);
      origin.answer = () => greeting;
      const host = await held.app(origin);
      const seen = await get(host);
      assert.match(seen, /^HTTP\/1\.1 50\d /, greeting);
      assert.doesNotMatch(seen, /bad$/);
    }
  });

  test('a port nobody listens on', async () => {
    const origin = await Origin.http(echo).listen();
    const host = await held.router.app(origin);
    origin.close();
    assert.match(await get(host), /^HTTP\/1\.1 50\d /);
  });
});

describe('router: what takes too long in all', () => {
  const held = withRouter({ SLIPWAY_ROUTER_TOTAL_S: '2' });
  const trickle = (type) => Origin.http((request, response) => {
    response.setHeader('content-type', type);
    const timer = setInterval(() => response.write('.'), 100);
    response.on('close', () => clearInterval(timer));
  });

  test('is broken off though it is never silent; an event stream goes on', async () => {
    const [slow, stream] = [await held.app(trickle('text/plain')), await held.app(trickle('text/event-stream'))];
    const open = (host) => {
      const socket = held.router.connect();
      socket.on('error', () => {}).resume();
      socket.write(`${PLAIN_HEAD(host)}\r\n`);
      return socket;
    };
    const from = performance.now();
    const endless = open(stream);
    const broken = open(slow);
    await Promise.race([once(broken, 'end'), once(broken, 'close')]);
    const took = performance.now() - from;
    assert.ok(took > 1500 && took < 6000, `${took} ms`);
    const before = endless.bytesRead;
    await until(() => endless.bytesRead > before + 20, 'the stream goes on');
    endless.destroy();
    broken.destroy();
  });
});

describe('router: connections to apps', () => {
  const held = withRouter({ SLIPWAY_ROUTER_APP_CONNS: '4' });
  const agent = new http.Agent({ keepAlive: true });
  after(() => agent.destroy());

  test('what an app sends unasked reaches nobody', async () => {
    const sockets = [];
    const hostile = await held.app(new Origin((socket) => {
      sockets.push(socket);
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmineHTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: 1\r\n\r\npoison');
      });
    }));
    const innocent = await held.app(Origin.http((request, response) => response.end('good')));
    for (let i = 0; i < 20; i++) {
      const bad = await held.router.call({ host: hostile, agent });
      assert.equal(bad.text, 'mine');
      assert.equal(bad.headers['x-poison'], undefined);
      assert.equal((await held.router.call({ host: innocent, agent })).text, 'good');
    }
    assert.equal(sockets.length, 20, 'a connection with bytes to spare is not used again');
  });

  test('bytes that come while a connection is idle close it', async () => {
    const sockets = [];
    const host = await held.app(new Origin((socket) => {
      sockets.push(socket);
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine'));
    }));
    assert.equal((await held.router.call({ host, agent })).text, 'mine');
    const ended = new Promise((resolve) => {
      sockets[0].on('end', resolve).on('close', resolve);
    });
    sockets[0].write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
    await ended;
    assert.equal((await held.router.call({ host, agent })).text, 'mine');
    assert.equal(sockets.length, 2);
  });

  test('apps never share a connection', async () => {
    const apps = [];
    for (const name of ['a', 'b', 'c']) {
      const origin = Origin.http((request, response) => response.end(`${name} ${request.url}`));
      apps.push({ name, origin, host: await held.app(origin) });
    }
    await Promise.all(Array.from({ length: 150 }, async (_, i) => {
      const { name, host } = apps[i % 3];
      const answer = await held.router.call({ host, path: `/${i}`, agent });
      if (answer.status !== 503) assert.equal(answer.text, `${name} /${i}`);
    }));
    for (const { origin } of apps) {
      assert.ok(origin.greetings.every((g) => g.startsWith(`SLW1 ${origin.secret} 0 `)));
      assert.ok(origin.connections <= 4 + 150);
    }
  });

  test('a connection the app closed while it was idle costs nothing', async () => {
    const host = await held.app(new Origin((socket) => {
      let n = 0;
      socket.on('data', () => {
        // The second request finds a connection that is being closed.
        if (++n === 2) socket.end();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    }));
    for (let i = 0; i < 6; i++) {
      assert.equal((await held.router.call({ host, agent })).text, 'ok');
    }
    assert.ok((await held.router.metrics()).retries_total > 0);
  });

  test('a POST is not sent twice', async () => {
    const heads = [];
    const host = await held.app(new Origin((socket) => {
      let n = 0;
      socket.on('data', (bytes) => {
        heads.push(bytes.toString().split(' ')[0]);
        if (++n === 2) socket.end();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    }));
    await held.router.call({ host, agent });
    const answer = await held.router.call({ host, method: 'POST', headers: { 'content-length': 0 }, agent });
    assert.ok(answer.status >= 500);
    assert.deepEqual(heads, ['GET', 'POST']);
  });

  test('no app has more connections than it may, and idle ones do not count', async () => {
    const waiting = [];
    const origin = Origin.http((request, response) => waiting.push(response));
    const host = await held.app(origin);
    const calls = Array.from({ length: 4 }, () => held.router.call({ host }));
    await until(() => waiting.length === 4, 'four requests are with the app');
    assert.equal((await held.router.call({ host })).status, 503);
    waiting.forEach((r) => r.end('ok'));
    for (const answer of await Promise.all(calls)) assert.equal(answer.text, 'ok');
    const more = held.router.call({ host: `8080--${host}` });
    await until(() => waiting.length === 5, 'another port in place of an idle connection');
    waiting[4].end('ok');
    assert.equal((await more).text, 'ok');
  });

  test('a client that leaves takes its request along', async () => {
    let closed;
    let request;
    const host = await held.app(Origin.http((rq, response) => {
      request = rq;
      closed = once(response, 'close');
    }));
    const socket = held.router.connect();
    socket.write(`${PLAIN_HEAD(host)}\r\n`);
    await until(() => request, 'the request is with the app');
    socket.destroy();
    await closed;
  });

  test('an event stream is a stream: each event at once, and counted', async () => {
    let stream;
    const host = await held.app(Origin.http((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      stream = response;
      response.write('data: 1\n\n');
    }));
    const request = http.get({ socketPath: held.router.socket, headers: { host }, agent: false });
    const [response] = await once(request, 'response');
    assert.equal((await once(response, 'data'))[0].toString(), 'data: 1\n\n');
    stream.write('data: 2\n\n');
    assert.equal((await once(response, 'data'))[0].toString(), 'data: 2\n\n');
    request.destroy();
    await once(stream, 'close');
  });
});

function rssKib(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

describe('router: memory and the end', () => {
  const held = withRouter();

  test('a reader that does not read and an app that does not are waited for in constant memory', async () => {
    let deaf;
    const host = await held.app(Origin.http((request, response) => {
      if (request.method === 'POST') {
        request.pause();
        deaf = request;
        request.on('close', () => response.end());
        return;
      }
      void writeAll(response, pattern(200 * MIB)).then(() => response.end());
    }));
    await held.router.call({ host: `x.${host}` });
    const start = rssKib(held.router.child.pid);
    const reader = held.router.connect();
    reader.pause();
    reader.write(`${PLAIN_HEAD(host)}\r\n`);
    const writer = held.router.connect();
    writer.write(`${PLAIN_HEAD(host, 'POST / HTTP/1.1')}Content-Length: ${200 * MIB}\r\n\r\n`);
    await until(() => deaf, 'the upload has begun');
    let sent = 0;
    for (const piece of pattern(200 * MIB)) {
      if (!writer.write(piece)) break;
      sent += piece.length;
    }
    await until(async () => (await held.router.metrics()).bytes_to_clients_total > 0, 'the download has begun');
    assert.ok(rssKib(held.router.child.pid) - start < 4096, `${rssKib(held.router.child.pid) - start} KiB for two that stand still`);
    assert.ok(sent < 100 * MIB);
    let got = 0;
    const hash = crypto.createHash('sha256');
    let head = true;
    for await (let piece of reader) {
      if (head) {
        piece = piece.subarray(piece.indexOf('\r\n\r\n') + 4);
        head = false;
      }
      got += piece.length;
      hash.update(piece);
      if (got >= 200 * MIB) break;
    }
    assert.ok(rssKib(held.router.child.pid) - start < 4096);
    writer.destroy();
    reader.destroy();
  });

  test('TERM: what is under way is finished, nothing new is taken, idle ones are closed', async () => {
    let answer;
    const host = await held.app(Origin.http((request, response) => {
      answer = response;
      response.write('begun ');
    }));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const idle = held.router.connect();
    await once(idle, 'connect');
    idle.resume();
    const idleEnded = once(idle, 'end');
    const call = held.router.call({ host, agent });
    await until(() => answer, 'the request is with the app');
    held.router.child.kill('SIGTERM');
    await idleEnded;
    idle.destroy();
    answer.end('and ended');
    assert.equal((await call).text, 'begun and ended');
    assert.deepEqual(await held.router.child.ended, { code: 0, signal: null });
    agent.destroy();
  });
});

describe('router: a request that stops in its middle', () => {
  nodeTest('is 408 after a minute of silence', { timeout: 90_000 }, async () => {
    const { text, ms } = await stopped.seen;
    assert.match(text, /^HTTP\/1\.1 408 /);
    assert.ok(ms > 59_000 && ms < 70_000, `${ms} ms`);
  });
});
