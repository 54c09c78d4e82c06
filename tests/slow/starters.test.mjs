// Starter apps of many kinds, as their generators leave them: install, start, 200 under the preview URL
// with no change to their source. Those whose generator brings its templates inside its npm package are
// made by it; the others (tests/slow/minimal/) are written after their framework's documentation.
//
//   make test-slow          all of them, with a table at the end
//   STARTERS="next koa" tests/node-test tests/slow/starters.test.mjs

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { startInstance, waitFor } from '../system/lib/instance.mjs';

const run = promisify(execFile);
const MINIMAL = path.join(import.meta.dirname, 'minimal');
const GENERATE_MS = 180_000;
const READY_MS = 420_000;

const vite = (template) => ['create-vite@latest', 'app', '--template', template, '--no-interactive'];
const STARTERS = {
  'vite-vanilla': vite('vanilla-ts'),
  'vite-react': vite('react-ts'),
  'vite-vue': vite('vue-ts'),
  'vite-preact': vite('preact-ts'),
  'vite-lit': vite('lit-ts'),
  'vite-svelte': vite('svelte-ts'),
  'vite-solid': vite('solid-ts'),
  'vite-qwik': vite('qwik-ts'),
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

// GET of a preview address, whose host name only nginx needs to know.
function get(url, headers = {}) {
  const { host, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const rq = http.get(`${instance.url}${pathname}${search}`, { headers: { ...headers, host }, timeout: 60_000 }, (rs) => {
      let text = '';
      rs.setEncoding('utf8').on('data', (piece) => (text += piece));
      rs.on('end', () => resolve({ status: rs.statusCode, headers: rs.headers, text }));
    });
    rq.on('timeout', () => rq.destroy(new Error(`no answer from ${url}`)));
    rq.on('error', reject);
  });
}

// The owner's cookie for the preview, by a ticket as the editor gets one.
async function previewCookie(project) {
  const { json } = await instance.client().expect(201, 'POST', `projects/${project.id}/preview-tickets`, { json: {} });
  return (await get(json.url)).headers['set-cookie'][0].split(';')[0];
}

// Its status once it runs; fails at once when it will not.
async function running(project) {
  const bad = ['crashed', 'failed', 'exited'];
  const status = await waitFor(`${project.name} runs`, async () => {
    const { json } = await instance.client().expect(200, 'GET', `projects/${project.id}/status`);
    return ['running', ...bad].includes(json.state) && json;
  }, { ms: READY_MS, every: 500 });
  assert.equal(status.state, 'running', `${status.error ?? status.detail}`);
  return status;
}

async function tryStarter(name) {
  const directory = fs.mkdtempSync(path.join(work, `${name}-`));
  const client = instance.client();
  await generate(name, directory);
  const project = (await client.expect(201, 'POST', 'projects', { json: { name } })).json;
  for (const [file, body] of filesOf(path.join(directory, 'app'))) {
    const answer = await client.call('PUT', `projects/${project.id}/files/${file.split('/').map(encodeURIComponent).join('/')}`, { body });
    assert.ok(answer.status < 300, `${file}: ${answer.text}`);
  }
  const from = performance.now();
  await client.expect(202, 'POST', `projects/${project.id}/start`);
  const status = await running(project);
  const ran = performance.now();
  const cookie = await previewCookie(project);
  const page = await get(project.preview_url, { cookie, accept: 'text/html' });
  rows.push({
    name, by: STARTERS[name] ? STARTERS[name][0].replace(/@latest$/, '') : 'documentation', command: status.plan?.command,
    install_s: (status.install_ms ?? 0) / 1000, running_s: (ran - from) / 1000, port: status.port, status: page.status,
  });
  assert.equal(page.status, 200, page.text.slice(0, 400));
  await client.expect(200, 'POST', `projects/${project.id}/stop`);
  await client.expect(204, 'DELETE', `projects/${project.id}`);
}

describe('starter apps answer under their preview URLs, unchanged', () => {
  before(async () => {
    work = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-starters-'));
    instance = await startInstance();
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
