// What a person's browser makes of it: Chromium through nginx and the router to real dev servers.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { makeCertificates, newPage, startBrowser } from './lib/browser.mjs';
import { freePort, printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';
import { Previews } from './lib/preview.mjs';

const UPDATE_MS = 15_000;

// A component with state of its own: a hot update changes the words and keeps the count.
const component = (words, client = '') => `${client}import { useState } from 'react';

export default function Page() {
  const [n, setN] = useState(0);
  return (
    <main>
      <h1>${words}</h1>
      <button onClick={() => setN(n + 1)}>clicked {n}</button>
    </main>
  );
}
`;

const STACKS = {
  'Vite + React': { template: 'vite-react', file: 'src/App.tsx', source: (words) => component(words) },
  'Next.js': { template: 'next', file: 'app/page.tsx', source: (words) => component(words, "'use client';\n\n") },
};

// What the button says once it counts: until the page is hydrated a click does nothing.
function clickHeard(button) {
  return waitFor('a click to be heard', async () => {
    await button.click();
    const words = await button.textContent();
    return /clicked [1-9]/.test(words) && words;
  }, { ms: UPDATE_MS });
}

// In the editor's frame the page has a script of ours in its head: it hydrates all the same, and the
// editor hears of it. `editor` is the editor's origin.
async function assertFramed(previews, browser, project, editor) {
  const page = await newPage(browser);
  try {
    await page.goto(`${editor}/healthz`);
    await page.evaluate((url) => {
      window.heard = [];
      addEventListener('message', (e) => window.heard.push(e.data));
      document.body.append(Object.assign(document.createElement('iframe'), { src: url, width: 800, height: 600 }));
    }, await previews.ticket(project));
    const frame = page.frameLocator('iframe');
    await frame.getByRole('heading', { name: 'Other words' }).waitFor({ timeout: 60_000 });
    await clickHeard(frame.getByRole('button', { name: 'clicked' }));
    await page.frames()[1].evaluate(() => console.log('from within'));
    await page.waitForFunction(() => window.heard.some((m) => m.type === 'console' && m.text === 'from within'));
    const heard = await page.evaluate(() => window.heard);
    assert.ok(heard.some((m) => m.type === 'location' && m.path === '/'), JSON.stringify(heard));
    assert.deepEqual(heard.filter((m) => m.type === 'error' || m.level === 'error'), []);
    assert.deepEqual(page.said.filter((line) => /^error|hydrat|did not match/i.test(line)), []);
  } catch (e) {
    throw new Error(`in a frame: ${e.message}\n${page.said.slice(-20).join('\n')}`);
  } finally {
    await page.context().close();
  }
}

async function assertHotReload(previews, browser, { template, file, source }, editor) {
  const project = await previews.project({ template });
  await previews.put(project, file, source('First words'));
  await previews.start(project);
  const page = await newPage(browser);
  let told = false;
  page.on('websocket', (socket) => socket.on('framereceived', () => (told = true)));
  try {
    await page.goto(await previews.ticket(project));
    await page.getByRole('heading', { name: 'First words' }).waitFor({ timeout: 60_000 });
    const button = page.getByRole('button', { name: 'clicked' });
    await clickHeard(button);
    await page.waitForLoadState('networkidle');
    await waitFor('the page to be told of changes', () => told, { ms: UPDATE_MS });
    const count = await clickHeard(button);
    await page.evaluate(() => (window.sameDocument = true));

    const from = performance.now();
    await previews.put(project, file, source('Other words'));
    await page.getByRole('heading', { name: 'Other words' }).waitFor({ timeout: UPDATE_MS });
    console.log(`# ${template}: file written to words changed: ${(performance.now() - from).toFixed(0)} ms`);
    assert.equal(await page.evaluate(() => window.sameDocument), true, 'the page did not reload');
    assert.equal(await button.textContent(), count, 'its state was kept');
    if (editor) await assertFramed(previews, browser, project, editor);
  } catch (e) {
    throw new Error(`${e.message}\n${page.url()}\n${page.said.slice(-20).join('\n')}\n${(await page.content().catch(String)).slice(0, 2000)}`);
  } finally {
    await page.context().close();
    await previews.api('DELETE', `projects/${project.id}`);
  }
}

describe('over plain http on localhost', () => {
  let instance;
  let previews;
  let browser;
  const frames = http.createServer((rq, rs) => rs.setHeader('content-type', 'text/html')
    .end(`<iframe src="${decodeURIComponent(rq.url.slice(2))}" width="800" height="600"></iframe>`));
  const editor = () => `http://localhost:${instance.port}`;
  before(async () => {
    instance = await startInstance();
    previews = new Previews(instance);
    browser = await startBrowser();
    await new Promise((resolve) => frames.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    await browser?.close();
    frames.close();
    await instance?.stop();
  });
  afterEach(printLogsOnFailure(() => instance));

  for (const [name, stack] of Object.entries(STACKS)) {
    it(`${name} updates hot: new words, no reload, state kept`, () => assertHotReload(previews, browser, stack, editor()));
  }

  // Signs in on the editor's origin, in the browser's own jar.
  async function signIn(page) {
    const answer = await page.context().request.post(`${editor()}/api/v1/auth/login`, {
      headers: { origin: editor() }, data: { email: instance.adminEmail, password: instance.adminPassword },
    });
    assert.equal(answer.status(), 200);
  }

  // A page of the editor's site around a frame, as the editor will be. (Of another port: a page that
  // Chromium did not get from this machine may not lead to it.)
  async function frameIt(page, url) {
    await page.goto(`http://localhost:${frames.address().port}/?${encodeURIComponent(url)}`);
    return page.frameLocator('iframe');
  }

  it('shows a private preview in the editor\'s frame, and in a tab of its own', async () => {
    const project = await previews.project({ files: { 'index.html': '<!doctype html><h1>Only mine</h1>' } });
    await previews.start(project);
    const page = await newPage(browser);
    await signIn(page);

    const frame = await frameIt(page, await previews.ticket(project));
    await frame.getByRole('heading', { name: 'Only mine' }).waitFor();
    // The frame's cookie is enough from here on.
    await page.evaluate((url) => { document.querySelector('iframe').src = url; }, project.preview_url);
    await frame.getByRole('heading', { name: 'Only mine' }).waitFor();

    // The jars are apart: a new tab has no cookie yet, is sent to the editor, and comes back with one.
    const tab = await page.context().newPage();
    await tab.goto(project.preview_url);
    await tab.getByRole('heading', { name: 'Only mine' }).waitFor();
    assert.equal(new URL(tab.url()).host, new URL(project.preview_url).host);
    await page.context().close();

    const stranger = await newPage(browser);
    const answer = await stranger.goto(project.preview_url);
    assert.equal(answer.status(), 401);
    assert.ok(!(await stranger.content()).includes('Only mine'));
    await stranger.context().close();
  });

  it('lets a hostile preview neither read the editor\'s session nor act with it', async () => {
    const victim = await previews.project({ files: { 'index.html': 'victim' } });
    await previews.start(victim);
    const hostile = await previews.project({
      visibility: 'public',
      files: { 'index.html': `<!doctype html><title>hostile</title><script>
        const editor = ${JSON.stringify(editor())}, victim = ${JSON.stringify(victim.id)};
        const told = (p) => p.then((v) => 'did: ' + v, (e) => 'refused: ' + e.name);
        const post = (mode, type) => told(fetch(editor + '/api/v1/projects', { method: 'POST', mode, credentials: 'include',
          headers: { 'content-type': type }, body: '{"name":"stolen"}' }).then((r) => r.type + ' ' + r.status));
        const socket = () => new Promise((resolve) => {
          const s = new WebSocket(editor.replace('http', 'ws') + '/api/v1/projects/' + victim + '/terminal');
          s.onopen = () => resolve('did: open');
          s.onerror = () => resolve('refused');
        });
        window.attack = async () => ({
          read: await told(fetch(editor + '/api/v1/me', { credentials: 'include' }).then((r) => r.text())),
          json: await post('cors', 'application/json'),
          plain: await post('no-cors', 'text/plain'),
          terminal: await socket(),
          cookie: document.cookie,
          ticket: await told(fetch(editor + '/api/v1/previews/' + ${JSON.stringify(victim.slug)} + '/open?to=/', { credentials: 'include' }).then((r) => r.text())),
          parent: (() => { try { return 'did: ' + parent.document.cookie; } catch (e) { return 'refused'; } })(),
        });
      </script>` },
    });
    await previews.start(hostile);
    const page = await newPage(browser);
    await signIn(page);
    await (await frameIt(page, hostile.preview_url)).locator('title').waitFor({ state: 'attached' });
    const frame = page.frames().find((f) => f.url().startsWith(hostile.preview_url));
    const framed = await frame.evaluate(() => window.attack());
    const tab = await page.context().newPage();
    await tab.goto(hostile.preview_url);
    const alone = await tab.evaluate(() => window.attack());
    for (const tried of [framed, alone]) {
      assert.match(tried.read, /^refused/);
      assert.match(tried.json, /^refused/);
      assert.match(tried.plain, /^(refused|did: opaque)/); // sent perhaps, and refused there: see below
      assert.equal(tried.terminal, 'refused');
      assert.ok(!tried.cookie.includes('slipway'), tried.cookie);
      assert.match(tried.ticket, /^refused/);
    }
    assert.equal(framed.parent, 'refused');
    const { items } = await previews.api('GET', 'projects?q=stolen');
    assert.deepEqual(items, [], 'nothing was made in the owner\'s name');
    await page.context().close();
  });
});

describe('over TLS on names of one\'s own', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-tls-'));
  let instance;
  let previews;
  let browser;
  before(async () => {
    const names = ['build.example.com', '*.apps.example.net'];
    const certificates = makeCertificates(directory, names);
    const port = await freePort();
    instance = await startInstance({
      port,
      env: {
        SLIPWAY_PUBLIC_URL: `https://build.example.com:${port}`,
        SLIPWAY_PREVIEW_DOMAIN: 'apps.example.net',
        SLIPWAY_TLS_CERT: certificates.cert,
        SLIPWAY_TLS_KEY: certificates.key,
        SLIPWAY_BIND: '127.0.0.1',
      },
    });
    previews = new Previews(instance, { tls: true });
    browser = await startBrowser({ trust: certificates.ca, names });
  });
  after(async () => {
    await browser?.close();
    await instance?.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });
  afterEach(printLogsOnFailure(() => instance));

  for (const [name, stack] of Object.entries(STACKS)) {
    it(`${name} updates hot there as well`, () => assertHotReload(previews, browser, stack));
  }
});
