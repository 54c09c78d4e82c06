// Each template of a web app: packages installed from its lockfile, started, and shown in Chromium at
// its preview's address with all that its page loads.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';

import { newPage, startBrowser } from './lib/browser.mjs';
import { printLogsOnFailure, ROOT, startInstance, waitFor } from './lib/instance.mjs';
import { Previews } from './lib/preview.mjs';

// Words of its page when its scripts have run.
const APPS = {
  static: 'Keep every plant alive', express: 'Hello, World!', 'express-sqlite': 'No notes yet', 'websocket-chat': 'Nobody else is here yet',
  'vite-react': '1 of 3 done', 'vite-vue': 'Five colours', 'vite-svelte': 'Ready when you are', next: 'Walks, weather and things mended',
};

let instance;
let previews;
let browser;

before(async () => {
  instance = await startInstance();
  previews = new Previews(instance);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await instance?.stop();
});
afterEach(printLogsOnFailure(() => instance));

describe('the lockfiles of templates', () => {
  it('name no registry and no script, and a hash for every package', () => {
    for (const id of fs.readdirSync(`${ROOT}/templates`)) {
      const path = `${ROOT}/templates/${id}/files/package-lock.json`;
      const entries = fs.existsSync(path) ? Object.entries(JSON.parse(fs.readFileSync(path, 'utf8')).packages) : [];
      for (const [name, entry] of entries.filter(([key]) => key !== '')) {
        assert.match(entry.integrity ?? '', /^sha512-/, `${id}: ${name}`);
        assert.equal(entry.resolved, undefined, `${id}: ${name}`);
        assert.equal(entry.hasInstallScript, undefined, `${id}: ${name}`);
      }
    }
  });
});

describe('a project from a template', () => {
  // First: no other has had these packages built.
  it('is not said to sleep while its packages are built', async () => {
    const project = await previews.project({ template: 'vite-react' });
    const headers = { cookie: await previews.cookie(project) };
    const seen = [];
    await previews.api('POST', `projects/${project.id}/start`, { json: {} });
    await waitFor('it runs', async () => {
      const { text } = await previews.get(`${project.preview_url}/.slipway/status`, { headers });
      seen.push(JSON.parse(text));
      return seen.at(-1).ready;
    }, { ms: 180_000, every: 20 });
    const early = seen.filter((s) => s.sandbox === 'stopped' && s.phase !== '');
    assert.ok(early.some((s) => s.phase === 'packages'), JSON.stringify(seen.slice(0, 20)));
    const says = { waiting: 'waiting', packages: 'installing', sandbox: 'starting' };
    assert.deepEqual(early.filter((s) => !s.waits || s.state !== says[s.phase]), []);
    await previews.api('DELETE', `projects/${project.id}`);
  });

  for (const [template, words] of Object.entries(APPS)) {
    it(`shows ${template} with all it loads`, async () => {
      const project = await previews.project({ template });
      await previews.start(project, { ms: 180_000 });
      const page = await newPage(browser);
      const bad = [];
      page.on('response', (rs) => rs.status() >= 400 && bad.push(`${rs.status()} ${rs.url()}`));
      try {
        await page.goto(await previews.ticket(project));
        await page.getByText(words).waitFor({ timeout: 60_000 });
        assert.deepEqual(bad, []);
        assert.deepEqual(page.said.filter((line) => line.startsWith('error')), []);
      } catch (e) {
        throw new Error(`${e.message}\n${page.url()}\n${bad.concat(page.said).slice(-20).join('\n')}`);
      } finally {
        await page.context().close();
        await previews.api('DELETE', `projects/${project.id}`);
      }
    });
  }
});
