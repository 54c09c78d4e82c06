// Two gigabytes down and up through the router: every byte, in constant memory.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';

import { digest } from '../system/lib/bytes.mjs';
import { Origin, RouterFixture } from '../system/lib/router-fixture.mjs';

const MIB = 1024 * 1024;
const SIZE = 2048 * MIB;
const GROWTH_MAX_KIB = 4096;
const PIECE = crypto.randomBytes(MIB);

const rssKib = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

function* pieces() {
  for (let sent = 0; sent < SIZE; sent += PIECE.length) yield PIECE;
}

describe('two gigabytes', () => {
  let router;
  let host;
  let expected;
  before(async () => {
    router = new RouterFixture();
    await router.start();
    expected = await digest(pieces());
    host = await router.app(await Origin.http(async (request, response) => {
      if (request.method === 'POST') {
        response.end(JSON.stringify(await digest(request)));
        return;
      }
      response.setHeader('content-length', SIZE);
      await pipeline(Readable.from(pieces()), response);
    }).listen());
  });
  after(() => router?.destroy());

  function open(method, headers = {}) {
    return http.request({ socketPath: router.socket, method, path: '/', headers: { host, ...headers }, agent: false });
  }

  // The most the router grew by while `work` went on.
  async function growthKib(work) {
    const { pid } = router.child;
    const start = rssKib(pid);
    let most = start;
    const timer = setInterval(() => (most = Math.max(most, rssKib(pid))), 50);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
    return most - start;
  }

  it('come down whole, in constant memory', async () => {
    const grew = await growthKib(async () => {
      const request = open('GET');
      request.end();
      const [response] = await once(request, 'response');
      assert.deepEqual(await digest(response), expected);
    });
    assert.ok(grew < GROWTH_MAX_KIB, `${grew} KiB`);
  });

  it('go up whole, in constant memory', async () => {
    const grew = await growthKib(async () => {
      const request = open('POST', { 'content-length': SIZE });
      const answered = once(request, 'response');
      await pipeline(Readable.from(pieces()), request);
      const [response] = await answered;
      let text = '';
      for await (const piece of response.setEncoding('utf8')) text += piece;
      assert.deepEqual(JSON.parse(text), expected);
    });
    assert.ok(grew < GROWTH_MAX_KIB, `${grew} KiB`);
  });
});
