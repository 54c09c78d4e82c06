// The program that looks at a page and what it loads (sandbox-image/bin/page.mjs), against servers made for it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

const PROGRAM = path.join(import.meta.dirname, '../../sandbox-image/bin/page.mjs');
const TYPES = { html: 'text/html', js: 'text/javascript', tsx: 'text/javascript', css: 'text/css', json: 'application/json', txt: 'text/plain' };

// Sandboxes of apps have ::1, whatever this machine has.
const IPV6_OFF = '/proc/sys/net/ipv6/conf/lo/disable_ipv6';

const run = promisify(execFile);

let ipv6Off;
before(() => {
  ipv6Off = fs.readFileSync(IPV6_OFF, 'utf8');
  fs.writeFileSync(IPV6_OFF, '0');
});
after(() => fs.writeFileSync(IPV6_OFF, ipv6Off));

// What it says of a server that has these files: {path: text | [status, text, type] | handler}.
async function look(t, files, host = 'localhost') {
  const asked = [];
  const server = http.createServer((request, response) => {
    const file = files[request.url.replace(/\?.*/, '')];
    asked.push(request.url);
    if (typeof file === 'function') {
      file(request, response);
      return;
    }
    const extension = request.url === '/' ? 'html' : request.url.replace(/\?.*/, '').split('.').pop();
    const [status, text, type] = file === undefined ? [404, 'not found', 'text/plain'] : Array.isArray(file) ? file : [200, file];
    response.writeHead(status, type === null ? {} : { 'content-type': type ?? TYPES[extension] ?? 'text/plain' });
    response.end(text);
  });
  await new Promise((resolve) => server.listen(0, host, resolve));
  t.after(() => server.closeAllConnections() ?? server.close());
  const { stdout } = await run(process.execPath, [PROGRAM, String(server.address().port)], { timeout: 40_000 });
  assert.match(stdout, /^\{.*\}\n$/, 'one line');
  return { ...JSON.parse(stdout), asked };
}

const page = (head, body = '') => `<!doctype html><html><head>${head}</head><body>${body}</body></html>`;

