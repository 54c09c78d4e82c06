// Previews byte by byte by the whole way of a browser: nginx with the configuration of an installation,
// slipway-router, and an app. Needs PostgreSQL and nginx, no Docker.

import assert from 'node:assert/strict';
import { after, before, describe, test as nodeTest } from 'node:test';
import { MIB, digest, digestOf, echo, pattern, writeAll } from './lib/bytes.mjs';
import { PreviewNginx } from './lib/preview-nginx.mjs';
import { Origin, RouterFixture } from './lib/router-fixture.mjs';

const test = (name, fn) => nodeTest(name, { timeout: 60_000 }, fn);
const sizes = [0, 1, 1000, 32768, 65535, 65536, 65537, 3 * MIB + 11];

const router = new RouterFixture();
const nginx = new PreviewNginx(router);
const app = async (origin) => router.app(await origin.listen());
let host;

before(async () => {
  await router.start();
  await nginx.start();
  host = await app(Origin.http(echo));
});
after(async () => {
  await nginx.stop();
  await router.destroy();
});

for (const kind of ['h1', 'h2']) {
  describe(`through nginx, ${kind === 'h1' ? 'HTTP/1.1' : 'HTTP/2'}`, () => {
    let client;
    before(() => {
      client = nginx.client(kind);
    });
    after(() => client.close());
    const call = (request) => client.call({ host, ...request });

    for (const framing of ['length', 'chunked', 'close']) {
      test(`answers by ${framing}, of every size`, async () => {
        for (const size of sizes) {
          const answer = await call({ path: `/${framing}?size=${size}`, sink: digest });
          assert.equal(answer.status, 200);
          assert.deepEqual(answer.bytes, { size, hash: digestOf(size) }, `${size} bytes`);
          if (framing === 'length') assert.equal(answer.headers['content-length'], String(size));
        }
      });
    }

    test('requests with a body, of every size, with and without a length', async () => {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        for (const size of method === 'POST' ? sizes : [0, 65537]) {
          for (const headers of [{ 'content-length': size }, kind === 'h1' ? { 'transfer-encoding': 'chunked' } : {}]) {
            const answer = await call({ method, path: '/length?size=5', headers, body: (stream) => writeAll(stream, pattern(size)), sink: digest });
            assert.equal(answer.headers['x-got'], `${method} ${size} ${digestOf(size)}`);
            assert.deepEqual(answer.bytes, { size: 5, hash: digestOf(5) });
          }
        }
      }
    });

    test('100 MB up and down', async () => {
      const size = 100 * MIB;
      const answer = await call({
        method: 'POST', path: `/length?size=${size}`, headers: { 'content-length': size }, body: (stream) => writeAll(stream, pattern(size)), sink: digest,
      });
      assert.equal(answer.headers['x-got'], `POST ${size} ${digestOf(size)}`);
      assert.deepEqual(answer.bytes, { size, hash: digestOf(size) });
    });

    test('HEAD, and answers without a body', async () => {
      const head = await call({ method: 'HEAD', path: '/length?size=12345' });
      assert.deepEqual([head.status, head.headers['content-length'], head.bytes.length], [200, '12345', 0]);
      for (const code of [204, 304, 205, 200, 201, 404, 418, 500]) {
        const answer = await call({ path: `/status?code=${code}` });
        assert.deepEqual([answer.status, answer.bytes.length], [code, 0]);
      }
    });

    // nginx before 1.29 takes any 1xx for the answer: then a client waits for ever, or the stream is broken.
    for (const hint of ['103 Early Hints', '102 Processing', '100 Continue']) {
      test(`${hint} before the answer harms nothing, and the connection goes on`, async () => {
        const hinting = await app(Origin.raw(`HTTP/1.1 ${hint}\r\nLink: </a>; rel=preload\r\n\r\n`.repeat(2)
          + 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
        const connections = [];
        for (let i = 0; i < 3; i++) {
          const answer = await call({ host: hinting });
          assert.deepEqual([answer.status, answer.bytes.toString(), answer.headers.link], [200, 'ok', undefined]);
          connections.push(client.connections.size);
        }
        assert.equal(connections[2], connections[0]);
      });
    }

    test('an answer with trailers is whole, and the connection goes on', async () => {
      const trailing = await app(Origin.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n'));
      for (let i = 0; i < 3; i++) assert.equal((await call({ host: trailing })).bytes.toString(), 'abc');
    });
  });
}
