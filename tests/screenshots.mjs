// Pictures of the editor for the README, in docs/img/: make screenshots. A whole installation, a demo project
// made by a scripted model, and Chromium. Further views go to build/shots, to be looked at.

import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

import { PHONE, startEditor } from './system/lib/editor.mjs';
import { file, reply, startFakeModel } from './system/lib/fake-model.mjs';
import { ROOT } from './system/lib/instance.mjs';

const PICTURES = path.join(ROOT, 'docs/img');
const OTHERS = path.join(ROOT, 'build/shots');
const MAX_BYTES = 300 * 1024;
const DESK = { viewport: { width: 1440, height: 900 } };
const SMALL = { ...PHONE, deviceScaleFactor: 1 };
const BUILD_MS = 120_000;

const demo = (name) => fs.readFileSync(path.join(ROOT, 'tests/demo', name), 'utf8');

const FIRST = {
  prompt: 'A shop page for Harbour Coffee, a small roastery by the sea: a hero, this week\'s three beans with prices, and a bag that adds up.',
  reply: `I'll make it one page in React: a hero, a card for each bean, and a bag that is counted in the page itself.

${file('src/coffees.ts', demo('coffees.ts'))}
${file('src/App.tsx', demo('App.tsx'))}
${file('src/index.css', demo('index.css'))}
That is the shop. Try **Add to bag**: the sum below follows.`,
};

const SECOND = {
  prompt: 'Add a dark look for the evening, by what the visitor\'s device prefers.',
  reply: `The colours are variables already, so a dark set of them is enough.

${file('src/index.css', `${demo('index.css')}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #f3e9dc;
    --soft: #b8a795;
    --paper: #1d1713;
    --card: #2a221c;
    --accent: #b4572a;
  }

  .hero {
    background: linear-gradient(#3a2a1f, var(--paper));
  }

  .eyebrow {
    color: #e08b5c;
  }
}
`)}
Switch your device to dark to see it. Nothing else changed.`,
};

let editor;
let project;

async function picture(page, name, { keep = true } = {}) {
  const to = path.join(keep ? PICTURES : OTHERS, `${name}.png`);
  fs.mkdirSync(path.dirname(to), { recursive: true });
  await page.evaluate(() => document.fonts.ready);
  fs.writeFileSync(to, smaller(await page.screenshot({ animations: 'disabled', caret: 'hide' })));
  const { size } = fs.statSync(to);
  console.log(`${path.relative(ROOT, to)}  ${(size / 1024).toFixed(0)} KiB`);
  if (keep && size > MAX_BYTES) {
    throw new Error(`${to} is larger than ${MAX_BYTES} bytes`);
  }
}

// The same picture, with its bytes deflated as well as can be.
function smaller(png) {
  const chunks = [];
  const data = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    if (type === 'IDAT') {
      data.push(png.subarray(at + 8, at + 8 + length));
    } else {
      chunks.push(png.subarray(at, at + 12 + length));
    }
    at += 12 + length;
  }
  const packed = zlib.deflateSync(zlib.inflateSync(Buffer.concat(data)), { level: 9, memLevel: 9 });
  const body = Buffer.concat([Buffer.from('IDAT'), packed]);
  const idat = Buffer.alloc(8 + body.length);
  idat.writeUInt32BE(packed.length, 0);
  body.copy(idat, 4);
  idat.writeUInt32BE(zlib.crc32(body), 4 + body.length);
  const made = Buffer.concat([png.subarray(0, 8), ...chunks.slice(0, -1), idat, chunks.at(-1)]);
  return made.length < png.length ? made : png;
}

const tab = (page, name) => page.getByRole('tab', { name, exact: true });
const appFrame = (page) => page.frameLocator('iframe');
const shown = (page) => appFrame(page).getByRole('heading', { name: 'Harbour Coffee' }).waitFor({ timeout: BUILD_MS });

