// The page that people see while an app is not there, in Chromium.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { newPage, startBrowser } from './lib/browser.mjs';
import { COOKIE, PolicyFixture } from './lib/preview-parts.mjs';
import { until } from './lib/router-fixture.mjs';

const EVIL = '</pre><img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
const router = new PolicyFixture('preview.localhost');
let browser;
let door;

before(async () => {
  await router.start();
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
  await router.destroy();
});

const address = (project, path = '/') => `http://${project.host}:${door.address().port}${path}`;

async function pageFor(project, { owner = true, ...options } = {}) {
  const page = await newPage(browser, options);
  if (owner) {
    const value = router.owner(project).cookie.slice(COOKIE.length + 1);
    await page.context().addCookies([{ name: COOKIE, value, domain: project.host, path: '/', secure: true, httpOnly: true, sameSite: 'None' }]);
  }
  return page;
}

const heading = (page, name) => page.getByRole('heading', { name, level: 1 }).waitFor({ timeout: 10_000 });

test('it follows the start and goes over to the app, at the address that was wanted', async () => {
  const seen = [];
  const relay = await router.relay((rq, rs) => {
    seen.push(rq.url);
    rs.writeHead(200, { 'content-type': 'text/html' }).end('<h1>The app itself</h1>');
  });
  relay.become({ state: 'installing', plan: { install: 'npm ci' } });
  const project = router.project();
  await router.settled(project, 'stopped');
  const page = await pageFor(project);
  const answer = await page.goto(address(project, '/a/b?c=d#e'));
  assert.equal(answer.status(), 503);
  await heading(page, 'Waking up');
  // Until it has its place the row says stopped: longer than a page takes a call that was heard for one
  // that will help.
  router.setState(project, { state: 'stopped', phase: 'waiting' });
  await heading(page, 'Waiting for a place');
  router.setState(project, { state: 'stopped', phase: 'packages' });
  await heading(page, 'Installing packages');
  const packages = performance.now();
  await until(async () => {
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Installing packages');
    return performance.now() - packages > 6000;
  }, 'the packages take their time', 10_000);
  assert.equal(router.sandboxd.woken.filter((w) => w.project === project.id).length, 1);
  router.setState(project, { state: 'starting', phase: 'sandbox' });
  await heading(page, 'Waking up');
  router.setState(project, { state: 'running', relay });
  await page.getByText('npm ci').waitFor();
  relay.become({ state: 'starting' });
  await heading(page, 'Starting the app');
  relay.become({ state: 'running' });
  await heading(page, 'The app itself');
  assert.equal(page.url(), address(project, '/a/b?c=d#e'));
  assert.deepEqual(seen.filter((url) => url !== '/favicon.ico'), ['/a/b?c=d'], 'the app is asked once');
  await page.context().close();
});

test('it wakes an app whose sandbox is gone before its row says so, by itself', async () => {
  for (const notices of [true, false]) {
    const old = await router.relay();
    const relay = await router.relay((rq, rs) => rs.writeHead(200, { 'content-type': 'text/html' }).end('<h1>The app itself</h1>'));
    const project = router.project({ relay: old });
    await router.settled(project, 'running');
    old.close();
    await once(old.server, 'close');
    const page = await pageFor(project);
    await page.goto(address(project));
    await heading(page, 'Looking for the app');
    // sandboxd finds out by itself, or is told by the wake.
    if (notices) router.setState(project, { state: 'stopped' });
    await until(() => router.sandboxd.woken.some((w) => w.project === project.id), 'woken', 10_000);
    router.setState(project, { state: 'running', relay });
    await heading(page, 'The app itself');
    await page.context().close();
  }
});

test('without scripts it goes over as well', async () => {
  const relay = await router.relay((rq, rs) => rs.writeHead(200, { 'content-type': 'text/html' }).end('<h1>The app itself</h1>'));
  relay.become({ state: 'starting' });
  const project = router.project({ relay });
  await router.settled(project, 'running');
  const page = await pageFor(project, { javaScriptEnabled: false });
  await page.goto(address(project));
  relay.become({ state: 'running' });
  await heading(page, 'The app itself');
  await page.context().close();
});

