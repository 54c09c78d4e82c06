// The right side of the builder: the app in its frame, what it prints, a shell beside it, and its versions.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';

import { checkA11y, checkPages, PHONE, shot, startEditor, waitFor } from './lib/editor.mjs';

const APP_MS = 60_000; // to install and start an app on a busy machine
const CUT = [/ERR_(CONNECTION|INTERNET|INCOMPLETE|EMPTY|SOCKET|NETWORK)/, /WebSocket/, /status of 50[234]/];
const THEMES = ['light', 'dark'];

let editor;
before(async () => {
  editor = await startEditor();
});
after(() => editor?.stop());
afterEach(checkPages(() => editor));

const frame = (page) => page.frameLocator('iframe[title="Your app"]');
const show = (page, tab) => page.getByRole('tab', { name: tab }).click();
const server = (heading, first = '') => `${first}
import { createServer } from 'node:http';
createServer((rq, rs) => {
  for (let i = 0; rq.url === '/noise' && i < 300; i++) console.log('more', i);
  rs.setHeader('content-type', 'text/html');
  rs.end('<!doctype html><html lang="en"><title>t</title><h1>${heading}</h1><a href="/two?x=1">two</a><p>' + rq.url);
}).listen(process.env.PORT, () => console.log('ready'));
`;
const MANIFEST = JSON.stringify({ name: 'app', private: true, type: 'module', scripts: { dev: 'node --watch index.js' } });

async function appProject(name, files = { 'package.json': MANIFEST, 'index.js': server('First') }) {
  const project = await editor.previews.project({ name, files });
  await editor.previews.start(project);
  return project;
}

const openPane = (project, tab = 'preview', options = {}) =>
  editor.page({ path: `/projects/${project.id}/${tab}`, ...options });

