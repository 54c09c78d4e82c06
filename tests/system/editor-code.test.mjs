// The code pane: files of a project, edited in the browser, while others (the model, another tab, the API)
// change them too.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { checkA11y, checkPages, PHONE, recordLoad, shot, startEditor, waitFor } from './lib/editor.mjs';
import { byHand, file, startFakeModel } from './lib/fake-model.mjs';

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const FILES = {
  'src/App.tsx': 'import { add } from "./math";\n\nexport default function App() {\n  return <h1>{add(1, 2)}</h1>;\n}\n',
  'src/math.ts': 'export function add(a: number, b: number): number {\n  return a + b;\n}\n',
  'src/style.css': 'h1 { color: teal }\n',
  'notes.txt': 'one\ntwo\nthree\n',
  'dos.txt': '\uFEFFfirst\r\nsecond\r\n',
  'pixel.png': PIXEL,
  'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><script>top.wasRun = true</script>'
    + '<rect width="40" height="20"/></svg>\n',
  'data.dat': Buffer.from([0, 1, 2, 255, 254]),
  'large.txt': `${'all work and no play\n'.repeat(60_000)}`,
};
// A mark of the editor's own texts: no highlighting cuts it into pieces.
const MARK = 'edited_in_the_browser';

let editor;
let model;
before(async () => {
  model = await startFakeModel();
  editor = await startEditor({ model });
});
after(() => editor?.stop());
afterEach(checkPages(() => editor));

const row = (page, name) => page.getByRole('treeitem', { name, exact: true });
const line = (page, text) => page.locator('.view-line', { hasText: text }).first();
const field = (page, path) => page.getByRole('textbox', { name: `${path}, editor` });
const button = (page, name) => page.getByRole('button', { name, exact: true });

// Monaco's field has no size of its own: it is there, not seen.
const shown = (page, path) => field(page, path).waitFor({ state: 'attached' });

async function type(page, path, text, key = 'Control+Home') {
  await shown(page, path);
  await field(page, path).focus();
  await page.keyboard.press(key);
  await page.keyboard.type(text);
}

async function text(project, path) {
  const answer = await editor.previews.get(`${editor.url}/api/v1/projects/${project.id}/files/${path}`, {
    headers: { authorization: `Bearer ${editor.instance.apiKey}` },
  });
  return answer.status === 200 ? answer.text : null;
}

const newest = async (project) => (await editor.api('GET', `projects/${project.id}/files`)).version;
const isSaved = (project, path, holds) => waitFor(`${path} holds ${holds}`, async () =>
  (await text(project, path))?.includes(holds), { ms: 15_000 });

// In this browser, for when the page is gone.
const isKept = (page, holds) => waitFor(`${holds} is kept`, () => page.evaluate((wanted) => new Promise((resolve) => {
  const opening = indexedDB.open('slipway');
  opening.onsuccess = () => {
    const all = opening.result.transaction('drafts').objectStore('drafts').getAll();
    all.onsuccess = () => {
      opening.result.close();
      resolve(all.result.some((draft) => draft.text.includes(wanted)));
    };
  };
}), holds));

async function openProject({ files = FILES, ...options } = {}) {
  const project = await editor.previews.project({ files });
  const page = await editor.page({ path: `/projects/${project.id}/code`, ...options });
  return { page, project };
}

async function openFile(page, folder, name) {
  await row(page, name).click();
  await shown(page, folder + name);
}