test('what a crashed app said is text', async () => {
  const relay = await router.relay();
  const state = { state: 'crashed', error: `Error: ${EVIL}`, lines: [{ stream: 'stderr', source: 'app', text: EVIL }] };
  relay.become(state);
  const project = router.project({ relay });
  await router.settled(project, 'running');
  const page = await pageFor(project);
  await page.goto(address(project));
  await heading(page, 'The app has crashed');
  await page.locator('#lines', { hasText: EVIL }).waitFor();
  await page.locator('#error', { hasText: EVIL }).waitFor();
  // Written by the server, then by the script.
  for (const round of [1, 2]) {
    assert.doesNotMatch(await page.title(), /owned/);
    assert.equal(await page.locator('img').count(), 0, `round ${round}`);
    await page.reload();
    await page.locator('#lines', { hasText: EVIL }).waitFor();
  }
  assert.deepEqual(page.said.filter((line) => /Content Security Policy|^error:/.test(line) && !line.includes('Failed to load resource')), []);
  relay.become({ state: 'running' });
  await page.getByText('the app', { exact: true }).waitFor();
  await page.context().close();
});

test('an app that hangs up is not gone to again and again', async () => {
  const relay = await router.relay();
  relay.app.removeAllListeners('connection');
  relay.app.on('connection', (socket) => socket.on('error', () => {}).on('data', () => socket.destroy()));
  const project = router.project({ relay });
  await router.settled(project, 'running');
  const page = await pageFor(project);
  let loads = 0;
  page.on('request', (rq) => { loads += rq.isNavigationRequest() ? 1 : 0; });
  await page.goto(address(project));
  await heading(page, 'The app hung up');
  const begun = performance.now();
  await until(() => performance.now() - begun > 7000, 'a while', 10_000);
  assert.ok(loads >= 2 && loads <= 4, `${loads} loads in 7 s`);
  await page.context().close();
});

test('a private preview in a frame offers a way out of it', async () => {
  const project = router.project();
  await router.settled(project, 'stopped');
  const page = await pageFor(project, { owner: false });
  const editor = http.createServer((rq, rs) =>
    rs.writeHead(200, { 'content-type': 'text/html' }).end(`<iframe src="${address(project, '/x')}"></iframe>`));
  editor.listen(0, '127.0.0.1');
  await once(editor, 'listening');
  await page.goto(`http://editor.localhost:${editor.address().port}/`);
  const link = page.frameLocator('iframe').getByRole('link', { name: 'Open in a new tab' });
  await link.waitFor();
  assert.equal(await link.getAttribute('href'), `http://localhost:8080/api/v1/previews/${project.slug}/open?to=/x`);
  assert.equal(await link.getAttribute('target'), '_blank');
  await page.context().close();
  editor.close();
});

for (const [what, options] of Object.entries({
  'a narrow one, dark': { viewport: { width: 320, height: 568 }, colorScheme: 'dark' },
  'a wide one, light, with little motion': { viewport: { width: 1600, height: 900 }, colorScheme: 'light', reducedMotion: 'reduce' },
})) {
  test(`it fits ${what}`, async () => {
    const relay = await router.relay();
    relay.become({ state: 'installing', lines: [{ stream: 'stdout', source: 'install', text: 'x'.repeat(1500) }] });
    const project = router.project({ relay });
    await router.settled(project, 'running');
    const page = await pageFor(project, options);
    await page.goto(address(project));
    await page.getByRole('status').waitFor();
    await page.locator('#lines', { hasText: 'xxx' }).waitFor();
    const facts = await page.evaluate(() => {
      const of = (id) => getComputedStyle(document.querySelector(id));
      const light = (color) => color.match(/\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3;
      return {
        overflow: document.documentElement.scrollWidth - innerWidth, moves: of('#bar i').animationName !== 'none',
        text: light(of('h1').color), card: light(of('main').backgroundColor),
      };
    });
    assert.ok(facts.overflow <= 0, 'nothing sticks out');
    assert.equal(facts.moves, options.reducedMotion !== 'reduce');
    assert.equal(facts.text > facts.card, options.colorScheme === 'dark');
    assert.ok(Math.abs(facts.text - facts.card) > 150, 'the contrast is high');
    await page.context().close();
  });
}
