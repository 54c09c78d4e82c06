// The editor's pages around the builder, as people use them: signing in, the home page, settings, the scratch
// page, and sharing.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';

import { checkA11y, checkPages, FOUR_K, PHONE, shot, startEditor, waitFor } from './lib/editor.mjs';

const NARROW = { ...PHONE, viewport: { width: 360, height: 740 } };
const PROJECT_URL = /\/projects\/[0-9a-f-]{36}/;
const SITE = { 'index.html': '<!doctype html><title>Site</title><h1>Shared words</h1>' };

let editor;
before(async () => {
  editor = await startEditor();
});
after(() => editor?.stop());
afterEach(checkPages(() => editor));

const dialog = (page) => page.getByRole('dialog');
const toast = (page, text) => page.getByRole('status').filter({ hasText: text });
const card = (page, name) => page.getByRole('listitem').filter({ has: page.getByRole('link', { name, exact: true }) });

async function fillSignIn(page, { email, password }) {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function choose(page, menu, item) {
  await page.getByRole('button', { name: menu }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

describe('signing in', () => {
  it('says what is wrong, and leads on to the page that was asked for', async () => {
    const page = await editor.freshProfile({ path: '/settings/models', allow: [/status of 401/] });
    await page.getByRole('heading', { name: 'Slipway' }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('next'), '/settings/models');
    await fillSignIn(page, { ...editor.owner, password: 'not the password' });
    await page.getByRole('alert').filter({ hasText: 'Email or password is wrong.' }).waitFor();
    await page.getByRole('button', { name: 'Show password' }).click();
    assert.equal(await page.getByLabel('Password', { exact: true }).getAttribute('type'), 'text');
    await fillSignIn(page, editor.owner);
    await page.getByRole('heading', { name: 'Models', exact: true }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/settings/models');
    assert.equal(await page.title(), 'Models · Slipway');
  });

  it('leads nowhere else, and past itself when one is signed in already', async () => {
    const page = await editor.page({ path: '/sign-in?next=%2F..%2F%2Fevil.example' });
    await page.getByRole('heading', { name: 'What do you want to build?' }).waitFor();
    assert.equal(page.url(), `${editor.url}/`);
  });

  it('opens the private preview that one came for', async () => {
    const project = await editor.previews.project({ files: SITE });
    await editor.previews.start(project);
    const page = await editor.freshProfile({
      path: `/api/v1/previews/${project.slug}/open?to=/%3Fa%3D1%26b`, allow: [/status of 401/],
    });
    await page.getByRole('heading', { name: 'This preview is private' }).waitFor();
    await page.getByRole('link', { name: 'Sign in' }).click();
    await fillSignIn(page, editor.owner);
    await page.getByRole('heading', { name: 'Shared words' }).waitFor();
    assert.equal(page.url(), `${project.preview_url}/?a=1&b`);
  });

  it('counts down while the account is locked', async () => {
    const user = await editor.instance.createUser();
    const page = await editor.freshProfile({ path: '/sign-in', allow: [/status of 4(01|29)/] });
    for (let i = 0; i < 5; i++) {
      await editor.instance.client({ key: null }).post('auth/login', { email: user.email, password: 'wrong' });
    }
    await fillSignIn(page, user);
    await page.getByRole('alert').filter({ hasText: /Wait (30|2\d) seconds/ }).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Sign in' }).isDisabled());
    await page.getByRole('alert').filter({ hasText: /Wait (2[0-8]) seconds/ }).waitFor();
  });

  it('ends with signing out', async () => {
    const page = await editor.page();
    await choose(page, 'Account', 'Sign out');
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.goto(`${editor.url}/scratch`);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
  });

  it('shows the next one who signs in nothing of what was typed', async () => {
    const [ada, grace] = await Promise.all([editor.instance.createUser(), editor.instance.createUser()]);
    const page = await editor.page({ user: ada });
    const prompt = page.getByLabel('Describe what to build');
    const code = page.getByRole('textbox', { name: 'Code' });
    await prompt.fill('A secret plan');
    await page.getByRole('link', { name: 'Scratch' }).click();
    await code.fill('secret();');
    for (const [user, typed] of [[grace, false], [ada, true]]) {
      await choose(page, 'Account', 'Sign out');
      await fillSignIn(page, user);
      await prompt.waitFor();
      assert.equal((await prompt.inputValue()) === 'A secret plan', typed);
      await page.getByRole('link', { name: 'Scratch' }).click();
      await code.waitFor();
      assert.equal((await code.inputValue()) === 'secret();', typed);
    }
  });
});

describe('the home page', () => {
  it('leads from the first prompt into a project, and loses no word on the way', async () => {
    const user = await editor.instance.createUser();
    const page = await editor.page({ user });
    await page.getByRole('heading', { name: 'No projects yet' }).waitFor();
    await page.getByText('No AI model is set up here yet').waitFor();
    const prompt = page.getByLabel('Describe what to build');
    await page.getByRole('button', { name: 'Landing page', exact: true }).click();
    assert.match(await prompt.inputValue(), /coffee roastery/);
    await prompt.fill('Please make a simple web page\nfor my cat');
    await page.getByRole('button', { name: 'Chat room', exact: true }).click();
    assert.match(await prompt.inputValue(), /in real time/);
    await toast(page, 'was replaced').getByRole('button', { name: 'Undo' }).click();
    await page.reload();
    assert.equal(await prompt.inputValue(), 'Please make a simple web page\nfor my cat');
    await prompt.press('Control+End');
    await prompt.press('Shift+Enter');
    assert.match(await prompt.inputValue(), /cat\n$/);
    await prompt.press('Enter');
    await page.waitForURL(PROJECT_URL);
    const [project] = (await user.client.get('projects')).json.items;
    assert.equal(project.name, 'Simple web page for my cat');
    await waitFor('the prompt to arrive', async () => {
      const { items } = (await user.client.get(`projects/${project.id}/generations`)).json;
      return items[0]?.prompt === 'Please make a simple web page\nfor my cat';
    });
    await page.goto(`${editor.url}/`);
    await card(page, 'Simple web page for my cat').waitFor();
    assert.equal(await prompt.inputValue(), '');
  });

  it('starts a template; finds, renames, deletes and brings back projects', async () => {
    const user = await editor.instance.createUser();
    const page = await editor.page({ user });
    await page.getByRole('button', { name: 'Start with Landing page' }).click();
    await page.waitForURL(PROJECT_URL);
    const [project] = (await user.client.get('projects')).json.items;
    assert.equal(project.name, 'Landing page');
    await waitFor('the app', async () => (await user.client.get(`projects/${project.id}`)).json.status === 'running');
    await page.getByRole('link', { name: 'All projects' }).click();
    await card(page, 'Landing page').getByText('Running').waitFor();

    await choose(page, 'Actions for Landing page', 'Rename');
    await dialog(page).getByLabel('Name').fill('Roastery');
    await page.keyboard.press('Enter');
    await dialog(page).waitFor({ state: 'hidden' });
    await card(page, 'Roastery').waitFor();

    await page.getByLabel('Search projects').fill('nothing like it');
    await page.getByRole('heading', { name: 'No project has “nothing like it”' }).waitFor();
    await page.getByLabel('Search projects').fill('ROAST');
    await card(page, 'Roastery').waitFor();

    await choose(page, 'Actions for Roastery', 'Delete');
    await toast(page, 'was deleted').getByRole('button', { name: 'Undo' }).click();
    await card(page, 'Roastery').waitFor();
    await toast(page, 'is back').waitFor();

    await choose(page, 'Actions for Roastery', 'Delete');
    await card(page, 'Roastery').waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Recently deleted' }).click();
    await page.getByRole('button', { name: 'Restore: Roastery' }).click();
    await card(page, 'Roastery').waitFor();
    assert.equal((await user.client.get(`projects/${project.id}`)).status, 200);
  });

  it('shows more of many projects when asked', async () => {
    const user = await editor.instance.createUser();
    for (let i = 1; i <= 26; i++) {
      await user.client.expect(201, 'POST', 'projects', { json: { name: `Number ${i}.` } });
    }
    const page = await editor.page({ user });
    await card(page, 'Number 26.').waitFor();
    assert.equal(await card(page, 'Number 1.').count(), 0);
    await page.getByRole('button', { name: 'Show more' }).click();
    await card(page, 'Number 1.').waitFor();
  });

  it('says when there is no connection, and comes back by itself', async () => {
    const page = await editor.page({ allow: [/ERR_INTERNET_DISCONNECTED/, /ERR_FAILED/] });
    await page.getByRole('heading', { name: 'Your projects' }).waitFor();
    await page.context().setOffline(true);
    await toast(page, 'You are offline.').waitFor();
    await page.context().setOffline(false);
    await toast(page, 'Connected again.').waitFor();
    await page.route(/\/(api|healthz)/, (route) => route.abort());
    await page.getByLabel('Search projects').fill('x');
    await toast(page, 'The server cannot be reached.').waitFor();
    await page.unroute(/\/(api|healthz)/);
    await toast(page, 'Connected again.').waitFor();
  });
});

describe('settings', () => {
  it('make a key that works until it is deleted', async () => {
    const user = await editor.instance.createUser();
    const page = await editor.page({ user, path: '/settings/api-keys' });
    await page.getByLabel('Name').fill('CI');
    await page.getByRole('button', { name: 'Create key' }).click();
    const key = await page.getByText(/^slw_[^…]+$/).textContent();
    const call = () => editor.instance.client({ key }).post('execute', { code: 'console.log(6*7)' });
    assert.equal((await call()).json.output, '42\n');
    await page.reload();
    const row = page.getByRole('row').filter({ hasText: 'CI' });
    await row.getByText('now').last().waitFor();
    assert.equal(await page.getByText(key).count(), 0, 'it is shown once');
    await row.getByRole('button', { name: 'Delete key CI' }).click();
    await dialog(page).getByRole('button', { name: 'Delete', exact: true }).click();
    await row.waitFor({ state: 'hidden' });
    assert.equal((await call()).status, 401);
  });

  it('let the owner look after users, and keep the last owner', async () => {
    const page = await editor.page({ path: '/settings/users', allow: [/status of 409/] });
    await page.getByRole('button', { name: 'Add user' }).click();
    await dialog(page).getByLabel('Email').fill('Grace@Example.com');
    await dialog(page).getByLabel('Password', { exact: true }).fill('short');
    await dialog(page).getByRole('button', { name: 'Add user' }).click();
    await dialog(page).getByRole('alert').filter({ hasText: 'At least 8 characters.' }).waitFor();
    await dialog(page).getByLabel('Password', { exact: true }).fill('correct horse');
    await dialog(page).getByRole('button', { name: 'Add user' }).click();
    const row = page.getByRole('row').filter({ hasText: 'grace@example.com' });
    await row.getByRole('cell', { name: 'Member' }).waitFor();

    const guest = await editor.freshProfile({ path: '/sign-in' });
    await fillSignIn(guest, { email: 'grace@example.com', password: 'correct horse' });
    await guest.getByRole('heading', { name: 'No projects yet' }).waitFor();
    await guest.getByRole('link', { name: 'Settings' }).click();
    await guest.getByRole('heading', { name: 'Account', exact: true }).waitFor();
    assert.equal(await guest.getByRole('link', { name: 'Users' }).count(), 0);

    await choose(page, 'Actions for owner@localhost', 'Make member');
    await toast(page, 'This is the only owner.').waitFor();
    await choose(page, 'Actions for owner@localhost', 'Delete user');
    await dialog(page).getByRole('button', { name: 'Delete user' }).click();
    await dialog(page).getByRole('alert').filter({ hasText: 'This is the only owner.' }).waitFor();
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();

    await choose(page, 'Actions for grace@example.com', 'Make owner');
    await row.getByRole('cell', { name: 'Owner' }).waitFor();
    await choose(page, 'Actions for grace@example.com', 'Set password');
    await dialog(page).getByLabel('Password', { exact: true }).fill('another horse');
    await dialog(page).getByRole('button', { name: 'Set password' }).click();
    await toast(page, 'The password is set.').waitFor();
    await choose(page, 'Actions for grace@example.com', 'Delete user');
    await dialog(page).getByRole('button', { name: 'Delete user' }).click();
    await row.waitFor({ state: 'hidden' });
  });

  it('change the password, which signs other browsers out', async () => {
    const user = await editor.instance.createUser();
    const page = await editor.page({ user, path: '/settings/account', allow: [/status of 403/] });
    const other = await editor.page({ user, path: '/scratch', allow: [/status of 401/] });
    await page.getByLabel('Current password').fill('not it');
    await page.getByLabel('New password').fill('a longer phrase');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByRole('alert').filter({ hasText: 'not your current password' }).waitFor();
    await page.getByLabel('Current password').fill(user.password);
    await page.getByRole('button', { name: 'Change password' }).click();
    await toast(page, 'Password changed.').waitFor();
    await other.getByRole('link', { name: 'Projects' }).click();
    await other.getByRole('button', { name: 'Sign in' }).waitFor();
    await fillSignIn(other, { email: user.email, password: 'a longer phrase' });
    await other.getByRole('heading', { name: 'What do you want to build?' }).waitFor();
  });

  it('keep the theme, without a flash of the other', async () => {
    const page = await editor.page({ path: '/settings/appearance' });
    await page.getByRole('radio', { name: 'Dark' }).check();
    const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
    assert.equal(await scheme(), 'dark');
    // Nothing is painted before there is a body.
    await page.addInitScript(() => new MutationObserver((_, observer) => {
      if (document.body) {
        window.themeAtFirst = document.documentElement.dataset.theme;
        observer.disconnect();
      }
    }).observe(document, { childList: true, subtree: true }));
    await page.reload();
    await page.getByRole('radio', { name: 'Dark', checked: true }).waitFor();
    assert.equal(await page.evaluate(() => window.themeAtFirst), 'dark');
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitemradio', { name: 'System' }).click();
    assert.equal(await scheme(), 'light dark');
  });
});

describe('the scratch page', () => {
  const code = (page) => page.getByRole('textbox', { name: 'Code' });
  const output = (page) => page.getByRole('region', { name: 'Output' }).last();

  it('runs code and shows what it prints as it comes, until it is stopped', async () => {
    const page = await editor.page({ path: '/scratch' });
    await code(page).fill('console.log("first"); setTimeout(() => {}, 60000);');
    await code(page).press('Control+Enter');
    await output(page).getByText('first').waitFor();
    await page.getByText(/^Running, \d/).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await toast(page, 'Stopped by you.').waitFor();
    await page.getByRole('button', { name: 'Run', exact: true }).waitFor();
  });

  it('tells the streams apart, reads input, and says how a run ended', async () => {
    const page = await editor.page({ path: '/scratch' });
    await choose(page, 'Examples', 'Read input');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await output(page).getByText('sum: 31').waitFor();
    await toast(page, /^Finished in \d+ ms$/).waitFor();

    await code(page).fill('console.error("to the other"); process.exit(3)');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await toast(page, 'Ended with exit code 3').waitFor();
    assert.equal(await output(page).getByText('to the other').getAttribute('data-stream'), 'stderr');

    await page.getByLabel('Time limit').selectOption('1 second');
    await code(page).fill('for (;;);');
    await page.reload();
    assert.equal(await code(page).inputValue(), 'for (;;);', 'the code is kept');
    await choose(page, 'Examples', 'Read input');
    assert.match(await code(page).inputValue(), /readFileSync/);
    await toast(page, 'was replaced').getByRole('button', { name: 'Undo' }).click();
    assert.equal(await code(page).inputValue(), 'for (;;);', 'an example does not take it away');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await toast(page, 'the time limit was reached').waitFor();
  });

  it('has a field in which Tab indents, and Escape lets it leave', async () => {
    const page = await editor.page({ path: '/scratch' });
    await code(page).fill('');
    await code(page).pressSequentially('if (1) {\nf();\n');
    assert.equal(await code(page).inputValue(), 'if (1) {\n  f();\n  ');
    await code(page).press('Shift+Tab');
    await code(page).press('Tab');
    await code(page).press('Tab');
    assert.equal(await code(page).inputValue(), 'if (1) {\n  f();\n    ');
    await code(page).press('Control+z');
    assert.equal(await code(page).inputValue(), 'if (1) {\n  f();\n  ');
    await code(page).press('Escape');
    await code(page).press('Tab');
    assert.equal(await code(page).evaluate((field) => field === document.activeElement), false);
  });
});

describe('sharing', () => {
  let project;
  let page;

  async function newLink(name, { password, expires } = {}) {
    await dialog(page).getByRole('button', { name: 'New link' }).click();
    await dialog(page).getByLabel('Name').fill(name);
    if (expires) {
      await dialog(page).getByLabel('Expires', { exact: true }).selectOption(expires);
    }
    if (password) {
      await dialog(page).getByLabel('Password (optional)').fill(password);
    }
    await dialog(page).getByRole('button', { name: 'Create link' }).click();
    await dialog(page).getByRole('listitem').filter({ hasText: name }).waitFor();
    return dialog(page).getByText(/\/\.slipway\/share\//).textContent();
  }

  // Somebody else's browser at an address of the preview.
  async function visit(url, shows, { password } = {}) {
    const guest = await editor.freshProfile({ path: null });
    await guest.goto(url);
    if (password) {
      await guest.getByLabel('Password').fill(password);
      await guest.getByRole('button', { name: 'Open' }).click();
    }
    await guest.getByRole('heading', { name: shows }).waitFor();
    await guest.close();
  }

  it('lets others in by a link, by its password, and no longer when it is revoked or has expired', async () => {
    project = await editor.previews.project({ files: SITE });
    await editor.previews.start(project);
    page = await editor.page({ path: `/projects/${project.id}` });
    await page.getByRole('button', { name: 'Share' }).click();

    const open = await newLink('For Grace');
    await visit(open, 'Shared words');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await dialog(page).getByRole('listitem').filter({ hasText: 'For Grace' }).getByRole('button', { name: /^Copy/ }).click();
    await waitFor('the link to be copied', async () => (await page.evaluate(() => navigator.clipboard.readText())) === open);
    const closed = await newLink('For Ada', { password: 'correct horse', expires: 'In 1 hour' });
    await visit(closed, 'Shared words', { password: 'correct horse' });

    const row = (name) => dialog(page).getByRole('listitem').filter({ hasText: name });
    await page.reload();
    await page.getByRole('button', { name: 'Share' }).click();
    await row('For Grace').getByText('Opened 1 time').waitFor();
    await row('For Ada').getByText('Expires in 1 hour').waitFor();
    await row('For Ada').getByRole('img', { name: 'Asks for a password' }).waitFor();
    await checkA11y(page, { exclude: ['iframe'] });
    await shot(page, 'share-light');

    await choose(page, 'Actions for For Grace', 'Revoke');
    await dialog(page).last().getByRole('button', { name: 'Revoke' }).click();
    await dialog(page).getByText('Revoked and expired (1)').waitFor();
    await visit(open, 'This link was withdrawn');

    await choose(page, 'Actions for For Ada', 'Edit');
    await dialog(page).last().getByLabel('Password', { exact: true }).selectOption('None');
    await dialog(page).last().getByLabel('Expires', { exact: true }).selectOption('On a date…');
    await dialog(page).last().getByLabel('Expires on').fill('2020-01-01T00:00');
    await dialog(page).last().getByRole('button', { name: 'Save' }).click();
    await dialog(page).last().getByText('Choose a date in the future').waitFor();
    await dialog(page).last().getByLabel('Expires', { exact: true }).selectOption('In 1 day');
    await dialog(page).last().getByRole('button', { name: 'Save' }).click();
    await row('For Ada').getByText(/Expires (tomorrow|in 1 day|in 24 hours)/).waitFor();
    await visit(closed, 'Shared words');
    await editor.instance.sql("UPDATE shares SET expires_at = now() - interval '1 second' WHERE name = 'For Ada'");
    await visit(closed, 'This link has expired');
  });

  it('makes the preview public, gives the code as an archive, and deletes with a way back', async () => {
    project = await editor.previews.project({ files: SITE });
    await editor.previews.start(project);
    // The app's log may break off before the page has left.
    page = await editor.page({ path: `/projects/${project.id}`, allow: [/status of 404 .*\/logs/] });
    await page.getByRole('button', { name: 'Share' }).click();
    await dialog(page).getByRole('radio', { name: /^Public/ }).check();
    await dialog(page).getByText(project.preview_url).waitFor();
    await visit(project.preview_url, 'Shared words');

    const download = page.waitForEvent('download');
    await dialog(page).getByRole('link', { name: 'Zip' }).click();
    assert.equal((await download).suggestedFilename(), `${project.slug}-v1.zip`);
    const tar = page.waitForEvent('download');
    await dialog(page).getByRole('link', { name: 'tar.gz' }).click();
    assert.equal((await tar).suggestedFilename(), `${project.slug}-v1.tar.gz`);
    assert.deepEqual([...fs.readFileSync(await (await tar).path()).subarray(0, 2)], [0x1f, 0x8b]);

    await dialog(page).getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL(`${editor.url}/`);
    await toast(page, 'was deleted').getByRole('button', { name: 'Undo' }).click();
    await toast(page, 'is back').waitFor();
    assert.equal((await editor.api('GET', `projects/${project.id}`)).visibility, 'public');
  });
});

describe('every page', () => {
  const PAGES = {
    home: ['/', 'Your projects'], scratch: ['/scratch', 'Scratch'], account: ['/settings/account', 'Change password'],
    appearance: ['/settings/appearance', 'Appearance'], models: ['/settings/models', 'Add a model'],
    'api-keys': ['/settings/api-keys', 'API keys'], users: ['/settings/users', 'Users'],
  };

  async function look(page, name, theme) {
    await page.waitForLoadState('networkidle');
    await checkA11y(page);
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(tooWide <= 0, `${name} is ${tooWide} px too wide`);
    await shot(page, `${name}-${theme}`);
  }

  for (const [theme, options] of Object.entries({ light: {}, dark: {}, phone: NARROW, '4k': FOUR_K })) {
    it(`can be read by everybody: ${theme}`, async () => {
      const colors = { theme: theme === 'dark' ? 'dark' : 'light', ...options };
      const guest = await editor.freshProfile({ path: '/sign-in', ...colors });
      await guest.getByRole('button', { name: 'Sign in' }).waitFor();
      await look(guest, 'sign-in', theme);
      const page = await editor.page(colors);
      for (const [name, [where, heading]] of Object.entries(PAGES)) {
        await page.goto(editor.url + where);
        await page.getByRole('heading', { name: heading, exact: true }).first().waitFor();
        await look(page, name, theme);
      }
    });
  }
});