describe('a page', () => {
  it('is fine when all that it loads is there, however deep', async (t) => {
    const seen = await look(t, {
      '/': page('<link rel="stylesheet" href="/a.css"><link rel="modulepreload" href="/b.js"><script type="module" src="/src/main.tsx"></script>',
        '<script type="module">\nimport { x } from "/inline.js";\n</script><script src=classic.js></script>'),
      '/a.css': 'p {}',
      '/b.js': '',
      '/classic.js': '',
      '/inline.js': 'export const x = 1;',
      '/src/main.tsx': 'import React from "/deps/react.js?v=1";\nimport "./App.tsx";\nexport * from "../lib.js";',
      '/src/App.tsx': 'import "./main.tsx";\nexport default 1;', // a circle
      '/lib.js': '',
      '/deps/react.js': '',
    });
    assert.deepEqual({ ...seen, asked: seen.asked.length },
      { ok: true, status: 200, content_type: 'text/html', checked: 9, failures: [], asked: 9 });
  });

  for (const host of ['127.0.0.1', '::1']) {
    it(`is found by a server at ${host} alone`, async (t) => {
      const seen = await look(t, { '/': page('<script src="/a.js"></script>'), '/a.js': '' }, host);
      assert.deepEqual([seen.ok, seen.checked, seen.failures], [true, 2, []]);
    });
  }

  it('is broken when a module deep down is missing or fails', async (t) => {
    const seen = await look(t, {
      '/': page('<script type="module" src="/src/main.tsx"></script>'),
      '/src/main.tsx': 'import "/node_modules/react.js";\nimport "./App.tsx";',
      '/src/App.tsx': [500, '<title>Error</title><pre>App.tsx: Unexpected token (3:7)</pre>', 'text/html'],
    });
    assert.equal(seen.ok, false);
    assert.deepEqual(seen.failures.map((f) => [f.url, f.status]).sort(),
      [['/node_modules/react.js', 404], ['/src/App.tsx', 500]]);
    assert.match(seen.failures.find((f) => f.status === 500).error, /Unexpected token \(3:7\)/);
  });

  it('is broken as Vite is with a broken node_modules: 200 on /, 404 on its dependencies', async (t) => {
    const seen = await look(t, {
      '/': page('<script type="module" src="/@vite/client"></script><script type="module" src="/src/main.js"></script>'),
      '/@vite/client': [200, '', 'text/javascript'],
      '/src/main.js': 'import { createApp } from "/node_modules/.vite/deps/vue.js?v=ab12"',
      '/node_modules/.vite/deps/vue.js': [404, '', null],
    });
    assert.equal(seen.ok, false);
    assert.equal(seen.status, 200);
    assert.deepEqual(seen.failures.map((f) => [f.url, f.status]), [['/node_modules/.vite/deps/vue.js?v=ab12', 404]]);
  });

  it('waits for Vite to bundle its dependencies', async (t) => {
    let asked = 0;
    const seen = await look(t, {
      '/': page('<script type="module" src="/deps.js"></script>'),
      '/deps.js': (request, response) => {
        response.writeHead(++asked < 3 ? 504 : 200, { 'content-type': 'text/javascript' });
        response.end();
      },
    });
    assert.equal(seen.ok, true);
    assert.equal(asked, 3);
  });

  it('is broken when its script is answered by the page itself', async (t) => {
    const seen = await look(t, { '/': page('<script src="/app.js"></script>'), '/app.js': [200, page(''), 'text/html'] });
    assert.equal(seen.ok, false);
    assert.match(seen.failures[0].error, /no such file/);
  });

  it('can do without pictures, icons and other servers', async (t) => {
    const seen = await look(t, {
      '/': page('<link rel="icon" href="/none.ico"><script src="https://cdn.example/x.js"></script><!-- <script src="/old.js"></script> -->',
        '<img src="/none.png">'),
    });
    assert.equal(seen.ok, true);
    assert.deepEqual(seen.asked, ['/']);
  });

  it('may be somewhere else on the same server', async (t) => {
    const seen = await look(t, {
      '/': (request, response) => response.writeHead(302, { location: '/home/' }).end(),
      '/home/': [200, page('<script src="x.js"></script>'), 'text/html'],
      '/home/x.js': '',
    });
    assert.equal(seen.ok, true);
    assert.ok(seen.asked.includes('/home/x.js'));
  });
});

describe('a server without a page', () => {
  it('is fine when it answers something', async (t) => {
    for (const [status, text, type] of [
      [200, '{"hello":"world"}', 'application/json'],
      [200, 'hello', 'text/plain'],
      [404, page('', '<pre>Cannot GET /</pre>'), 'text/html'],
      [404, '{"message":"Route GET:/ not found"}', 'application/json'],
      [401, 'who are you', 'text/plain'],
    ]) {
      const seen = await look(t, { '/': [status, text, type] });
      assert.deepEqual([seen.ok, seen.status, seen.failures], [true, status, []], text);
    }
  });

  it('is not when it fails, says nothing, or closes', async (t) => {
    const broken = await look(t, { '/': [500, 'TypeError: x is not a function', 'text/plain'] });
    assert.deepEqual([broken.ok, broken.failures[0].status], [false, 500]);
    assert.match(broken.failures[0].error, /TypeError/);
    const empty = await look(t, { '/': [404, '', null] }); // Vite without an index.html
    assert.deepEqual([empty.ok, empty.failures[0].status], [false, 404]);
    const closed = await look(t, { '/': (request, response) => response.destroy() });
    assert.deepEqual([closed.ok, closed.status, closed.failures[0].status], [false, null, null]);
  });

  it('cannot keep it busy: endless bodies, circles of addresses, failures without number', async (t) => {
    const wild = {};
    for (let i = 0; i < 300; i++) {
      wild[`/m${i}.js`] = `import "/m${i + 1}.js";\nimport "/gone${i}.js";`;
    }
    const seen = await look(t, { '/': page('<script type="module" src="/m0.js"></script>'), ...wild });
    assert.equal(seen.ok, false);
    assert.ok(seen.checked <= 81, `${seen.checked}`);
    assert.ok(seen.failures.length <= 20);
    const endless = await look(t, {
      '/': (request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
        };
        response.on('drain', more).on('error', () => {});
        more();
      },
    });
    assert.equal(endless.ok, true);
  });
});
