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

async function app(handler, options = {}) {
  const project = router.project({ relay: await router.relay(handler), ...options });
  await router.settled(project, 'running');
  return project;
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

const html = (body) => (rq, rs) => rs.setHeader('content-type', 'text/html').end(body);

describe('a page in the editor\'s frame', () => {
  it('tells its address, what it logs, and what fails', async () => {
    const page = await framed(await app(html(`<!doctype html><title>One</title><script>
      console.log('hello', { a: [1, 'two', null], get b() { throw 1; } });
      fetch('/404');
      throw new Error('boom');
    </script><h1>Here</h1>`)), { path: '/a?b=1#c' });
    const { path } = await page.hears('location', (m) => m.title === 'One');
    assert.equal(path, '/a?b=1#c');
    assert.equal((await page.hears('console')).text, 'hello {a: [1, "two", null], b: [Getter]}');
    assert.equal((await page.hears('error')).text, 'Uncaught Error: boom');
    await page.context().close();
  });
});
