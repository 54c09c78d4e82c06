// What the editor costs a browser: the first picture of its main pages with nothing cached, what they load,
// and how long it keeps the main thread while a model streams 2000 tokens into the chat, with the preview
// beside it and with the code editor.
//
//   make bench            SAMPLES=15 tests/node bench/editor.mjs  for more samples

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { recordLoad, startEditor } from '../tests/system/lib/editor.mjs';
import { byHand, startFakeModel } from '../tests/system/lib/fake-model.mjs';
import { ROOT } from '../tests/system/lib/instance.mjs';
import { percentile } from './lib/stats.mjs';

const samples = Number(process.env.SAMPLES || 7);
const TOKENS = 2000;
const TOKEN_MS = 4;
const LONG_MS = 50; // a task that a person may feel, by the Long Tasks specification
const QUIET_MS = 5000;

let editor;

const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`;
const median = (numbers) => percentile(numbers, 50);

// Before the page's own scripts: what is only told to who listens.
function listen() {
  window.measured = { lcp: 0, long: [] };
  new PerformanceObserver((list) => {
    window.measured.lcp = list.getEntries().at(-1).startTime;
  }).observe({ type: 'largest-contentful-paint', buffered: true });
  new PerformanceObserver((list) => {
    window.measured.long.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration })));
  }).observe({ type: 'longtask', buffered: true });
}

// One visit with an empty cache.
async function visit(where, user, heading) {
  const page = await editor.page({ path: null, user });
  await page.addInitScript(listen);
  const loaded = recordLoad(page, editor.url);
  await page.goto(editor.url + where);
  await heading(page).first().waitFor();
  await page.waitForLoadState('networkidle', { timeout: QUIET_MS }).catch(() => {}); // event streams stay open
  const times = await page.evaluate(() => ({
    fcp: performance.getEntriesByName('first-contentful-paint')[0]?.startTime, lcp: window.measured.lcp,
  }));
  const files = await loaded();
  await page.context().close();
  return {
    ...times, files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    code_bytes: files.filter(({ type }) => ['script', 'stylesheet'].includes(type)).reduce((sum, file) => sum + file.bytes, 0),
  };
}

async function pageRow(name, where, user, heading) {
  const visits = [];
  for (let i = 0; i < samples; i++) {
    visits.push(await visit(where, user, heading));
  }
  const row = { page: name, n: samples };
  for (const key of ['fcp', 'lcp', 'bytes', 'code_bytes', 'files']) {
    row[key] = Math.round(median(visits.map((one) => one[key])));
  }
  console.log(`${name.padEnd(12)} first paint ${row.fcp} ms, largest ${row.lcp} ms; ${kib(row.bytes)} in ${row.files} files, `
    + `of which script and style ${kib(row.code_bytes)}   wanted below 300 KiB`);
  return row;
}

// Words like a model's: prose with lists and emphasis, then a file.
function* tokens() {
  const words = 'The page keeps its list in the browser, so **nothing** is lost when it is closed or `reloaded` again.\n'.split(/(?<= )/);
  for (let i = 0; i < TOKENS / 2; i++) {
    yield i % 100 === 99 ? '\n\n- ' : words[i % words.length];
  }
  yield '\n\n<slipway-file path="src/made.ts">\n';
  for (let i = 0; i < TOKENS / 2; i++) {
    yield ['export ', 'const ', `name${i} `, '= ', `${i};\n`][i % 5];
  }
  yield '\n</slipway-file>\n\nThat is all.\n';
}

async function streamRow(name, project, tab) {
  const page = await editor.page({ path: null });
  await page.addInitScript(listen);
  await page.goto(`${editor.url}/projects/${project.id}/${tab}`);
  await page.getByRole('textbox', { name: 'Your message' }).waitFor();
  await page.waitForLoadState('networkidle', { timeout: QUIET_MS }).catch(() => {});
  const { script, opened } = byHand();
  editor.model.next(script);
  await page.getByRole('textbox', { name: 'Your message' }).fill('Two thousand tokens, please');
  await page.getByRole('button', { name: 'Send' }).click();
  const stream = await opened;
  const from = await page.evaluate(() => performance.now());
  for (const token of tokens()) {
    await stream.text(token);
    await pause(TOKEN_MS);
  }
  await stream.finish();
  await page.getByText('That is all.').first().waitFor();
  const { long, to } = await page.evaluate(() => ({ long: window.measured.long, to: performance.now() }));
  await page.getByRole('button', { name: 'Send' }).waitFor({ timeout: 120_000 }); // its steps
  await page.context().close();
  const during = long.filter(({ startTime }) => startTime >= from && startTime <= to).map(({ duration }) => duration);
  const row = {
    name, tokens: TOKENS, seconds: Number(((to - from) / 1000).toFixed(1)), long_tasks: during.length,
    longest_ms: Math.round(Math.max(0, ...during)),
    blocking_ms: Math.round(during.reduce((sum, ms) => sum + ms - LONG_MS, 0)),
  };
  console.log(`${TOKENS} tokens in ${row.seconds} s, ${name}: ${row.long_tasks} tasks over ${LONG_MS} ms, the longest ${row.longest_ms} ms, `
    + `${row.blocking_ms} ms blocked in all`);
  return row;
}

try {
  editor = await startEditor({ model: await startFakeModel(), env: { SLIPWAY_LOG_LEVEL: 'warn' } });
  const project = await editor.api('POST', 'projects', { json: { name: 'Measured', template: 'vite-react' } });
  await editor.previews.start(project);
  const heading = (name) => (page) => page.getByRole('heading', { name });
  const pages = [
    await pageRow('/sign-in', '/sign-in', null, (page) => page.getByRole('button', { name: 'Sign in' })),
    await pageRow('/', '/', editor.owner, heading('What do you want to build?')),
    await pageRow('/projects/…', `/projects/${project.id}`, editor.owner, (page) => page.getByRole('textbox', { name: 'Your message' })),
  ];
  const streams = [
    await streamRow('with the preview', project, 'preview'),
    await streamRow('with the code editor', project, 'code'),
  ];
  const out = path.join(ROOT, 'build/bench/editor.json');
  mkdirSync(path.dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify({ at: new Date().toISOString(), pages, streams }, null, 2)}\n`);
  console.log(`written: ${path.relative(ROOT, out)}`);
} finally {
  await editor?.stop();
}