describe('a file', () => {
  it('is opened, edited, saved as a version, kept over a refresh, compared', async () => {
    const project = await editor.previews.project({ files: FILES });
    const page = await editor.page({ path: `/projects/${project.id}` });
    const before = recordLoad(page, editor.url);
    await page.reload();
    await page.getByRole('tab', { name: 'Code' }).waitFor();
    assert.ok((await before()).every(({ url }) => !/editor\.api|worker|codicon/.test(url)), 'Monaco comes only with code');
    const from = performance.now();
    await page.getByRole('tab', { name: 'Code' }).click();
    await row(page, 'notes.txt').click();
    await line(page, 'three').waitFor();
    process.stdout.write(`# from a click on Code to an editable file: ${Math.round(performance.now() - from)} ms\n`);

    const base = await newest(project);
    await type(page, 'notes.txt', `${MARK}\n`);
    await page.getByRole('treeitem', { name: 'notes.txt, not saved' }).waitFor();
    await page.keyboard.press('Control+s');
    await isSaved(project, 'notes.txt', MARK);
    await row(page, 'notes.txt').waitFor();
    assert.equal(await newest(project), base + 1);
    assert.equal(await text(project, 'notes.txt'), `${MARK}\none\ntwo\nthree\n`);

    await row(page, 'dos.txt').click();
    await type(page, 'dos.txt', 'zeroth\n');
    await page.keyboard.press('Control+s');
    await isSaved(project, 'dos.txt', 'zeroth');
    assert.equal(await text(project, 'dos.txt'), '\uFEFFzeroth\r\nfirst\r\nsecond\r\n');

    await button(page, 'notes.txt').click();
    await page.getByRole('button', { name: 'More for this file' }).click();
    await page.getByRole('menuitem', { name: 'Compare with a version' }).click();
    await page.getByRole('combobox', { name: 'Version to compare with' }).selectOption(String(base));
    await page.locator('.monaco-diff-editor .line-insert').first().waitFor();
    await checkA11y(page);
    await shot(page, 'code-compare');
    await button(page, 'Stop comparing').click();

    await type(page, 'notes.txt', 'never saved ', 'Control+End');
    await page.getByRole('treeitem', { name: 'notes.txt, not saved' }).waitFor();
    await isKept(page, 'never saved');
    await page.reload();
    await page.getByText(/There are unsaved changes from/).waitFor();
    await button(page, 'dos.txt').waitFor(); // its tab is there again
    await button(page, 'Restore').click();
    await line(page, 'never saved').waitFor();
    await page.getByRole('treeitem', { name: 'notes.txt, not saved' }).waitFor();
    assert.ok(!(await text(project, 'notes.txt')).includes('never saved'));
  });

  it('that somebody else has changed is a conflict, and both ends of it are kept', async () => {
    const { page, project } = await openProject();
    page.allow(/status of 412/);
    await openFile(page, '', 'notes.txt');
    await type(page, 'notes.txt', 'mine\n');
    await editor.previews.put(project, 'notes.txt', 'theirs\n');
    await page.keyboard.press('Control+s');
    await button(page, 'Keep mine').waitFor();
    await line(page, 'theirs').waitFor();
    assert.equal(await text(project, 'notes.txt'), 'theirs\n');
    await checkA11y(page);
    await shot(page, 'code-conflict');
    await button(page, 'Keep mine').click();
    await isSaved(project, 'notes.txt', 'mine\none');

    await type(page, 'notes.txt', 'mine again\n');
    await editor.previews.put(project, 'notes.txt', 'theirs again\n');
    await page.keyboard.press('Control+s');
    await button(page, 'Take theirs').click();
    await line(page, 'theirs again').waitFor();
    await row(page, 'notes.txt').waitFor();
    assert.equal(await text(project, 'notes.txt'), 'theirs again\n');

    await editor.api('DELETE', `projects/${project.id}/files/notes.txt`);
    await page.getByText('This file was deleted.').waitFor();
    await button(page, 'Save it again').click();
    await isSaved(project, 'notes.txt', 'theirs again');
  });

  it('is shown as the model writes it, and is its version afterwards', async () => {
    const { page, project } = await openProject();
    const held = byHand();
    model.next(held.script);
    await openFile(page, '', 'notes.txt');
    await page.getByRole('textbox', { name: 'Your message' }).fill('Rewrite the notes');
    await page.keyboard.press('Enter');
    const stream = await held.opened;
    const [head, tail] = file('notes.txt', 'from_the_model\nthe_rest\n').split('the_rest');
    await stream.text(head);
    await page.getByText('The model is writing this file.').waitFor();
    await line(page, 'from_the_model').waitFor();
    await page.getByRole('treeitem', { name: 'notes.txt, being written by the model' }).waitFor();
    await stream.text(`the_rest${tail}`);
    await stream.finish();
    await line(page, 'the_rest').waitFor();
    await page.getByText('The model is writing this file.').waitFor({ state: 'detached' });
    await type(page, 'notes.txt', `${MARK} `);
    await page.keyboard.press('Control+s');
    await isSaved(project, 'notes.txt', `${MARK} from_the_model\nthe_rest`);
  });

  it('that the model rewrites while it is edited is a conflict; what it replaces is told', async () => {
    const { page, project } = await openProject();
    await openFile(page, '', 'notes.txt');
    await type(page, 'notes.txt', 'mine\n');
    const rewrite = async (content, meanwhile) => {
      const held = byHand();
      model.next(held.script);
      await page.getByRole('textbox', { name: 'Your message' }).fill('Rewrite the notes');
      await page.keyboard.press('Enter');
      const stream = await held.opened;
      const [head, tail] = file('notes.txt', `${content}\nthe_rest\n`).split('the_rest');
      await stream.text(head);
      await meanwhile();
      await stream.text(`the_rest${tail}`);
      await stream.finish();
    };
    await rewrite('from_the_model', async () => {
      await page.getByText('The model is writing this file too.').waitFor();
      await line(page, 'mine').waitFor();
    });
    await button(page, 'Keep mine').waitFor();
    await line(page, 'from_the_model').waitFor();
    await page.getByRole('treeitem', { name: 'notes.txt, changed here and on the server' }).waitFor();
    await button(page, 'Keep mine').click();
    await isSaved(project, 'notes.txt', 'mine\none');

    let saved;
    await rewrite('once_more', async () => {
      await page.getByText('The model is writing this file.').waitFor();
      await editor.previews.put(project, 'notes.txt', 'saved meanwhile\n');
      saved = await newest(project);
    });
    await page.getByText(`Your changes to notes.txt were replaced. They are kept in version ${saved}.`).waitFor();
    await line(page, 'once_more').waitFor();
  });

  it('is not closed with what is unsaved in it before one has said so, deleted or not', async () => {
    const { page, project } = await openProject();
    const tab = page.getByRole('navigation', { name: 'Open files' }).getByRole('button', { name: /^notes\.txt/ });
    const dialog = page.getByRole('dialog', { name: 'Save before closing?' });
    await openFile(page, '', 'notes.txt');
    await type(page, 'notes.txt', 'never saved ');
    await button(page, 'Close notes.txt').click();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await line(page, 'never saved').waitFor();
    await tab.focus();
    await page.keyboard.press('Delete');
    await dialog.getByRole('button', { name: 'Close without saving' }).click();
    await tab.waitFor({ state: 'detached' });
    assert.equal(await text(project, 'notes.txt'), FILES['notes.txt']);

    await openFile(page, '', 'notes.txt');
    await type(page, 'notes.txt', 'kept ');
    await editor.api('DELETE', `projects/${project.id}/files/notes.txt`);
    await page.getByText('This file was deleted.').waitFor();
    await button(page, 'Close notes.txt').click();
    await dialog.getByRole('button', { name: 'Save and close' }).click();
    await tab.waitFor({ state: 'detached' });
    await isSaved(project, 'notes.txt', 'kept one');
  });

  it('is edited in two tabs, and what one has not saved is the other\'s only when that is gone', async () => {
    const { page, project } = await openProject();
    await openFile(page, '', 'notes.txt');
    await type(page, 'notes.txt', 'of the first ');
    await isKept(page, 'of the first');
    const other = await editor.tab(page, `/projects/${project.id}/code`);
    await openFile(other, '', 'notes.txt');
    await line(other, 'one').waitFor();
    assert.equal(await other.getByText(/There are unsaved changes from/).count(), 0);
    await type(other, 'notes.txt', 'of the second ');
    await isKept(other, 'of the second');
    await button(other, 'Close notes.txt').click();
    await button(other, 'Close without saving').click();
    await row(other, 'notes.txt').waitFor();
    await page.close();
    await other.reload();
    await other.getByText(/There are unsaved changes from/).waitFor();
    await button(other, 'Restore').click();
    await line(other, 'of the first').waitFor();
  });

  it('is a picture, large, or no text', async () => {
    const { page } = await openProject();
    await row(page, 'pixel.png').click();
    await page.getByText('1 × 1 px').waitFor();
    await openFile(page, '', 'logo.svg');
    await button(page, 'More for this file').click();
    await page.getByRole('menuitem', { name: 'View as picture' }).click();
    await page.getByText('40 × 20 px').waitFor();
    assert.equal(await page.evaluate(() => 'wasRun' in window), false);
    await button(page, 'More for this file').click();
    await page.getByRole('menuitem', { name: 'View as text' }).click();
    await line(page, 'rect').waitFor();
    await row(page, 'data.dat').click();
    await page.getByText('Not a text').waitFor();
    await row(page, 'large.txt').click();
    await button(page, 'Open it nevertheless').click();
    await line(page, 'all work').waitFor();
  });

  it('is seen by a running app when it is saved', async () => {
    const { project } = await startedVite();
    const page = await editor.page({ path: `/projects/${project.id}/preview` });
    const preview = page.frameLocator('iframe');
    await preview.getByRole('heading', { name: 'Before' }).waitFor({ timeout: 30_000 });
    await page.getByRole('tab', { name: 'Code' }).click();
    await openFile(page, 'src/', 'App.tsx');
    await line(page, 'export').waitFor();
    await field(page, 'src/App.tsx').focus();
    for (const key of ['Control+Home', 'ArrowDown', 'End', ...Array(5).fill('ArrowLeft')]) {
      await page.keyboard.press(key); // to the end of "Before"
    }
    await page.keyboard.type(MARK);
    const from = performance.now();
    await page.keyboard.press('Control+s');
    await preview.getByText(MARK).waitFor({ state: 'attached', timeout: 15_000 });
    process.stdout.write(`# from Ctrl+S to the change in the preview: ${Math.round(performance.now() - from)} ms\n`);
  });
});

