// The editor as a person has it: the built pages of a whole installation, in Chromium, with a guard that
// hears everything a page complains of.
//
//   const editor = await startEditor({ model: await startFakeModel() });   // without one: the offline provider
//   const page = await editor.page({ path: '/settings', theme: 'dark' });  // signed in as the owner
//   const guest = await editor.freshProfile();                             // nobody yet
//   await checkA11y(page);  await shot(page, 'settings');
//   await editor.stop();
//
// with `afterEach(checkPages(() => editor))`: a test whose pages logged an error, broke the
// Content-Security-Policy, failed to get something or asked another host fails, and its pages are closed.
// What a test provokes on purpose it allows: `page.allow(/status of 409/)`.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { newPage, startBrowser } from './browser.mjs';
import { ROOT, startInstance, waitFor } from './instance.mjs';
import { Previews } from './preview.mjs';

const AXE = path.join(ROOT, 'tests/node_modules/axe-core/axe.min.js');
const SHOTS = process.env.SLIPWAY_TEST_SHOTS ?? path.join(ROOT, 'build/shots');
const GRAVE = ['serious', 'critical'];

export const WIDE = { viewport: { width: 1280, height: 800 } };
export const FOUR_K = { viewport: { width: 3840, height: 2160 } };
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

// What no test need explain: who is not signed in asks who they are; requests end with their page.
const ALWAYS = [/status of 401 .*\/api\/v1\/me$/, /ERR_ABORTED/];

class Editor {
  #pages = new Set();

  constructor(instance, browser, { model, scheme = 'http' } = {}) {
    this.instance = instance;
    this.browser = browser;
    this.model = model;
    this.url = `${scheme}://localhost:${instance.port}`;
    this.previews = new Previews(instance, { tls: scheme === 'https' });
  }

  get owner() {
    return { email: this.instance.adminEmail, password: this.instance.adminPassword };
  }

  // A call with the owner's key; the answer's JSON.
  api(method, pathname, options) {
    return this.previews.api(method, pathname, options);
  }

  // A new profile at `path`, signed in as `user`; null: as nobody. `theme` is what the system prefers, other
  // options are Playwright's for a context (WIDE, PHONE).
  async page({ path: where = '/', user = this.owner, theme = 'light', allow = [], ...options } = {}) {
    const page = await newPage(this.browser, { colorScheme: theme, reducedMotion: 'reduce', ...options });
    this.#guard(page, allow);
    if (user) {
      await this.signIn(page, user);
    }
    if (where !== null) {
      await page.goto(this.url + where);
    }
    return page;
  }

  // Somebody who has never been here.
  freshProfile(options = {}) {
    return this.page({ user: null, ...options });
  }

  // Another tab of the same profile.
  async tab(page, where = '/') {
    const tab = await page.context().newPage();
    this.#guard(tab, page.allowed);
    await tab.goto(this.url + where);
    return tab;
  }

  // Into the profile's own jar, without the sign-in page.
  async signIn(page, { email, password } = this.owner) {
    const answer = await page.context().request.post(`${this.url}/api/v1/auth/login`, {
      headers: { origin: this.url }, data: { email, password }, ignoreHTTPSErrors: true, // that is the page's to say
    });
    assert.equal(answer.status(), 200, await answer.text());
  }

  isOurs(url) {
    const { protocol, host, hostname } = new URL(url);
    return !/^(https?|wss?):$/.test(protocol) || host === new URL(this.url).host || this.isPreview(hostname);
  }

  isPreview(hostname) {
    return hostname.endsWith(`.${this.instance.env.SLIPWAY_PREVIEW_DOMAIN ?? 'preview.localhost'}`);
  }

  // What a preview's own page does is its own affair.
  #isOfPreview(url) {
    return URL.canParse(url) && this.isPreview(new URL(url).hostname);
  }

  #guard(page, allow) {
    const complain = (text, url = '') => {
      if (!this.#isOfPreview(url)) {
        page.complaints.push(url ? `${text} ${url}` : text);
      }
    };
    page.complaints = [];
    page.allowed = [...allow];
    page.allow = (...patterns) => page.allowed.push(...patterns);
    page.on('console', (message) => {
      if (message.type() === 'error') {
        complain(`console: ${message.text()}`, message.location().url);
      }
    });
    page.on('pageerror', (error) => {
      if (!/\.preview\./.test(error.stack ?? '')) {
        complain(`thrown: ${error.stack ?? error}`);
      }
    });
    page.on('requestfailed', (rq) => complain(`failed: ${rq.failure()?.errorText}`, rq.url()));
    const mustBeOurs = (url, frame) => {
      if (!this.isOurs(url) && !this.#isOfPreview(frame)) {
        complain('another host is asked:', url);
      }
    };
    page.on('request', (rq) => mustBeOurs(rq.url(), rq.isNavigationRequest() ? '' : rq.frame().url()));
    page.on('websocket', (socket) => mustBeOurs(socket.url(), ''));
    this.#pages.add(page);
    page.on('close', () => page.complaints.length === 0 && this.#pages.delete(page));
  }

  // What the pages complained of so far, but for what is allowed.
  complaints() {
    return [...this.#pages].flatMap((page) => page.complaints
      .filter((text) => ![...ALWAYS, ...page.allowed].some((pattern) => pattern.test(text))));
  }

  get openPages() {
    return [...this.#pages].filter((page) => !page.isClosed());
  }

  async closePages() {
    const contexts = new Set(this.openPages.map((page) => page.context()));
    await Promise.all([...contexts].map((context) => context.close()));
    this.#pages.clear();
  }

  async stop() {
    await this.browser.close();
    await this.instance.stop();
    await this.model?.close();
  }
}

