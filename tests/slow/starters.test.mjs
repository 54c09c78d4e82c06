// Starter apps of many kinds, as their generators leave them: install, start, 200 under the preview URL
// with no change to their source. Those whose generator brings its templates inside its npm package are
// made by it; the others (tests/slow/minimal/) are written after their framework's documentation.
//
//   make test-slow          all of them, with a table at the end
//   STARTERS="next koa" tests/node-test tests/slow/starters.test.mjs

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { ROOT, startInstance, waitFor } from '../system/lib/instance.mjs';
import { Previews } from '../system/lib/preview.mjs';

const run = promisify(execFile);
const MINIMAL = path.join(import.meta.dirname, 'minimal');
const GENERATE_MS = 180_000;
const READY_MS = 420_000;
const ANSWER_MS = 120_000;

const vite = (template) => ['create-vite@latest', 'app', '--template', template, '--no-interactive'];
const STARTERS = {
  'vite-vanilla': vite('vanilla-ts'),
  'vite-react': vite('react-ts'),
  'vite-vue': vite('vue-ts'),
  'vite-preact': vite('preact-ts'),
  'vite-lit': vite('lit-ts'),
  'vite-svelte': vite('svelte-ts'),
  'vite-solid': vite('solid-ts'),
  next: ['create-next-app@latest', 'app', '--ts', '--app', '--no-eslint', '--no-tailwind', '--no-src-dir',
    '--skip-install', '--disable-git', '--import-alias', '@/*', '--yes'],
  vue: ['create-vue@latest', 'app', '--ts'],
  sveltekit: ['sv@latest', 'create', 'app', '--template', 'minimal', '--types', 'ts', '--no-add-ons', '--no-install'],
  angular: ['@angular/cli@latest', 'new', 'app', '--skip-install', '--skip-git', '--defaults', '--ssr=false', '--style=css'],
  nest: ['@nestjs/cli@latest', 'new', 'app', '--skip-git', '--skip-install', '--package-manager', 'npm'],
  express: ['express-generator@latest', '--no-view', 'app'],
  fastify: ['fastify-cli@latest', 'generate', 'app', '--lang=js'],
  rspack: ['create-rspack@latest', '--dir', 'app', '--template', 'react-ts'],
  docusaurus: ['create-docusaurus@latest', 'app', 'classic', '--typescript', '--skip-install'],
  ...Object.fromEntries(fs.readdirSync(MINIMAL).map((name) => [name, null])),
};
const wanted = process.env.STARTERS?.split(/\s+/).filter(Boolean) ?? Object.keys(STARTERS);

let instance;
let previews;
let work;
const rows = [];

// The sandbox's own Node.js runs the generators: some want a newer one than the host has.
function nodeOfTheImage() {
  const bin = path.join(work, 'bin');
  fs.mkdirSync(bin);
  const id = execFileSync('docker', ['create', instance.env.SLIPWAY_SANDBOX_IMAGE], { encoding: 'utf8' }).trim();
  try {
    execFileSync('docker', ['cp', `${id}:/usr/local/bin/node`, path.join(bin, 'node')]);
  } finally {
    execFileSync('docker', ['rm', '-f', id], { stdio: 'ignore' });
  }
  return bin;
}

async function generate(name, directory) {
  if (!STARTERS[name]) {
    fs.cpSync(path.join(MINIMAL, name), path.join(directory, 'app'), { recursive: true });
    return;
  }
  await run('npx', STARTERS[name], {
    cwd: directory, timeout: GENERATE_MS,
    env: { ...process.env, PATH: `${path.join(work, 'bin')}:${process.env.PATH}`, npm_config_yes: 'true', CI: '1' },
  });
}

function* filesOf(directory, prefix = '') {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const name = prefix + entry.name;
    if (entry.isDirectory() && !['node_modules', '.git'].includes(entry.name)) {
      yield* filesOf(path.join(directory, entry.name), `${name}/`);
    } else if (entry.isFile()) {
      yield [name, fs.readFileSync(path.join(directory, entry.name))];
    }
  }
}

async function tryStarter(name) {
  const directory = fs.mkdtempSync(path.join(work, `${name}-`));
  await generate(name, directory);
  const project = await previews.project({ name, files: Object.fromEntries(filesOf(path.join(directory, 'app'))) });
  const from = performance.now();
  const status = await previews.start(project, { ms: READY_MS });
  const runningMs = performance.now() - from;
  const cookie = await previews.cookie(project);
  // Some listen for a moment only, to find out whether a port is free, or long before they answer.
  const page = await waitFor(`${name} answers 200`, async () => {
    const answer = await previews.get(project.preview_url, { headers: { cookie } });
    return answer.status === 200 && answer;
  }, { ms: ANSWER_MS, every: 250 });
  rows.push({
    name, by: STARTERS[name] ? STARTERS[name][0].replace(/@latest$/, '') : 'documentation', command: status.plan?.command,
    install_s: (status.install_ms ?? 0) / 1000, running_s: runningMs / 1000, port: status.port, status: page.status,
  });
  await previews.api('DELETE', `projects/${project.id}`);
}

describe('starter apps answer under their preview URLs, unchanged', () => {
  before(async () => {
    work = fs.mkdtempSync(path.join(ROOT, 'build/starters-')); // not in /tmp, where programs may not be allowed to run
    instance = await startInstance();
    previews = new Previews(instance);
    nodeOfTheImage();
  });
  after(async () => {
    await instance?.stop();
    fs.rmSync(work, { recursive: true, force: true });
    for (const r of rows) {
      console.log(`# ${r.name.padEnd(14)} ${r.by.padEnd(20)} ${String(r.command).padEnd(14)} install ${r.install_s.toFixed(1)} s, `
        + `running after ${r.running_s.toFixed(1)} s, port ${r.port}, ${r.status}`);
    }
  });

  for (const name of wanted) {
    it(name, { timeout: GENERATE_MS + READY_MS + 120_000 }, () => tryStarter(name));
  }
});