describe('the preview', () => {
  it('shows what a prompt made, and each change of it without loading it again', async () => {
    const project = await editor.api('POST', 'projects', { json: { name: 'Today' } });
    const page = await openPane(project);
    page.allow(/status of 404 .*\/files\//, /thrown on purpose/);
    await page.getByRole('heading', { name: 'Your app will appear here' }).waitFor();
    await checkA11y(page);
    await page.getByRole('textbox', { name: 'Your message' }).fill('A list of things to do, with React and Vite');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /Writing your app|Your app is starting/ }).waitFor();
    const heading = frame(page).getByRole('heading', { level: 1 });
    await heading.getByText('Today').waitFor({ timeout: APP_MS });
    await shot(page, 'preview-vite');

    const app = page.frames().find((f) => editor.isPreview(new URL(f.url()).hostname));
    await app.evaluate(() => {
      window.isKept = true;
    });
    const source = await editor.previews.get(`${editor.url}/api/v1/projects/${project.id}/files/src/App.tsx`, {
      headers: { authorization: `Bearer ${editor.instance.apiKey}` },
    });
    assert.equal(source.status, 200);
    await editor.previews.put(project, 'src/App.tsx', source.text.replace('<h1>Today</h1>', '<h1>Tomorrow</h1>'));
    await heading.getByText('Tomorrow').waitFor({ timeout: APP_MS });
    assert.equal(await app.evaluate(() => window.isKept), true);

    await app.evaluate(() => {
      console.error('a bad thing', { code: 7 });
      setTimeout(() => {
        throw new Error('thrown on purpose');
      });
      return fetch('/missing.json?x').catch(() => {});
    });
    await page.getByRole('button', { name: /Console.*error/ }).click();
    const messages = page.getByRole('region', { name: 'Messages of the page' });
    await messages.getByText('a bad thing {code: 7}').waitFor();
    await messages.getByText('Uncaught Error: thrown on purpose').waitFor();
    await checkA11y(page);
    await shot(page, 'preview-console');
    await page.getByRole('button', { name: 'Clear the console' }).click();
    await messages.getByText('Nothing yet').waitFor();
  });

  it('is led by its bar, and comes back to its path after a refresh', async () => {
    const project = await appProject('Paths');
    const page = await openPane(project);
    await frame(page).getByRole('heading', { name: 'First' }).waitFor({ timeout: APP_MS });
    const address = page.getByRole('textbox', { name: 'Path in the app' });
    await frame(page).getByRole('link', { name: 'two' }).click();
    await waitFor('the bar to follow the page', async () => (await address.inputValue()) === '/two?x=1');
    await address.fill('three/four');
    await page.keyboard.press('Enter');
    await frame(page).getByText('/three/four').waitFor();
    await page.getByRole('button', { name: 'Back', exact: true }).click();
    await frame(page).getByText('/two?x=1').waitFor();
    await page.getByRole('button', { name: 'Forward' }).click();
    await frame(page).getByText('/three/four').waitFor();
    await address.fill('https://example.com/');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('Type a path of this app').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await address.inputValue(), '/three/four');
    const [tab] = await Promise.all([
      page.context().waitForEvent('page'),
      page.getByRole('toolbar', { name: 'Preview' }).getByRole('link', { name: 'Open in a new tab' }).click(),
    ]);
    await tab.getByRole('heading', { name: 'First' }).waitFor();
    assert.equal(new URL(tab.url()).pathname, '/three/four');
    await tab.close();

    for (const [name, width] of [['Tablet', 768], ['Phone', 390]]) {
      await page.getByRole('button', { name: new RegExp(`^${name}, `) }).click();
      await waitFor(`the page to be ${width} wide`, async () =>
        (await frame(page).locator('body').evaluate(() => window.innerWidth)) === width);
    }
    await shot(page, 'preview-phone-frame');
    await page.reload();
    await frame(page).getByText('/three/four').waitFor();
    assert.equal(await frame(page).locator('body').evaluate(() => window.innerWidth), 390);
  });

  it('may copy to the clipboard when its button is pressed', async () => {
    const copies = server('First').replace('<p>', `<button onclick="navigator.clipboard.writeText(\\'of the app\\')
      .then(() => { this.textContent = \\'Copied\\' }, (e) => { this.textContent = e.message })">Copy</button><p>`)
      .replaceAll('\n      ', '');
    const project = await appProject('Copies', { 'package.json': MANIFEST, 'index.js': copies });
    const page = await openPane(project);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await frame(page).getByRole('button', { name: 'Copy' }).click({ timeout: APP_MS });
    await frame(page).getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'of the app');
  });

  it('counts errors from when it was loaded, and is loaded again even when it hangs', async () => {
    const page = await openPane(await appProject('Hangs'));
    await frame(page).getByRole('heading', { name: 'First' }).waitFor({ timeout: APP_MS });
    const app = () => page.frames().find((f) => editor.isPreview(new URL(f.url()).hostname));
    const count = page.getByRole('button', { name: /^Console/ }).getByText('error');
    await app().evaluate(() => console.error('a bad thing'));
    await count.waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Reload' }).click();
    await count.waitFor({ state: 'detached' });

    await app().evaluate(() => {
      document.querySelector('h1').textContent = 'Stuck';
      setTimeout(() => {
        for (;;);
      });
    });
    await page.getByRole('button', { name: 'Reload' }).click();
    await frame(page).getByRole('heading', { name: 'First' }).waitFor({ timeout: 20_000 });
    await page.getByRole('progressbar', { name: 'The page is loading' }).waitFor({ state: 'detached' });
  });

  it('says how it stands with an app that does not run', async () => {
    const project = await appProject('Stands');
    const page = await openPane(project);
    page.allow(/status of 50[234]/, /status of 40[134]/);
    await frame(page).getByRole('heading', { name: 'First' }).waitFor({ timeout: APP_MS });
    await editor.previews.put(project, 'index.js', server('Second'));
    await frame(page).getByRole('heading', { name: 'Second' }).waitFor({ timeout: APP_MS });

    await editor.api('POST', `projects/${project.id}/stop`);
    await page.getByRole('heading', { name: 'You stopped the app' }).waitFor({ timeout: 20_000 });
    await shot(page, 'preview-stopped');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await frame(page).getByRole('heading', { name: 'Second' }).waitFor({ timeout: APP_MS });

    await editor.previews.put(project, 'index.js', server('Third', "throw new Error('broken on purpose');"));
    await page.getByRole('heading', { name: 'Your app stopped with an error' }).waitFor({ timeout: APP_MS });
    const main = page.getByRole('tabpanel', { name: 'Preview' });
    await main.getByText('broken on purpose').first().waitFor();
    await main.getByRole('button', { name: 'Fix it' }).waitFor();
    await checkA11y(page);
    await shot(page, 'preview-crashed');
    await editor.previews.put(project, 'index.js', server('Fourth'));
    await frame(page).getByRole('heading', { name: 'Fourth' }).waitFor({ timeout: APP_MS });
  });
});

