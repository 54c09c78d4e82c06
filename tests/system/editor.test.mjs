// The editor's pages as they are served: addresses, headers, caches, how much is loaded; and signing in.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { after, afterEach, before, describe, it } from 'node:test';

import { makeCertificates } from './lib/browser.mjs';
import { assertProblem } from './lib/client.mjs';
import { checkA11y, checkPages, recordLoad, startEditor } from './lib/editor.mjs';
import { freePort } from './lib/instance.mjs';

const FIRST_LOAD_MAX_BYTES = 300 * 1024; // script and style, gzipped, before the code editor or a terminal
const PROJECT = '00000000-0000-4000-8000-000000000000';

const PAGES = ['/', '/sign-in', '/sign-in?next=%2Fscratch', '/scratch', '/settings', '/settings/keys',
  `/projects/${PROJECT}`, `/projects/${PROJECT}/code`, '/settings/'];
const NOT_PAGES = ['/nowhere', '/index.html', '/sign-in/x', '/settings/a/b', '/projects', '/projects/a/b/c', '/src/main.tsx',
  '/assets', '/assets/', '/assets/none.js', '/assets/../index.html', '/theme.js/', '/style.css', '/.git/config', '/editor/', '/package.json',
  '/index.html.gz', '/assets/%2e%2e/%2e%2e/bin/slipway-api'];

const LOST = ['/nowhere', '/index.html', '/sign-in/x', '/settings/a/b', '/projects', '/projects/a/b/c', '/editor/'];

// {name: [value, …]} of a policy.
const policyOf = (headers) => Object.fromEntries(headers['content-security-policy'].split(/;\s*/)
  .map((directive) => directive.split(' ')).map(([name, ...values]) => [name, values]));

function assertPageHeaders({ headers }, { scheme, port, where }) {
  assert.match(headers['content-type'], /^text\/html/, where);
  assert.equal(headers['cache-control'], 'no-cache', where);
  assert.equal(headers['x-content-type-options'], 'nosniff', where);
  assert.equal(headers['x-frame-options'], 'DENY', where);
  assert.equal(headers['referrer-policy'], 'no-referrer', where);
  assert.equal(headers['cross-origin-opener-policy'], 'same-origin', where);
  const previews = `${scheme}://*.preview.localhost:${port}`;
  assert.match(headers['permissions-policy'], /^accelerometer=\(\), camera=\(\), /, where);
  assert.ok(headers['permissions-policy'].endsWith(`, clipboard-write=(self "${previews}")`), where);
  const sockets = scheme === 'https' ? [`wss://localhost:${port}`] : [`ws://localhost:${port}`, `ws://127.0.0.1:${port}`];
  assert.deepEqual(policyOf(headers), {
    'default-src': ["'none'"], 'script-src': ["'self'"], 'style-src': ["'self'", "'unsafe-inline'"], 'font-src': ["'self'"],
    'img-src': ["'self'", 'blob:', 'data:'], 'media-src': ['blob:'], 'connect-src': ["'self'", ...sockets], 'worker-src': ["'self'"],
    'frame-src': [previews], 'manifest-src': ["'self'"],
    'base-uri': ["'none'"], 'form-action': ["'self'"], 'frame-ancestors': ["'none'"],
  }, where);
}