async function ask(page, { prompt, reply: words }) {
  editor.model.next(reply(words, { size: 40 }));
  await page.getByRole('textbox', { name: 'Your message' }).fill(prompt);
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByRole('button', { name: 'Stop', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Send' }).waitFor({ timeout: BUILD_MS });
}

async function makeDemo() {
  for (const [name, template] of [['Team lunch votes', 'express-sqlite'], ['Chat for the crew', 'websocket-chat'], ['Trip planner', 'vite-svelte']]) {
    await editor.api('POST', 'projects', { json: { name, template } });
  }
  project = await editor.api('POST', 'projects', { json: { name: 'Harbour Coffee', template: 'vite-react' } });
  const page = await editor.page({ ...DESK, path: `/projects/${project.id}/preview` });
  await ask(page, FIRST);
  await shown(page);
  await ask(page, SECOND);
  await shown(page);
  return page;
}

async function goTo(page, where, heading) {
  await page.goto(editor.url + where);
  await page.getByRole('heading', { name: heading }).first().waitFor();
  await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {}); // event streams stay open
}

async function ofBuilder(page, suffix, keep) {
  await page.goto(`${editor.url}/projects/${project.id}/preview`);
  await shown(page);
  await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {});
  await picture(page, `builder${suffix}`);

  await tab(page, 'Code').click();
  await page.getByRole('treeitem', { name: 'src' }).first().waitFor();
  const source = page.getByRole('treeitem', { name: /App\.tsx/ });
  if (!(await source.isVisible())) {
    await page.getByRole('treeitem', { name: 'src' }).first().click();
  }
  await source.click();
  await page.getByText('coffees.reduce').first().waitFor({ timeout: 30_000 });
  await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {});
  await picture(page, `code${suffix}`, { keep: keep.includes('code') });

  await tab(page, 'Terminal').click();
  const terminal = page.locator('.xterm');
  await terminal.waitFor();
  await page.locator('.xterm-rows', { hasText: '$' }).waitFor({ timeout: 30_000 });
  await terminal.click();
  await page.keyboard.type('ls src && node --version\n');
  await page.locator('.xterm-rows', { hasText: 'coffees.ts' }).waitFor();
  await picture(page, `terminal${suffix}`, { keep: keep.includes('terminal') });

  await tab(page, 'Logs').click();
  await page.getByText('VITE').first().waitFor({ timeout: 10_000 }).catch(() => {});
  await picture(page, `logs${suffix}`, { keep: keep.includes('logs') });

  await tab(page, 'Versions').click();
  await page.getByText('prefers-color-scheme').first().waitFor();
  await picture(page, `versions${suffix}`, { keep: keep.includes('versions') });

  await page.getByRole('button', { name: 'Share' }).click();
  await page.getByRole('dialog').waitFor();
  await page.getByText('For Grace').waitFor();
  await page.getByRole('radio', { name: 'Private' }).focus();
  await picture(page, `share${suffix}`, { keep: keep.includes('share') });
  await page.keyboard.press('Escape');
}

async function ofPages(page, suffix, keep) {
  await goTo(page, '/', 'What do you want to build?');
  await page.getByRole('link', { name: 'Harbour Coffee' }).waitFor();
  await picture(page, `home${suffix}`, { keep: keep.includes('home') });
  await goTo(page, '/settings/api-keys', 'Settings');
  await picture(page, `settings${suffix}`, { keep: false });
  await goTo(page, '/scratch', 'Scratch');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByText('Finished in').waitFor({ timeout: 30_000 });
  await picture(page, `scratch${suffix}`, { keep: keep.includes('scratch') });
}

async function ofSignIn(options, name) {
  const page = await editor.freshProfile({ ...options, path: '/sign-in' });
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await picture(page, name, { keep: false });
  await page.context().close();
}

async function ofPhone() {
  const page = await editor.page({ ...SMALL, path: `/projects/${project.id}` });
  await page.getByRole('tab', { name: 'Chat' }).waitFor();
  await page.getByText(SECOND.prompt).waitFor();
  await picture(page, 'phone-chat');
  await tab(page, 'Preview').click();
  await shown(page);
  await picture(page, 'phone-preview');
  await tab(page, 'Code').click();
  await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {});
  await picture(page, 'phone-code', { keep: false });
  await goTo(page, '/', 'What do you want to build?');
  await picture(page, 'phone-home', { keep: false });
}

try {
  editor = await startEditor({ model: await startFakeModel(), env: { SLIPWAY_MODEL: 'qwen2.5-coder' } });
  const page = await makeDemo();
  await editor.api('POST', `projects/${project.id}/shares`, { json: { name: 'For Grace' } });
  const keep = { light: ['home', 'code', 'versions', 'share'], dark: ['terminal'] };
  await ofBuilder(page, '', keep.light);
  await ofPages(page, '', keep.light);
  await ofSignIn(DESK, 'sign-in');
  const dark = await editor.page({ ...DESK, theme: 'dark', path: null });
  await ofBuilder(dark, '-dark', keep.dark);
  await ofPages(dark, '-dark', keep.dark);
  await ofSignIn({ ...DESK, theme: 'dark' }, 'sign-in-dark');
  await ofPhone();
  const complaints = editor.complaints();
  if (complaints.length > 0) {
    console.error(['what the pages complained of:', ...complaints].join('\n'));
    process.exitCode = 1;
  }
} catch (e) {
  for (const [i, page] of (editor?.openPages ?? []).entries()) {
    await page.screenshot({ path: path.join(OTHERS, `failed-screenshots-${i}.png`) }).catch(() => {});
  }
  throw e;
} finally {
  await editor?.stop();
}