async function startedVite() {
  const project = await editor.api('POST', 'projects', { json: { template: 'vite-react' } });
  await editor.previews.put(project, 'src/App.tsx', 'export default function App() {\n  return <h1>Before</h1>\n}\n');
  await editor.previews.start(project);
  return { project };
}

describe('the files', () => {
  it('are created, moved, deleted and brought back, by the keyboard too', async () => {
    const { page, project } = await openProject();
    await button(page, 'New file').click();
    await page.getByRole('textbox', { name: 'Path of the new file' }).fill('src/App.tsx');
    await page.keyboard.press('Enter');
    await page.getByText('There is already something at src/App.tsx.').waitFor();
    await page.getByRole('textbox', { name: 'Path of the new file' }).fill('src/deep/new.ts');
    await page.keyboard.press('Enter');
    await type(page, 'src/deep/new.ts', MARK);
    await row(page, 'deep').waitFor();

    // Unsaved, it is moved: its edits go along.
    await page.getByRole('treeitem', { name: /^new\.ts/ }).focus();
    await page.keyboard.press('F2');
    await page.getByRole('textbox', { name: 'New path' }).fill('lib/other.ts');
    await page.keyboard.press('Enter');
    await page.getByRole('treeitem', { name: 'other.ts, not saved' }).waitFor();
    await page.keyboard.press('Control+s');
    await isSaved(project, 'lib/other.ts', MARK);
    assert.equal(await text(project, 'src/deep/new.ts'), null);

    await row(page, 'lib').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'treeitem');
    await row(page, 'src').focus();
    await page.keyboard.press('Delete');
    await page.getByText('src was deleted.').waitFor();
    await row(page, 'src').waitFor({ state: 'detached' });
    assert.equal(await text(project, 'src/math.ts'), null);
    await button(page, 'Undo').click();
    await row(page, 'src').waitFor();
    assert.equal(await text(project, 'src/math.ts'), FILES['src/math.ts']);

    await page.getByLabel('Upload files').last().setInputFiles([
      { name: 'sent.bin', mimeType: 'application/octet-stream', buffer: Buffer.from([7, 0, 7]) },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('sent\n') },
    ]);
    page.allow(/status of 412/);
    await button(page, 'Replace').click();
    await row(page, 'sent.bin').waitFor();
    await isSaved(project, 'notes.txt', 'sent');
  });

  it('are found by what is in them and by their names', async () => {
    const { page } = await openProject();
    await row(page, 'notes.txt').waitFor();
    await page.keyboard.press('Control+Shift+f');
    await page.getByRole('searchbox', { name: 'Search in files' }).fill('ADD');
    await page.getByText('3 lines in 2 files').waitFor();
    await page.getByRole('button', { name: /^src\/math\.ts, line 1/ }).click();
    await shown(page, 'src/math.ts');
    await page.getByText('Line 1, column 17').waitFor();
    await button(page, 'Match case').click();
    await page.getByText('Nothing holds “ADD”.').waitFor();

    await page.keyboard.press('Control+p');
    await page.getByRole('combobox', { name: 'Name of the file' }).fill('stcss');
    await page.keyboard.press('Enter');
    await shown(page, 'src/style.css');
    await page.keyboard.press('Control+p');
    await page.getByRole('dialog').waitFor();
    await checkA11y(page);
    await page.keyboard.press('Escape');
    await field(page, 'src/style.css').focus();
    await page.keyboard.press('Shift+Alt+f');
    await line(page, 'color: teal').waitFor();
    await waitFor('it is formatted', async () => (await page.locator('.view-line').count()) >= 3);
  });
});