// `model` is a fake model (lib/fake-model.mjs) to be asked instead of the offline provider; `trust`, a CA
// certificate, goes with settings that have the installation speak https.
export async function startEditor({ env = {}, model, trust, port } = {}) {
  const settings = model ? { OPENAI_BASE_URL: model.baseUrl, OPENAI_API_KEY: 'sk-test', SLIPWAY_MODEL: 'fake-1' } : {};
  const instance = await startInstance({ port, env: { ...settings, ...env } });
  const browser = await startBrowser({ trust }).catch(async (e) => {
    await instance.stop();
    throw e;
  });
  return new Editor(instance, browser, { model, scheme: env.SLIPWAY_TLS_CERT ? 'https' : 'http' });
}

// For afterEach: a failed test's pages and the daemons' words beside it; for every test, the guard.
export function checkPages(get) {
  return async (context) => {
    const editor = get();
    if (!editor) {
      return;
    }
    const complaints = editor.complaints();
    const failed = Boolean(context?.error) || context?.passed === false;
    if (failed || complaints.length > 0) {
      await showPages(editor, context?.name ?? 'test');
    }
    await editor.closePages();
    if (failed) {
      await editor.instance.printLogs();
    }
    assert.deepEqual(complaints, [], 'what the pages complained of');
  };
}

async function showPages(editor, test) {
  for (const [i, page] of editor.openPages.entries()) {
    const name = `failed-${test.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 60)}-${i}`;
    const file = await shot(page, name).catch((e) => e.message);
    process.stderr.write(`\n===== ${page.url()} (${file})\n${page.said.slice(-30).join('\n')}\n`);
    process.stderr.write(`${await page.locator('body').ariaSnapshot({ timeout: 5000 }).catch((e) => e.message)}\n`);
  }
}

// A picture of the page as it is seen, in build/shots (or $SLIPWAY_TEST_SHOTS); its path.
export async function shot(page, name, options = {}) {
  const file = path.join(SHOTS, `${name}.png`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  await page.screenshot({ path: file, animations: 'disabled', ...options });
  return file;
}

// Fails on what axe-core calls serious or critical. Frames are apps, not ours. `exclude` are selectors of
// what is not ours either.
export async function checkA11y(page, { exclude = [], include } = {}) {
  if (!(await page.evaluate(() => 'axe' in window))) {
    await page.evaluate(fs.readFileSync(AXE, 'utf8'));
  }
  const violations = await page.evaluate(async ({ exclude, include }) => {
    const context = { exclude: exclude.map((selector) => [selector]), ...(include && { include: [[include]] }) };
    const { violations } = await window.axe.run(context, { iframes: false, resultTypes: ['violations'] });
    return violations.map(({ id, impact, help, nodes }) => ({
      id, impact, help, nodes: nodes.slice(0, 5).map((n) => `${n.html.slice(0, 200)} ${n.any[0]?.message ?? ''}`),
    }));
  }, { exclude, include });
  assert.deepEqual(violations.filter(({ impact }) => GRAVE.includes(impact)), [], `axe on ${page.url()}`);
}

// What Chromium got from the editor's origin for this page, by its own account: [{url, type, bytes}] with
// bytes as sent (gzipped). Ask for it before the page loads: `const loaded = recordLoad(page)`.
export function recordLoad(page, origin) {
  const loaded = [];
  const pending = [];
  page.on('requestfinished', (rq) => {
    if (rq.url().startsWith(`${origin}/`)) {
      pending.push(rq.sizes().then((sizes) => loaded.push({
        url: rq.url(), type: rq.resourceType(), bytes: sizes.responseBodySize,
      }), () => {}));
    }
  });
  return async () => {
    await Promise.all(pending);
    return loaded;
  };
}

export { waitFor };
