// What the editor sees of a page: our script in pages for the owner's frame, all other answers byte by
// byte; and what the script tells, in Chromium, of ordinary and of hostile pages. Needs PostgreSQL, no Docker.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import zlib from 'node:zlib';
import { newPage, startBrowser } from './lib/browser.mjs';
import { COOKIE, PolicyFixture } from './lib/preview-parts.mjs';
import { until } from './lib/router-fixture.mjs';

const TAG = '<script src="/.slipway/inspect.js"></script>';
const FRAME = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' };
const TAB = { ...FRAME, 'sec-fetch-dest': 'document' };

const router = new PolicyFixture('preview.localhost');
let browser;
let door;
let editor; // a page around a frame, at an origin of the editor's

before(async () => {
  editor = http.createServer((rq, rs) => rs.setHeader('content-type', 'text/html').end(`<!doctype html><script>
    window.heard = [];
    addEventListener('message', (e) => heard.push({ ...e.data, from: e.origin, framed: e.source === frames[0] }));
    window.tell = (message) => frames[0].postMessage(message, '*');
  </script><iframe src="${decodeURIComponent(rq.url.slice(2))}" width="800" height="600"></iframe>`));
  editor.listen(0);
  await once(editor, 'listening');
  await router.start({ SLIPWAY_PORT: String(editor.address().port) });
  // Chromium opens no unix sockets.
  door = net.createServer((from) => {
    const to = net.connect(router.socket);
    from.on('error', () => to.destroy()).pipe(to).on('error', () => from.destroy()).pipe(from);
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  door?.close();
  editor?.close();
  await router.destroy();
});

async function newApp(handler, options = {}) {
  const project = router.project({ relay: await router.relay(handler), ...options });
  await router.settled(project, 'running');
  return project;
}

// One private project for all, that does what the last caller wants.
let shared;
let answer;
async function app(handler) {
  answer = handler;
  shared ??= await newApp((rq, rs) => answer(rq, rs));
  return shared;
}

const ask = (project, headers, more = {}) => router.call({ host: project.host, headers: { ...router.owner(project), ...headers }, ...more });

const address = (project, path = '/') => `http://${project.host}:${door.address().port}${path}`;

// The app in a frame of a page of the editor's origin, by its owner.
async function framed(project, { path, host = 'localhost' } = {}) {
  const page = await newPage(browser);
  const value = router.owner(project).cookie.slice(COOKIE.length + 1);
  await page.context().addCookies([{
    name: COOKIE, value, domain: project.host, path: '/', secure: true, httpOnly: true, sameSite: 'None', partitionKey: `http://${host}`,
  }]);
  await page.goto(`http://${host}:${editor.address().port}/?${encodeURIComponent(address(project, path))}`);
  page.heard = (type) => page.evaluate((wanted) => window.heard.filter((m) => m.type === wanted), type);
  page.hears = async (type, fits = () => true) => {
    let found;
    await until(async () => (found = (await page.heard(type)).find(fits)), `${type} is heard`).catch(async (e) => {
      throw new Error(`${e.message}\n${JSON.stringify(await page.evaluate(() => window.heard), null, 1)}\n${page.said.join('\n')}`);
    });
    return found;
  };
  return page;
}

const html = (body, headers = {}) => (rq, rs) => rs.writeHead(200, { 'content-type': 'text/html', ...headers }).end(body);

// What of a head is the app's: all but what belongs to the connection.
const fields = ({ rawHeaders }) => rawHeaders.filter((_, i) => !/^(date|connection|keep-alive|transfer-encoding)$/i.test(rawHeaders[i - (i % 2)]));

describe('a page on its way to the editor\'s frame', () => {
  const PAGE = '<!doctype html><html><head><title>x</title></head><body>y</body></html>';
  const WITH = PAGE.replace('<head>', `<head>${TAG}`);

  it('has our script as the first thing in its head, however it is sent', async () => {
    const project = await app((rq, rs) => {
      rs.setHeader('content-type', 'text/html; charset=utf-8');
      if (rq.url === '/length') {
        rs.setHeader('content-length', PAGE.length).end(PAGE);
      } else if (rq.url === '/close') {
        rs.useChunkedEncodingByDefault = false;
        rs.removeHeader('transfer-encoding');
        rs.setHeader('connection', 'close').end(PAGE);
      } else if (rq.url === '/trailers') {
        rs.setHeader('trailer', 'x-sum').write(PAGE);
        rs.addTrailers({ 'x-sum': '1' });
        rs.end();
      } else {
        rs.statusCode = 500;
        for (const letter of PAGE) rs.write(letter);
        rs.end();
      }
    });
    for (const path of ['/length', '/close', '/trailers', '/letters']) {
      for (const method of ['GET', 'POST']) {
        const answer = await ask(project, FRAME, { path, method });
        assert.equal(answer.text, WITH, path);
        assert.equal(answer.status, path === '/letters' ? 500 : 200);
        assert.equal(answer.headers['cache-control'], 'no-store');
        assert.equal(answer.trailers['x-sum'], path === '/trailers' ? '1' : undefined);
      }
      const head = `GET ${path} HTTP/1.0\r\nHost: ${project.host}\r\nCookie: ${router.owner(project).cookie}\r\n`;
      const old = await router.raw(`${head}Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n\r\n`);
      assert.equal(old.slice(old.indexOf('\r\n\r\n') + 4), WITH, `${path} for an old client`);
      assert.doesNotMatch(old, /transfer-encoding|content-length/i);
    }
  });

  it('comes as it is written, not held back', async () => {
    let go;
    const project = await app(async (rq, rs) => {
      rs.writeHead(200, { 'content-type': 'text/html' }).write('<!doctype html><html><head><title>Early');
      await new Promise((resolve) => { go = resolve; });
      rs.end('</title>');
    });
    const request = http.request({ socketPath: router.socket, headers: { host: project.host, ...router.owner(project), ...FRAME } }).end();
    const [answer] = await once(request, 'response');
    let text = '';
    answer.on('data', (piece) => { text += piece; });
    await until(() => text.includes(`${TAG}<title>Early`), 'the beginning is there');
    go();
    await once(answer, 'end');
    assert.ok(text.endsWith('Early</title>'));
  });

  it('is large, and nothing of it is lost', async () => {
    const rest = crypto.randomBytes(3_000_000).toString('base64');
    for (const length of [true, false]) {
      const project = await app(html(`<html><head>${rest}`, length ? { 'content-length': rest.length + 12 } : {}));
      assert.ok((await ask(project, FRAME)).text === `<html><head>${TAG}${rest}`);
    }
  });

  it('is asked for whole and plain, and is not kept', async () => {
    let sent;
    const project = await app((rq, rs) => {
      sent = rq.headers;
      html('<p>', { etag: '"1"', 'last-modified': 'x', 'cache-control': 'max-age=1', expires: 'x', 'accept-ranges': 'bytes', 'x-kept': 'y' })(rq, rs);
    });
    const { headers } = await ask(project, {
      ...FRAME, 'accept-encoding': 'gzip, br', 'if-none-match': '"1"', 'if-modified-since': 'x', range: 'bytes=0-1', 'if-range': '"1"', 'x-own': 'z',
    });
    for (const name of ['if-none-match', 'if-modified-since', 'range', 'if-range']) assert.equal(sent[name], undefined, name);
    assert.equal(sent['accept-encoding'], 'identity');
    assert.equal(sent['x-own'], 'z');
    for (const name of ['etag', 'last-modified', 'expires', 'accept-ranges']) assert.equal(headers[name], undefined, name);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['x-kept'], 'y');
  });

  it('may be framed by the editor, and by others as far as it says', async () => {
    const editors = `http://localhost:${editor.address().port} http://127.0.0.1:${editor.address().port}`;
    const rows = [
      [{ 'x-frame-options': 'DENY' }, `frame-ancestors ${editors}`],
      [{ 'x-frame-options': 'SAMEORIGIN' }, `frame-ancestors 'self' ${editors}`],
      [{ 'content-security-policy': "default-src 'self'; frame-ancestors 'none'", 'x-frame-options': 'DENY' },
        `default-src 'self'; frame-ancestors ${editors}`],
      [{ 'content-security-policy': "script-src 'none'" }, "script-src 'none'"],
      [{}, undefined],
    ];
    for (const [headers, policy] of rows) {
      const project = await app(html('<p>', headers));
      const answer = await ask(project, FRAME);
      assert.equal(answer.headers['content-security-policy'], policy);
      assert.equal(answer.headers['x-frame-options'], undefined);
      const tab = await ask(project, TAB);
      assert.equal(tab.headers['content-security-policy'], headers['content-security-policy']);
      assert.equal(tab.headers['x-frame-options'], headers['x-frame-options']);
    }
  });

  it('is the live page while the app is not there, which tells its address as well', async () => {
    const project = router.project({ app_stopped: true });
    await router.settled(project, 'stopped');
    const tag = '<script src="/.slipway/inspect.js" data-live></script>';
    assert.ok((await ask(project, FRAME)).text.includes(tag));
    assert.ok(!(await ask(project, TAB)).text.includes('inspect.js'));
  });
});

describe('all other answers', () => {
  const PAGE = '<!doctype html><html><head></head></html>';
  const headers = { 'content-type': 'text/html', etag: '"1"', 'cache-control': 'max-age=1', 'x-frame-options': 'DENY', 'content-security-policy': "frame-ancestors 'none'" };

  it('are the app\'s, byte by byte, whoever else asks and for whatever else', async () => {
    let sent;
    const project = await newApp((rq, rs) => {
      sent = rq.headers;
      html(PAGE, { ...headers, 'content-length': PAGE.length })(rq, rs);
    }, { visibility: 'public' });
    const share = router.db.query(`INSERT INTO shares (project_id) VALUES ('${project.id}') RETURNING id`)[0][0];
    const conditions = { 'accept-encoding': 'gzip', 'if-none-match': '"0"', range: 'bytes=0-' };
    const dest = (name, mode = 'no-cors') => ({ ...router.owner(project), 'sec-fetch-mode': mode, 'sec-fetch-dest': name });
    for (const [what, more] of Object.entries({
      'a visitor in a frame': FRAME, 'a guest in a frame': { ...router.guest(project, share), ...FRAME },
      'a program of the owner\'s': router.owner(project), tab: { ...router.owner(project), ...TAB }, fetch: dest('empty', 'cors'), script: dest('script'),
      image: dest('image'), worker: dest('worker', 'same-origin'), object: dest('object', 'navigate'), 'no navigation': dest('iframe'),
    })) {
      const answer = await router.call({ host: project.host, headers: { ...more, ...conditions } });
      assert.equal(answer.text, PAGE, what);
      for (const [name, value] of Object.entries(headers)) assert.equal(answer.headers[name], value, `${what}: ${name}`);
      assert.equal(answer.headers['content-length'], String(PAGE.length));
      for (const [name, value] of Object.entries(conditions)) assert.equal(sent[name], value, `${what}: ${name}`);
    }
    const head = await ask(project, FRAME, { method: 'HEAD' });
    assert.deepEqual(fields(head), fields(await router.call({ host: project.host, method: 'HEAD' })));
  });

  it('in the frame, too, when they are no page or not in plain ASCII\'s bytes', async () => {
    const packed = zlib.gzipSync(PAGE);
    const wide = Buffer.from(`\uFEFF${PAGE}`, 'utf16le');
    for (const [bytes, more] of [
      [packed, { 'content-type': 'text/html', 'content-encoding': 'gzip' }], [wide, { 'content-type': 'text/html' }],
      [Buffer.from(PAGE), { 'content-type': 'text/plain' }], [Buffer.from(PAGE), { 'content-type': 'application/xhtml+xml' }],
      [Buffer.from(PAGE), { 'content-type': 'text/html', 'content-disposition': 'attachment' }], [Buffer.from(PAGE), {}],
    ]) {
      const project = await app((rq, rs) => rs.writeHead(200, more).end(bytes));
      assert.deepEqual((await ask(project, FRAME)).bytes, bytes, JSON.stringify(more));
    }
    for (const status of [204, 304]) {
      const project = await app((rq, rs) => rs.writeHead(status, { 'content-type': 'text/html' }).end());
      const answer = await ask(project, FRAME);
      assert.deepEqual([answer.status, answer.text], [status, '']);
    }
  });
});

describe('our script', () => {
  it('is for the owner, and never asked of the app', async () => {
    const seen = [];
    const project = await newApp((rq, rs) => rs.end(seen.push(rq.url) && 'the app'), { visibility: 'public' });
    const path = '/.slipway/inspect.js';
    const answer = await ask(project, {}, { path });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.ok(answer.text.includes(`'http://localhost:${editor.address().port}'`));
    assert.equal((await router.call({ host: project.host, path })).status, 404);
    const hidden = await newApp();
    assert.equal((await router.call({ host: hidden.host, path })).status, 401);
    assert.deepEqual(seen, []);
  });
});

describe('what our script tells', () => {
  it('is the address and title, at the start and when they change', async () => {
    const project = await app(html('<!doctype html><title>One</title><h1>Here</h1>'));
    const page = await framed(project, { path: '/a?b=1#c' });
    const first = await page.hears('location', (m) => m.title === 'One');
    assert.equal(first.path, '/a?b=1#c');
    assert.equal(first.from, address(project, '').replace(/\/$/, ''));
    assert.equal(first.v, 1);
    assert.ok(Math.abs(first.t - Date.now()) < 60_000);
    const [frame] = page.frames().slice(1);
    const run = (code) => frame.evaluate(code);
    const at = (path, title = 'One') => page.hears('location', (m) => m.path === path && m.title === title);
    await run("history.pushState(null, '', '/pushed')");
    assert.equal((await at('/pushed')).can_back, true);
    await run("history.replaceState(null, '', '/replaced')");
    await at('/replaced');
    await run("location.hash = 'there'");
    await at('/replaced#there');
    await run("document.title = 'Two'");
    await at('/replaced#there', 'Two');
    await run("document.head.innerHTML = '<title>Three</title>'");
    await at('/replaced#there', 'Three');
    const starts = async () => (await page.heard('location')).filter(({ start }) => start).length;
    assert.equal(await starts(), 1);
    await run('setTimeout(() => location.reload())');
    await until(async () => (await starts()) === 2, 'the page to start again');
    await page.context().close();
  });

  it('obeys the editor', async () => {
    const page = await framed(await app(html('<!doctype html><title>One</title><h1>Here</h1>')), { path: '/1' });
    // Its title comes when all else is there: then nothing of what was told is lost by a load under way.
    const at = (path) => page.hears('location', (m) => m.path === path && m.title === 'One');
    await at('/1');
    const tell = (fields) => page.evaluate((m) => {
      window.heard = [];
      window.tell({ source: 'slipway-editor', v: 1, ...m });
    }, fields);
    await tell({ type: 'go', path: '/2?x#y' });
    await at('/2?x#y');
    await tell({ type: 'back' });
    assert.deepEqual(await at('/1').then((m) => [m.can_back, m.can_forward]), [false, true]);
    await tell({ type: 'forward' });
    await at('/2?x#y');
    await tell({ type: 'reload' });
    await at('/2?x#y');
    await tell({ type: 'back' });
    await at('/1');
    // There is nothing before: the editor itself must not be left.
    const before = page.url();
    await tell({ type: 'back' });
    for (const path of ['//evil.test/', '/\\evil.test/', '/\t/evil.test/', 'https://evil.test/', 'javascript:parent.postMessage(1)']) {
      await tell({ type: 'go', path });
    }
    await tell({ type: 'go', path: '/3' });
    await at('/3');
    assert.equal(page.url(), before);
    await page.context().close();
  });

  it('is the address of the live page, too, until the app is there', async () => {
    const relay = await router.relay(html('<!doctype html><title>The app</title>'));
    relay.become({ state: 'starting' });
    const project = router.project({ relay });
    await router.settled(project, 'running');
    const page = await framed(project, { path: '/deep?x' });
    const live = await page.hears('location', (m) => m.title.endsWith(project.slug));
    assert.equal(live.path, '/deep?x');
    relay.become({ state: 'running' });
    assert.equal((await page.hears('location', (m) => m.title === 'The app')).path, '/deep?x');
    assert.deepEqual(await page.heard('network'), [], 'that it was not there is no failure of the page');
    await page.context().close();
  });

  it('is what the page logs, as text', async () => {
    const rows = [
      ["console.log('a', 1, -0, 2n, null, undefined, true, Symbol('s'))", 'log', 'a 1 -0 2n null undefined true Symbol(s)'],
      ["console.info('%s is %d%% %o%c!', 'x', '5', {y: '\"'}, 'color: red', 'more')", 'info', 'x is 5% {y: "\\""}! more'],
      ["console.warn([1, [2, [3, [4, [5]]]]], {a: {}})", 'warn', '[1, [2, [3, [4, […]]]]] {a: {}}'],
      ['const o = { n: 1 }; o.self = o; console.debug(o)', 'debug', '{n: 1, self: [Circular]}'],
      ["console.log(new Map([['a', new Set([1])]]), new Uint8Array(3), new Date(0).toISOString(), /x/g)", 'log',
        'Map {"a" => Set {1}} Uint8Array [0, 0, 0] 1970-01-01T00:00:00.000Z /x/g'],
      ["class Dog { constructor() { this.name = 'Rex'; } get age() { throw 1; } }; console.log(new Dog(), class {}, function named() {})", 'log',
        'Dog {name: "Rex"} ƒ  ƒ named'],
      ["console.log(new Proxy({}, { ownKeys() { throw 1; }, getPrototypeOf() { throw 2; } }), Object.create(null, {x: {get() { throw 3; }}}))", 'log',
        '[object] {x: [Getter]}'],
      ["const d = document.createElement('p'); d.id = 'i'; d.className = 'c d'; console.log(d)", 'log', '<p id="i" class="c d">'],
      ["console.assert(true, 'no'); console.assert(1 > 2, 'yes', 3)", 'error', 'Assertion failed: yes 3'],
      ["console.log({ toString() { console.log('inner'); return 'x'; } })", 'log', '{toString: ƒ toString}'],
      ["console.log(Array(100000).fill(7))", 'log', `[${Array(100).fill(7).join(', ')}, … 99900 more]`],
    ];
    const page = await framed(await app(html('<!doctype html><p>')));
    await page.hears('location');
    const [frame] = page.frames().slice(1);
    for (const [code, level, text] of rows) {
      await page.evaluate(() => { window.heard = []; });
      await frame.evaluate(`(() => { ${code} })()`);
      const { level: heard, text: said, framed: own } = await page.hears('console');
      assert.deepEqual([heard, said, own], [level, text, true], code);
    }
    await page.evaluate(() => { window.heard = []; });
    await frame.evaluate("console.error(new TypeError('bad', { cause: new Error('why') })); console.log('x'.repeat(1e6), 1); console.log({ a: 'y'.repeat(1e6) })");
    const error = await page.hears('console', (m) => m.level === 'error');
    assert.match(error.text, /^TypeError: bad\n +at .*\nCaused by: Error: why\n/s);
    await until(async () => (await page.heard('console')).length === 3, 'all are heard');
    for (const { text } of await page.heard('console')) assert.ok(text.length <= 8192, `${text.length}`);
    assert.ok(page.said.includes('info: x is 5% {y: "\\""}! more') || page.said.some((line) => line.startsWith('info: ')), 'the browser\'s console has it, too');
    await page.context().close();
  });

  it('is where an error came from, caught by nobody', async () => {
    const project = await app((rq, rs) => (rq.url === '/app.js'
      ? rs.setHeader('content-type', 'text/javascript').end('function inner() {\n  throw new RangeError("boom");\n}\nconsole.log("there");\nsetTimeout(inner);\n'
        + 'Promise.reject(new Error("later"));\nPromise.reject("words");\n')
      : html('<!doctype html><script src="/app.js"></script>')(rq, rs)));
    const page = await framed(project);
    const url = address(project, '/app.js');
    const boom = await page.hears('error', (m) => m.text === 'Uncaught RangeError: boom');
    assert.deepEqual(boom.at, { url, line: 2, column: 9 });
    assert.match(boom.stack, /^RangeError: boom\n +at inner \(http/);
    assert.deepEqual((await page.hears('console', (m) => m.text === 'there')).at, { url, line: 4, column: 9 });
    const later = await page.hears('error', (m) => m.text === 'Uncaught (in promise) Error: later');
    assert.deepEqual(later.at, { url, line: 6, column: 16 });
    const bare = await page.hears('error', (m) => m.text === 'Uncaught (in promise) words');
    assert.deepEqual([bare.stack, bare.at], [null, null]);
    await page.context().close();
  });

  it('is what a page asked for and did not get', async () => {
    const project = await app((rq, rs) => {
      const status = Number(rq.url.slice(1).split('.')[0]);
      if (rq.url === '/hang') rs.destroy();
      else if (status) rs.writeHead(status, { 'content-type': 'text/html' }).end('x');
      else html('<!doctype html><img src="/404.png"><link rel="stylesheet" href="/500.css"><script src="/403.js"></script>')(rq, rs);
    });
    const page = await framed(project);
    const [frame] = page.frames().slice(1);
    const heard = async (method, path) => {
      const { status, error, duration_ms } = await page.hears('network', (m) => m.method === method && m.url === address(project, path));
      assert.ok(Number.isInteger(duration_ms) && duration_ms >= 0 && duration_ms < 60_000, `${duration_ms}`);
      return [status, error];
    };
    assert.deepEqual(await heard('GET', '/404.png'), [404, '<img> could not be loaded.']);
    assert.deepEqual(await heard('GET', '/500.css'), [500, '<link> could not be loaded.']);
    assert.deepEqual(await heard('GET', '/403.js'), [403, '<script> could not be loaded.']);
    const told = await frame.evaluate(async () => {
      const answer = await fetch('/410', { method: 'post', body: 'x' });
      const text = await answer.text();
      await fetch(new Request('/411', { method: 'PUT' }));
      await fetch('/200');
      const reason = await fetch('http://localhost:1/none').catch((e) => e instanceof TypeError && e.message);
      const aborted = await fetch('/200', { signal: AbortSignal.abort() }).catch((e) => e.name);
      const xhr = new XMLHttpRequest();
      xhr.open('DELETE', '/412');
      xhr.send();
      await new Promise((resolve) => { xhr.onloadend = resolve; });
      const lost = new XMLHttpRequest();
      lost.open('GET', 'http://localhost:1/lost');
      lost.send();
      await new Promise((resolve) => { lost.onloadend = resolve; });
      return [answer.constructor.name, answer.status, text, reason, aborted, xhr.status, xhr.responseText, lost.status, fetch.name, String(fetch).includes('native code')];
    });
    assert.deepEqual(told, ['Response', 410, 'x', 'Failed to fetch', 'AbortError', 412, 'x', 0, 'fetch', true]);
    assert.deepEqual(await heard('POST', '/410'), [410, null]);
    assert.deepEqual(await heard('PUT', '/411'), [411, null]);
    assert.deepEqual(await heard('DELETE', '/412'), [412, null]);
    const none = await page.hears('network', (m) => m.url === 'http://localhost:1/none');
    assert.deepEqual([none.status, none.error], [0, 'TypeError: Failed to fetch']);
    const lost = await page.hears('network', (m) => m.url === 'http://localhost:1/lost');
    assert.deepEqual([lost.status, lost.error], [0, 'No answer.']);
    assert.ok(!(await page.heard('network')).some((m) => m.url.includes('/200')));
    // An unhandled failure is one still.
    await frame.evaluate("void fetch('http://localhost:1/bare')");
    await page.hears('error', (m) => m.text === 'Uncaught (in promise) TypeError: Failed to fetch');
    // So is the page itself.
    await page.evaluate(() => window.tell({ source: 'slipway-editor', v: 1, type: 'go', path: '/418' }));
    assert.deepEqual(await heard('GET', '/418'), [418, null]);
    await page.context().close();
  });
});

describe('a page that is odd', () => {
  const shows = async (body, headers = {}) => {
    const page = await framed(await app(html(body, headers)));
    await page.frameLocator('iframe').getByText('Shown').waitFor({ timeout: 10_000 });
    return page;
  };

  it('is shown, and heard of, all the same', async () => {
    for (const [what, body] of Object.entries({
      'no head': 'Shown<script>console.log("said")</script>',
      'a frozen console': '<script>Object.freeze(console); console.log("said")</script>Shown',
      'everything overwritten': `<script>
        window.postMessage = parent = top = navigation = null; Array.prototype.map = Object.keys = JSON.stringify = null;
        Promise.prototype.then = null; Reflect.apply = null; setTimeout = Proxy = Error = WeakMap = null;
        console.log("said")</script>Shown`,
      'a stack of its own': '<script>Error.prepareStackTrace = () => { console.log("inner"); throw 1; }; console.log("said")</script>Shown',
      'written anew': '<script>addEventListener("load", () => { document.open(); document.write("<p>Shown<script>console.log(\'said\'); '
        + 'Promise.reject(1)<\\/script>"); document.close(); })</script>',
      'its own list of scripts': '<!doctype html><html><head></head><body>Shown<script>console.log(document.scripts.length === 1 ? "said" : "not")</script>',
    })) {
      const page = await shows(body);
      await page.hears('console', (m) => m.text === 'said').catch((e) => { throw new Error(`${what}: ${e.message}`); });
      if (what === 'written anew') await page.hears('error', (m) => m.text === 'Uncaught (in promise) 1');
      assert.deepEqual((await page.heard('console')).filter((m) => !/^(said|inner|This browser keeps no storage.*)$/.test(m.text)), [], what);
      await page.context().close();
    }
  });

  it('has storage for as long as it lasts, where the browser refuses it', async () => {
    // Such a context is a private window: Chromium keeps nothing in it for other sites' frames.
    const page = await shows(`Shown<script>
      localStorage.setItem('a', 1);
      localStorage.b = { toString: () => 'two' };
      sessionStorage.setItem('key', 'own');
      delete localStorage.gone;
      console.log(JSON.stringify([localStorage.getItem('a'), localStorage.b, localStorage.length, Object.keys(localStorage), localStorage.key(1),
        localStorage.getItem('none'), 'a' in localStorage, localStorage instanceof Storage, sessionStorage.getItem('key'), sessionStorage.length]));
      localStorage.clear();
      console.log(JSON.stringify(localStorage));
    </script>`);
    await page.hears('console', (m) => m.text.startsWith('This browser keeps no storage'));
    await page.hears('console', (m) => m.text === '["1","two",2,["a","b"],"b",null,true,true,"own",1]');
    await page.hears('console', (m) => m.text === '{}');
    await page.context().close();
  });

  it('is shown, when its policy keeps our script out', async () => {
    for (const headers of [
      { 'content-security-policy': "default-src 'none'" }, { 'content-security-policy': 'sandbox' },
      { 'content-security-policy': "script-src 'nonce-x' 'strict-dynamic'", 'x-frame-options': 'DENY' },
      { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin', 'x-frame-options': 'SAMEORIGIN' },
      { 'cross-origin-embedder-policy': 'require-corp', 'content-security-policy': "frame-ancestors 'none'" },
      { 'content-security-policy': 'sandbox allow-scripts', 'x-frame-options': 'deny' },
    ]) {
      const page = await shows('<p>Shown', headers);
      if (!/script-src|default-src|^sandbox$/.test(headers['content-security-policy'])) await page.hears('location');
      await page.context().close();
    }
  });
});

describe('a page that is hostile', () => {
  it('cannot flood the editor', async () => {
    const page = await framed(await app(html(`<!doctype html><script>
      const end = Date.now() + 1500;
      (function flood() {
        for (let i = 0; i < 1000; i++) { console.log('x'.repeat(20000)); history.replaceState(null, '', '/' + Math.random()); }
        if (Date.now() < end) setTimeout(flood); else document.title = 'over';
      })();
    </script>`)));
    await page.hears('location', (m) => m.title === 'over');
    const heard = await page.evaluate(() => heard.map(({ type, t, count, text }) => ({ type, t, count, size: text?.length })));
    const seconds = (heard.at(-1).t - heard[0].t) / 1000;
    const said = heard.filter((m) => m.type === 'console');
    assert.ok(said.length >= 100 && said.length <= 100 * (seconds + 1), `${said.length} in ${seconds} s`);
    assert.ok(said.every((m) => m.size <= 8192));
    assert.ok(heard.filter((m) => m.type === 'location').length <= 21 * (seconds + 1));
    assert.ok(heard.some((m) => m.type === 'dropped' && m.count > 0));
    await page.context().close();
  });

  it('is never taken for anybody else, and is not obeyed as the editor', async () => {
    const project = await app(html(`<!doctype html><title>outer</title><script>
      const command = { source: 'slipway-editor', v: 1, type: 'go', path: '/stolen' };
      postMessage(command, '*');
      dispatchEvent(new MessageEvent('message', { data: command, origin: ${JSON.stringify(`http://localhost:${editor.address().port}`)}, source: parent }));
      if (location.pathname === '/') document.write('<iframe src="/inner"></iframe>');
      else { console.log('inner'); parent.postMessage(command, '*'); top.postMessage({ source: 'slipway-preview', v: 1, type: 'console', text: 'forged' }, '*'); }
    </script>`));
    const page = await framed(project);
    await page.hears('console', (m) => m.text === 'forged');
    const heard = await page.evaluate(() => heard);
    // The page of a frame within is told apart by its window, and our script is silent there.
    assert.deepEqual(heard.filter((m) => !m.framed).map((m) => m.text), ['forged']);
    assert.ok(!heard.some((m) => m.text === 'inner'));
    assert.ok(heard.every((m) => m.from === address(project, '').replace(/\/$/, '')));
    assert.ok(page.frames().every((frame) => !frame.url().includes('/stolen')));
    await page.context().close();
  });

  it('tells nothing to a page that is not the editor', async () => {
    const page = await framed(await app(html('<!doctype html><script>console.log("secret")</script><p>Shown')), { host: 'other.localhost' });
    await page.frameLocator('iframe').getByText('Shown').waitFor();
    assert.deepEqual(await page.evaluate(() => heard), []);
    await page.context().close();
  });
});
