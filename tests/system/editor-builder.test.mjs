// The builder: from a prompt to an app that is seen, and everything that may go wrong on the way. The model's
// words come when the test says so.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { checkA11y, checkPages, FOUR_K, PHONE, shot, startEditor, waitFor } from './lib/editor.mjs';
import { byHand, file, reply, startFakeModel } from './lib/fake-model.mjs';

const STEP_MS = 60_000; // to install, start and check an app on a busy machine
const STOP_MS = 2_000;
const ASKED_MS = 20_000;
const CUT = [/ERR_(CONNECTION|INTERNET|INCOMPLETE|EMPTY|SOCKET|NETWORK)/, /status of 50[234]/];

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Clock</title></head>
<body>
<h1>It is late</h1>
</body>
</html>
`;
const BROKEN = file('package.json', JSON.stringify({ name: 'app', private: true, scripts: { dev: 'node server.js' } }))
  + file('server.js', "throw new Error('the spring is broken');\n");
const MENDED = file('server.js', `require('node:http').createServer((q, r) => {
  r.setHeader('content-type', 'text/html');
  r.end('<!doctype html><title>App</title><h1>Mended</h1>');
}).listen(process.env.PORT);
`) + file('notes.md', 'New: the spring.\n');

let editor;
let model;
before(async () => {
  model = await startFakeModel();
  editor = await startEditor({ model });
});
after(() => editor?.stop());
beforeEach(() => model.reset());
afterEach(checkPages(() => editor));

const box = (page) => page.getByRole('textbox', { name: 'Your message' });
const log = (page) => page.getByRole('log', { name: 'Conversation' });
const preview = (page) => page.frameLocator('iframe');
const numbered = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `w${from + i} `).join('');
const newProject = async (name = 'Test') => (await editor.api('POST', 'projects', { json: { name } }));

// A page at a project, and a turn in it that is in the test's hands.
async function openProject(options = {}) {
  const project = await newProject(options.name);
  const page = await editor.page({ path: `/projects/${project.id}`, ...options });
  await box(page).waitFor();
  return { page, project };
}

// The model's first reply throws in the browser, its second does not.
async function askForBrokenPage() {
  const { page } = await openProject();
  model.next(
    reply(file('index.html', `${PAGE}<script>throw new Error('the hand fell off')</script>\n`)),
    reply(`It is back on.\n${file('index.html', PAGE)}`),
  );
  await box(page).fill('A clock with hands');
  await page.keyboard.press('Enter');
  return page;
}

// The model's answer once it is asked, or an error: a test that waits for ever says nothing.
function answer() {
  const { script, opened } = byHand();
  model.next(script);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the model was not asked')), ASKED_MS);
    opened.then((stream) => {
      clearTimeout(timer);
      resolve(stream);
    });
  });
}

async function ask(page, prompt) {
  const stream = answer();
  await box(page).fill(prompt);
  await page.keyboard.press('Enter');
  return stream;
}

// What the model has said, as the page shows it.
async function words(page) {
  const text = await log(page).getByRole('article').last().innerText();
  return text.match(/\bw\d+\b/g)?.join(' ') ?? '';
}

const says = (page, from, to) => waitFor(`the words w${from} … w${to}, each once`, async () => {
  const [seen, wanted] = [await words(page), numbered(from, to).trim()];
  return seen === wanted || assert.equal(seen, wanted);
}, { ms: 20_000 });

describe('a prompt', () => {
  it('from the home page becomes an app that is seen', async () => {
    const answered = answer();
    const page = await editor.page();
    await page.getByRole('textbox', { name: 'Describe what to build' }).fill('A clock that is late');
    await page.keyboard.press('Enter');
    const stream = await answered;
    await stream.text('I will write **one page** for');
    await log(page).getByText('one page').waitFor();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await stream.text(' you.\n\n<slipway-file path="index.html">\n<!doctype html>\n<html lang="en">\n');
    const row = page.getByRole('list', { name: 'Files' }).getByRole('listitem').filter({ hasText: 'index.html' });
    await row.getByText('+2').waitFor();
    await page.getByLabel('Writing index.html', { exact: true }).getByText('<html lang="en">').waitFor();
    await shot(page, 'builder-writing');
    await checkA11y(page);
    await stream.text(PAGE.split('\n').slice(2).join('\n'));
    await stream.text('</slipway-file>\n\nThat is all.');
    await stream.finish();
    await row.getByText('Written').waitFor();
    await row.getByText('+7').waitFor();
    await page.getByRole('button', { name: 'Open preview' }).waitFor({ timeout: STEP_MS });
    await log(page).getByText('The page loads').waitFor();
    await preview(page).getByRole('heading', { name: 'It is late' }).waitFor({ timeout: STEP_MS });
    await page.getByRole('button', { name: 'Version 1' }).waitFor();
    await waitFor('the title to say how it stands', async () => /late · Running · Slipway$/.test(await page.title()));
    await shot(page, 'builder-done');
    await page.reload();
    await log(page).getByText('That is all.').waitFor();
    await row.getByText('+7').waitFor();
    assert.equal(await log(page).getByRole('article').count(), 1);
  });

  it('that breaks the app says so, and "Fix it" mends it', async () => {
    const { page } = await openProject();
    model.next(reply(`It may break.\n${BROKEN}`), reply(`The spring is mended.\n${MENDED}`));
    await box(page).fill('A server');
    await page.keyboard.press('Enter');
    await log(page).getByText('The app did not start').first().waitFor({ timeout: STEP_MS });
    await log(page).getByText('the spring is broken').first().waitFor();
    await shot(page, 'builder-broken');
    await checkA11y(page);
    await page.reload();
    await log(page).getByText('> node server.js').waitFor();
    await log(page).getByRole('button', { name: 'Fix it' }).click();
    await log(page).getByText('The spring is mended.').waitFor();
    assert.match(JSON.stringify((await model.request(2)).body.messages), /the spring is broken/);
    await preview(page).getByRole('heading', { name: 'Mended' }).waitFor({ timeout: STEP_MS });
    await page.getByRole('button', { name: 'Open preview' }).waitFor();
    assert.equal(await log(page).getByRole('button', { name: 'Fix it' }).count(), 0);
    await page.getByRole('tab', { name: 'Versions' }).click();
    const version = (n) => page.getByRole('list', { name: 'Versions, newest first' }).getByRole('button')
      .filter({ hasText: `Version ${n}` });
    await version(1).getByText('Does not work').waitFor();
    await version(2).getByText('Works', { exact: true }).waitFor();
  });

  it('whose page throws is told between turns, and mended', async () => {
    const page = await askForBrokenPage();
    const card = page.getByRole('status').filter({ hasText: 'The page reports an error' });
    await card.getByText('the hand fell off').waitFor({ timeout: STEP_MS });
    await card.getByRole('button', { name: 'Fix it' }).click();
    await log(page).getByText('It is back on.').waitFor();
    assert.match(JSON.stringify((await model.request(2)).body.messages), /reports this error.*the hand fell off/);
    await log(page).getByRole('button', { name: 'Version 2' }).waitFor({ timeout: STEP_MS });
    await waitFor('no trouble any more', async () => (await card.count()) === 0);
  });

  it('whose page throws is mended from its console, which then counts no errors', async () => {
    const page = await askForBrokenPage();
    const button = page.getByRole('button', { name: /^Console/ });
    await button.getByText('error').waitFor({ state: 'attached', timeout: STEP_MS });
    await button.click();
    await page.getByRole('button', { name: 'Send' }).waitFor({ timeout: STEP_MS });
    const messages = page.getByRole('region', { name: 'Messages of the page' });
    await messages.getByRole('button', { name: 'Fix it' }).first().click();
    await log(page).getByText('It is back on.').waitFor();
    assert.match(JSON.stringify((await model.request(2)).body.messages), /reports this error.*the hand fell off/);
    await button.getByText('error').waitFor({ state: 'detached', timeout: STEP_MS });
    await messages.getByText('the hand fell off').first().waitFor();
  });

  it('is stopped by its button at once, and can be tried again', async () => {
    const { page } = await openProject();
    const stream = await ask(page, 'Something long');
    await stream.text(numbered(1, 5));
    await says(page, 1, 5);
    const since = performance.now();
    await page.getByRole('button', { name: 'Stop' }).click();
    await log(page).getByText('Stopped. Nothing was changed.').waitFor();
    const took = performance.now() - since;
    assert.ok(took < STOP_MS, `it took ${Math.round(took)} ms`);
    await says(page, 1, 5);
    await box(page).fill('And shorter, please');
    await page.getByRole('button', { name: 'Try again' }).click();
    assert.equal(await box(page).inputValue(), 'Something long\n\nAnd shorter, please');
  });

  it('that could not be sent stays in the box', async () => {
    const { page, project } = await openProject({ allow: CUT });
    await page.context().setOffline(true);
    await box(page).fill('A clock');
    await page.keyboard.press('Enter');
    await page.getByText('Not sent. Your words are still here.').waitFor();
    await page.getByRole('status').filter({ hasText: 'You are offline.' }).waitFor();
    assert.equal(await box(page).inputValue(), 'A clock');
    await page.context().setOffline(false);
    await page.getByRole('status').filter({ hasText: 'Connected again.' }).waitFor();
    await page.reload();
    assert.equal(await box(page).inputValue(), 'A clock');
    model.next(reply('Here it is.'));
    await page.getByRole('button', { name: 'Send' }).click();
    await log(page).getByText('Here it is.').waitFor();
    assert.equal((await editor.api('GET', `projects/${project.id}/generations`)).items.length, 1);
  });
});

describe('nothing is lost or doubled', () => {
  it('by a refresh, without a network, or when the server is restarted, in the middle of a turn', async () => {
    const { page, project } = await openProject({ allow: CUT });
    const stream = await ask(page, 'Count');
    await stream.text(numbered(1, 10));
    await says(page, 1, 10);

    await page.reload();
    await stream.text(numbered(11, 20));
    await says(page, 1, 20);

    await page.context().setOffline(true);
    await log(page).getByText('Connection lost').waitFor();
    await stream.text(numbered(21, 30));
    await page.context().setOffline(false);
    await says(page, 1, 30);

    await editor.instance.service('nginx').restart();
    await stream.text(numbered(31, 40));
    await says(page, 1, 40);
    assert.equal(await log(page).getByText('Connection lost').count(), 0);

    await stream.finish();
    await waitFor('the end', async () => (await page.getByRole('button', { name: 'Stop' }).count()) === 0);
    await says(page, 1, 40);
    assert.equal(await log(page).getByRole('article').count(), 1);
    const [generation] = (await editor.api('GET', `projects/${project.id}/generations`)).items;
    assert.equal(generation.reply.trim(), numbered(1, 40).trim());
  });

  it('by the end of its worker: what is there stays, and the prompt can be tried again', async () => {
    const { page, project } = await openProject({ allow: CUT });
    const stream = await ask(page, 'Count to ten');
    await stream.text(numbered(1, 5));
    await says(page, 1, 5);
    for (const pid of editor.instance.service('api').children) {
      process.kill(pid, 'SIGKILL');
    }
    // A minute's wait, shortened.
    await editor.instance.sql(`UPDATE generations SET heartbeat_at = now() - interval '1 hour' WHERE project_id = '${project.id}'`);
    await log(page).getByText('The server was restarted in the middle of this.').waitFor({ timeout: 60_000 });
    await says(page, 1, 5);
    await page.getByRole('button', { name: 'Try again' }).click();
    assert.equal(await box(page).inputValue(), 'Count to ten');
  });

  it('between two tabs on one project', async () => {
    const { page, project } = await openProject();
    const other = await editor.tab(page, `/projects/${project.id}`);
    await box(other).waitFor();
    const stream = await ask(page, 'Count');
    await stream.text(numbered(1, 10));
    await Promise.all([says(page, 1, 10), says(other, 1, 10)]);
    await box(other).fill('Me too');
    await other.getByRole('button', { name: 'Stop' }).waitFor(); // there is no Send while it runs
    await stream.text(numbered(11, 12));
    await stream.finish();
    await Promise.all([says(page, 1, 12), says(other, 1, 12)]);
    await other.getByRole('button', { name: 'Send' }).waitFor();
    assert.equal(await box(other).inputValue(), 'Me too');
  });
});

describe('the frame', () => {
  it('keeps its tab and its width, and is worked by the keyboard', async () => {
    const { page, project } = await openProject({ name: 'Framed' });
    const tab = (name) => page.getByRole('tab', { name });
    await tab('Preview').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/code$/);
    await page.keyboard.press('End');
    await page.keyboard.press('Space');
    await page.waitForURL(/\/versions$/);
    assert.equal(await tab('Versions').getAttribute('aria-selected'), 'true');
    const separator = page.getByRole('separator', { name: 'Width of the chat' });
    const width = async () => (await log(page).boundingBox()).width;
    const before = await width();
    await separator.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await waitFor('the chat to be wider', async () => (await width()) > before + 10);
    const wider = await width();
    await page.goto(`${editor.url}/projects/${project.id}`);
    await box(page).waitFor();
    await waitFor('the same width', async () => Math.abs((await width()) - wider) < 3);
    assert.equal(await tab('Versions').getAttribute('aria-selected'), 'true');
  });

  it('renames, deletes and brings back', async () => {
    const { page, project } = await openProject({ name: 'Old name' });
    await page.getByRole('heading', { name: 'Old name' }).getByRole('button').click();
    await page.getByRole('textbox', { name: 'Project name' }).fill('New name');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'New name' }).waitFor();
    assert.equal((await editor.api('GET', `projects/${project.id}`)).name, 'New name');
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Delete project…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('“New name” was deleted.').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('heading', { name: 'New name' }).waitFor();
  });

  it('starts, stops and restarts the app, and says so meanwhile', async () => {
    const project = await editor.previews.project({ files: { 'index.html': PAGE } });
    // Not at the preview, which starts it by itself. The app's log may break off before the page has left.
    const page = await editor.page({ path: `/projects/${project.id}/versions`, allow: [/status of 404 .*\/logs/] });
    const says = (words) => page.getByRole('status').filter({ hasText: `App: ${words}` }).waitFor({ timeout: STEP_MS });
    const item = async (name) => {
      await page.getByRole('button', { name: 'More' }).click();
      return page.getByRole('menuitem', { name, exact: true });
    };
    const asks = async (call, name, meanwhile) => {
      let release;
      const held = new Promise((resolve) => (release = resolve));
      await page.route(`**/${call}`, (route) => held.then(() => route.continue()), { times: 1 });
      const answer = page.waitForResponse((response) => response.url().endsWith(`/${call}`));
      await (await item(name)).click();
      await says(meanwhile);
      assert.equal(await (await item('Restart app')).getAttribute('aria-disabled'), 'true');
      await page.keyboard.press('Escape');
      release();
      return (await answer).status();
    };
    assert.equal(await asks('start', 'Start app', 'Starting…'), 202);
    await says('Running');
    assert.equal(await asks('restart', 'Restart app', 'Restarting…'), 202);
    await says('Running');
    assert.equal(await asks('stop', 'Stop app', 'Stopping…'), 200);
    await says('Stopped');
  });

  it('says that there is no such project', async () => {
    const page = await editor.page({ path: '/projects/00000000-0000-4000-8000-000000000000', allow: [/status of 404/] });
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
    assert.equal(await page.title(), 'There is nothing here · Slipway');
    await checkA11y(page);
  });

  it('fills a 4K screen, with lines that can be read', async () => {
    const project = await editor.previews.project({ files: { 'index.html': PAGE } });
    const page = await editor.page({ path: `/projects/${project.id}/versions`, ...FOUR_K });
    model.next(reply(`It goes on ${'and on '.repeat(100)}`));
    await box(page).fill('Say something long');
    await page.keyboard.press('Enter');
    await log(page).getByText('It goes on').waitFor();
    await page.getByRole('button', { name: 'Send' }).waitFor();
    const width = async (what) => (await what.boundingBox()).width;
    for (const name of ['Versions', 'Code', 'Preview']) {
      await page.getByRole('tab', { name }).click();
      const panel = page.getByRole('tabpanel', { name });
      await panel.waitFor();
      assert.ok((await width(panel)) > 2000, `${name} has the room`);
    }
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 3840);
    for (const what of [box(page), log(page).getByRole('article')]) {
      const wide = await width(what);
      assert.ok(wide > 400 && wide < 1000, `${wide} px`);
    }
    await checkA11y(page);
    await shot(page, 'builder-4k');
  });

  it('shows one thing at a time on a phone, in the dark too', async () => {
    const { page } = await openProject({ ...PHONE, viewport: { width: 360, height: 740 }, theme: 'dark' });
    await shot(page, 'builder-phone');
    await checkA11y(page);
    for (const name of ['Preview', 'Versions', 'Chat']) {
      await page.getByRole('tab', { name }).click();
      await page.getByRole('tabpanel', { name }).waitFor();
      assert.equal(await page.getByRole('tabpanel').count(), 1);
      await checkA11y(page);
    }
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    model.next(reply('Written on the way.'));
    await box(page).fill('Hello');
    await page.getByRole('button', { name: 'Send' }).click();
    await log(page).getByText('Written on the way.').waitFor();
  });
});