describe('the logs', () => {
  it('follow, are searched and filtered, and lead to files', async () => {
    const noisy = `${server('Noisy')}
console.log('line with needle in it');
console.error(new Error('caught at home').stack);
`;
    const project = await appProject('Logs', { 'package.json': MANIFEST.replace(' --watch', ''), 'index.js': noisy });
    const page = await openPane(project, 'logs');
    const list = page.getByRole('region', { name: 'Lines of the log' });
    await list.getByText('line with needle').waitFor({ timeout: APP_MS });
    await list.getByText('Running').waitFor();
    await page.getByRole('searchbox', { name: 'Search the logs' }).fill('needle');
    await waitFor('one line', async () => (await list.getByRole('listitem').count()) === 1);
    assert.equal(await list.locator('mark').innerText(), 'needle');
    await page.getByRole('searchbox', { name: 'Search the logs' }).fill('');
    await page.getByRole('combobox', { name: 'How grave' }).selectOption('Errors only');
    await list.getByText('caught at home').waitFor();
    assert.equal(await list.getByText('line with needle').count(), 0);
    await checkA11y(page);
    await shot(page, 'logs');
    await page.getByRole('combobox', { name: 'How grave' }).selectOption('All lines');

    const atEnd = () => list.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 30 && e.scrollHeight > e.clientHeight);
    await editor.api('PATCH', `projects/${project.id}`, { json: { visibility: 'public' } });
    await waitFor('the app to be public', async () =>
      (await editor.previews.get(`${project.preview_url}/noise`)).status === 200);
    await list.getByText('more 299').waitFor();
    await waitFor('the list to follow', atEnd);
    await list.evaluate((e) => e.scrollTo(0, 0));
    await page.getByRole('button', { name: 'To the newest line' }).click();
    await waitFor('the list to follow again', atEnd);

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download these lines' }).click(),
    ]);
    assert.match(fs.readFileSync(await download.path(), 'utf8'), /app line with needle in it\n/);
    await page.getByRole('searchbox', { name: 'Search the logs' }).fill('index.js:1');
    await list.getByRole('button', { name: /index\.js:1\d/ }).first().click();
    await page.getByRole('tab', { name: 'Code', selected: true }).waitFor();
    await show(page, 'Logs');
    assert.equal(await page.getByRole('searchbox', { name: 'Search the logs' }).inputValue(), 'index.js:1');
  });
});