describe('the pane', () => {
  it('has no grave flaw for those who do not see it, light and dark', async () => {
    const { page, project } = await openProject();
    await openFile(page, 'src/', 'App.tsx');
    await line(page, 'import').waitFor();
    await checkA11y(page);
    await shot(page, 'code-light');
    const dark = await editor.page({ path: `/projects/${project.id}/code`, theme: 'dark' });
    await openFile(dark, 'src/', 'App.tsx');
    await line(dark, 'import').waitFor();
    await checkA11y(dark);
    await shot(dark, 'code-dark');
  });

  it('shows one thing at a time on a phone', async () => {
    const { page } = await openProject(PHONE);
    await button(page, 'Show files').click();
    await row(page, 'notes.txt').click();
    await line(page, 'three').waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await checkA11y(page);
    const isTooWide = await page.evaluate(() =>
      document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(isTooWide, false);
    await shot(page, 'code-phone');
    await button(page, 'Show files').click();
    await row(page, 'src').waitFor();
    await shot(page, 'code-phone-files');
  });

  it('keeps what is edited without a connection, and saves it when there is one again', async () => {
    const { page, project } = await openProject();
    page.allow(/ERR_INTERNET_DISCONNECTED/);
    await openFile(page, '', 'notes.txt');
    await type(page, 'notes.txt', `${MARK}\n`);
    await page.context().setOffline(true);
    await page.keyboard.press('Control+s');
    await page.getByText(/Not saved: there is no connection/).waitFor();
    await page.context().setOffline(false);
    await isSaved(project, 'notes.txt', MARK);
    await page.getByText(/Not saved: there is no connection/).waitFor({ state: 'detached' });
  });
});