describe('over plain http', () => {
  let editor;
  before(async () => {
    editor = await startEditor();
  });
  after(() => editor?.stop());
  afterEach(checkPages(() => editor));

  const get = (where, headers = {}) => editor.instance.client({ key: null }).get(where, { headers });
  const assets = async () => [...(await get('/')).text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, where]) => where);

  it('answers its page at each of the editor\'s addresses', async () => {
    const page = (await get('/')).text;
    for (const where of PAGES) {
      const answer = await get(where);
      assert.equal(answer.status, 200, where);
      assert.equal(answer.text, page, where);
      assertPageHeaders(answer, { scheme: 'http', port: editor.instance.port, where });
    }
  });

  it('answers 404 anywhere else, as a problem, never with the page', async () => {
    for (const where of NOT_PAGES) {
      const answer = await get(where);
      assert.ok([400, 404].includes(answer.status), `${where}: ${answer.status}`);
      assertProblem(answer, answer.status, {}, where);
    }
  });

  it('answers a browser there with its page, and the status 404', async () => {
    const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    const { text: page, headers: { etag } } = await get('/');
    for (const where of LOST) {
      const answer = await get(where, { ...browser, 'if-none-match': etag });
      assert.equal(answer.status, 404, where);
      assert.equal(answer.text, page, where);
      assertPageHeaders(answer, { scheme: 'http', port: editor.instance.port, where });
    }
    for (const where of ['/api/v1/nowhere', '/api', '/metrics', '/assets/none.js']) {
      assertProblem(await get(where, browser), 404, {}, where);
    }
    const client = editor.instance.client({ key: null });
    assert.equal((await client.call('HEAD', '/nowhere', { headers: browser })).status, 404);
    assertProblem(await client.call('POST', '/nowhere', { headers: browser, body: 'x' }), 404);
    assertProblem(await client.call('POST', '/nowhere', { headers: browser, body: 'x'.repeat(2 << 20) }), 413);
  });

  it('tells a person who is lost so', async () => {
    const lost = await editor.page({ path: '/nowhere', allow: [/status of 404/] });
    await lost.getByRole('heading', { name: 'There is nothing here' }).waitFor();
    assert.equal(await lost.title(), 'There is nothing here · Slipway');
    await checkA11y(lost);
    await lost.getByRole('link', { name: 'Back to your projects' }).click();
    await lost.getByRole('heading', { name: 'Your projects' }).waitFor();
  });

  it('takes nothing but GET and HEAD there', async () => {
    for (const where of ['/', '/sign-in', ...(await assets())]) {
      const answer = await editor.instance.client({ key: null }).call('POST', where, { body: 'x' });
      assertProblem(answer, 405, {}, where);
    }
  });

  it('has assets kept for a year, and its page, theme.js and icon asked about each time', async () => {
    const all = await assets();
    assert.ok(all.length >= 2, 'the page names its script and its style');
    for (const where of all) {
      const { status, headers } = await get(where);
      assert.equal(status, 200, where);
      assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable', where);
      assert.equal(headers['x-content-type-options'], 'nosniff', where);
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin', where);
      assert.match(headers['content-type'], where.endsWith('.css') ? /^text\/css/ : /javascript/, where);
    }
    for (const where of ['/theme.js', '/icon.svg', '/']) {
      const { status, headers } = await get(where);
      assert.equal(status, 200, where);
      assert.equal(headers['cache-control'], 'no-cache', where);
      assert.ok(headers.etag ?? headers['last-modified'], where);
      const again = await get(where, { 'if-none-match': headers.etag });
      assert.equal(again.status, 304, where);
    }
  });

  it('sends them gzipped to who takes that, the same bytes to who does not', async () => {
    for (const where of ['/', '/theme.js', ...(await assets())]) {
      const packed = await get(where, { 'accept-encoding': 'gzip, br' });
      const plain = await get(where);
      assert.equal(packed.headers['content-encoding'], 'gzip', where);
      assert.match(packed.headers.vary ?? '', /Accept-Encoding/, where);
      assert.equal(plain.headers['content-encoding'], undefined, where);
      assert.deepEqual(zlib.gunzipSync(packed.bytes), plain.bytes, where);
    }
  });

  it('has no script, style sheet or address in the page that the policy would not let in', async () => {
    const page = (await get('/')).text;
    assert.doesNotMatch(page, /<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|https?:\/\//);
  });

  it('still has the assets of the release before, for pages that were open', async () => {
    const release = fs.readlinkSync(`${editor.instance.stateDir}/release`);
    const before = path.join(editor.instance.stateDir, 'release-before');
    fs.mkdirSync(`${before}/editor/assets`, { recursive: true });
    fs.writeFileSync(`${before}/editor/assets/old-12345678.js`, 'export {};');
    fs.writeFileSync(`${before}/editor/old.js`, 'export {};');
    try {
      assert.equal((await get('/assets/old-12345678.js')).text, 'export {};');
      assertProblem(await get('/old.js'), 404);
      assertProblem(await get('/assets/other.js'), 404);
    } finally {
      fs.rmSync(before, { recursive: true });
    }
    assert.equal(fs.readlinkSync(`${editor.instance.stateDir}/release`), release);
  });

  it('asks who is not signed in to sign in, and lets them in where they wanted to go', async () => {
    const page = await editor.freshProfile({ path: '/scratch' });
    await page.waitForURL((url) => url.pathname === '/sign-in');
    await checkA11y(page);
    const { email, password } = editor.owner;
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL((url) => url.pathname === '/scratch');
  });

  it('loads less than 300 KB of script and style before the code editor or a terminal is opened', async () => {
    const project = await editor.previews.project({ name: 'Weighed', files: { 'index.html': '<h1>Weighed</h1>' } });
    for (const where of ['/', `/projects/${project.id}`]) {
      const page = await editor.page({ path: null });
      const loaded = recordLoad(page, editor.url);
      await page.goto(editor.url + where);
      await page.getByRole('main').first().waitFor({ state: 'attached' });
      await page.waitForLoadState('networkidle', { timeout: 5000 }).catch(() => {}); // event streams stay open
      const files = (await loaded()).filter(({ type }) => ['script', 'stylesheet'].includes(type));
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      console.log(`# ${where.replace(project.id, '{id}')}: ${(bytes / 1024).toFixed(0)} KiB in ${files.length} files`);
      assert.ok(files.length > 0);
      assert.ok(bytes < FIRST_LOAD_MAX_BYTES, `${bytes} bytes: ${JSON.stringify(files, null, 1)}`);
    }
  });
});

describe('over TLS', () => {
  let editor;
  let directory;
  before(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-editor-tls-'));
    const { ca, cert, key } = makeCertificates(directory, ['localhost', '*.preview.localhost']);
    const port = await freePort();
    editor = await startEditor({
      trust: ca, port,
      env: {
        SLIPWAY_BIND: '127.0.0.1', SLIPWAY_PUBLIC_URL: `https://localhost:${port}`,
        SLIPWAY_TLS_CERT: cert, SLIPWAY_TLS_KEY: key,
      },
    });
  });
  after(async () => {
    await editor?.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });
  afterEach(checkPages(() => editor));

  it('serves the same page, with the addresses of https in its policy', async () => {
    const answer = await editor.previews.get(`${editor.url}/`);
    assert.equal(answer.status, 200);
    assertPageHeaders(answer, { scheme: 'https', port: new URL(editor.url).port, where: '/' });
    assert.match(answer.headers['strict-transport-security'], /^max-age=/);
  });

  it('works in a browser, signed in, without a complaint', async () => {
    const page = await editor.page({ path: '/' });
    assert.equal(new URL(page.url()).pathname, '/');
    await page.getByRole('main').first().waitFor({ state: 'attached' });
  });
});