describe('the terminal', () => {
  it('is a shell that outlives a lost connection and a refresh', async () => {
    const project = await appProject('Shell');
    const page = await openPane(project, 'terminal');
    page.allow(...CUT);
    const rows = page.locator('.xterm-rows');
    const says = (text) => waitFor(`the terminal to say ${text}`, async () =>
      (await rows.innerText()).replaceAll('\u00a0', ' ').includes(text), { ms: 20_000 });
    await rows.getByText('$').first().waitFor({ timeout: 20_000 });
    await page.keyboard.type('ls\n');
    await says('package.json');
    await page.keyboard.type('kept=here$((40+2)); stty size\n');
    const size = async () => (await rows.innerText()).match(/^\s*(\d+) (\d+)\s*$/gm)?.at(-1)?.trim();
    const before = await waitFor('the size', size);
    await page.setViewportSize({ width: 1000, height: 600 });
    await waitFor('another size', async () => {
      await page.keyboard.type('stty size\n');
      return (await size()) !== before;
    }, { every: 300 });
    await checkA11y(page);
    await shot(page, 'terminal');

    const nginx = editor.instance.service('nginx');
    await nginx.stop();
    await page.getByText('Reconnecting…').first().waitFor();
    await nginx.start();
    await page.getByText('Reconnecting…').first().waitFor({ state: 'hidden', timeout: 20_000 });
    await page.locator('.xterm-helper-textarea').focus();
    await page.keyboard.type('clear; echo 1$kept\n');
    await says('1here42');
    await page.reload();
    await says('1here42'); // what it printed last comes again
    await page.keyboard.type('clear; echo 2$kept\n');
    await says('2here42');

    await page.keyboard.type('exit 3\n');
    await page.getByText('The shell ended (3)').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('The shell ended (3)').waitFor({ state: 'hidden' });
    await rows.getByText('$').last().waitFor();
    await page.keyboard.press('Control+m');
    await waitFor('the focus to leave', () => page.evaluate(() => !document.activeElement.closest('.xterm')));
  });
});

describe('the versions', () => {
  it('are compared, restored and downloaded', async () => {
    const reads = `import { readFileSync } from 'node:fs';\n${server("' + readFileSync('title.txt') + '")}`;
    const project = await appProject('Versions', {
      'package.json': MANIFEST.replace(' --watch', ''), 'index.js': reads, 'title.txt': 'First',
    });
    await editor.previews.put(project, 'title.txt', 'Second');
    const page = await openPane(project, 'versions');
    const timeline = page.getByRole('list', { name: 'Versions, newest first' });
    const changes = page.getByRole('region', { name: 'Changes', exact: true });
    await timeline.getByRole('button').filter({ hasText: 'Version 4' }).getByText('Newest').waitFor();
    await changes.getByRole('row').filter({ hasText: '+' }).filter({ hasText: 'Second' }).waitFor();
    await changes.getByRole('combobox', { name: 'From' }).selectOption('0');
    await changes.getByRole('button', { name: /package\.json/ }).first().waitFor();
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme });
      await checkA11y(page);
      await shot(page, `versions-${theme}`);
    }
    const [download] = await Promise.all([
      page.waitForEvent('download'), changes.getByRole('link', { name: 'Download' }).click(),
    ]);
    assert.match(download.suggestedFilename(), /-v4\.zip$/);
    await timeline.getByRole('button').filter({ hasText: 'Version 3' }).click();
    await changes.getByRole('button', { name: 'Restore' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Nothing is lost').waitFor();
    await dialog.getByRole('button', { name: 'Restore' }).click();
    await timeline.getByRole('button').filter({ hasText: 'Back to version 3' }).getByText('Newest').waitFor();
    await show(page, 'Preview');
    await frame(page).getByRole('heading', { name: 'First' }).waitFor({ timeout: APP_MS });
  });
});

describe('on a phone', () => {
  it('each pane has the whole screen, and terminals have the keys that are missing', async () => {
    const project = await appProject('Small');
    for (const theme of THEMES) {
      const page = await openPane(project, 'preview', { ...PHONE, viewport: { width: 360, height: 740 }, theme });
      await frame(page).getByRole('heading', { name: 'First' }).waitFor({ timeout: APP_MS });
      for (const tab of ['Preview', 'Terminal', 'Logs', 'Versions']) {
        await show(page, tab);
        await page.getByRole('tabpanel', { name: tab }).waitFor();
        if (tab === 'Terminal') {
          await page.getByRole('button', { name: 'Esc', exact: true }).waitFor();
          await page.locator('.xterm-rows').getByText('$').first().waitFor({ timeout: 20_000 });
        }
        if (tab === 'Versions') {
          await page.getByRole('list', { name: 'Versions, newest first' }).waitFor();
        }
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${tab} fits`);
        await checkA11y(page);
        await shot(page, `phone-${tab.toLowerCase()}-${theme}`);
      }
    }
  });
});
