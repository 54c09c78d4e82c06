// The agent installs an app's packages, by each package manager, from a registry inside the sandbox. Needs
// Docker and root (loop mounts).

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Box, until } from './lib/agent_box.mjs';
import { registryScript } from './lib/fake-registry.mjs';

const SECOND = 1000;
const REGISTRY = 'http://127.0.0.1:4873/';

const packages = {
  leaf: { files: { 'index.js': 'module.exports = "a leaf";' } },
  branch: { manifest: { dependencies: { leaf: '^1.0.0' } }, files: { 'index.js': 'module.exports = require("leaf");' } },
  scripted: {
    manifest: { scripts: { postinstall: 'node -e "require(\'fs\').writeFileSync(\'made.txt\', \'made\')"' } },
    files: { 'index.js': 'module.exports = require("fs").readFileSync(__dirname + "/made.txt", "utf8");' },
  },
  sleeper: { manifest: { scripts: { postinstall: 'setsid sleep 1000' } } },
  failing: { manifest: { scripts: { postinstall: 'echo it went wrong >&2; exit 3' } } },
};

const app = (dependencies, more = {}) => ({
  'package.json': { name: 'x', version: '1.0.0', private: true, scripts: { dev: 'node server.js' }, dependencies, ...more },
  'server.js': `const words = ${JSON.stringify(Object.keys(dependencies))}.map((name) => require(name)).join();
    require('http').createServer((q, s) => s.end(words)).listen(3000, () => console.log('says ' + words));`,
});

function withBox(options = {}) {
  const held = {};
  before(async () => {
    held.box = await Box.start({ app: true, runsMax: 2, ...options,
      env: { SLIPWAY_REGISTRY: REGISTRY, ...options.env } });
    held.registry = held.box.begin({ argv: ['node', '-e', registryScript(packages)], timeout_ms: 600_000 });
    await held.registry.event((e) => e.type === 'stdout');
  });
  beforeEach(async () => {
    await held.box.stopApp();
    await held.box.sh('rm -rf /workspace/* /workspace/.[a-z]*');
  });
  after(async () => {
    if (held.registry) held.registry.aborted = true;
    const log = await held.box?.stop();
    if (log && process.exitCode) console.error(log);
  });
  return held;
}

const said = async (box) => (await box.appLog()).map((e) => e.data.text).findLast((t) => t?.startsWith('says '));
// It listens a moment before it says so.
const says = (box, words) => until(`the app says "${words}"`, async () => await said(box) === words, 2 * SECOND);

describe('app: install', () => {
  const held = withBox();

  // Makes a lockfile as a developer would, and forgets what was installed.
  async function lock(command) {
    const run = await held.box.sh(`${command} && rm -rf node_modules .yarn .pnp*`, { timeout_ms: 60_000 });
    assert.equal(run.exit.exit_code, 0, run.stdout + run.stderr);
  }

  test('npm installs without a lockfile, and not again', async () => {
    const { box } = held;
    await box.write(app({ branch: '^1.0.0', scripted: '1.0.0' }));
    const first = (await box.startApp()).json;
    assert.deepEqual([first.state, first.plan.install], ['installing', 'npm install --no-audit --no-fund']);
    assert.equal((await box.health()).starting, 1);
    const state = await box.appIs('running', 60 * SECOND);
    assert.equal((await box.health()).starting, 0);
    await says(box, 'says a leaf,made');
    assert.ok(state.install_ms > 0);
    // The registry listens too, but it is a run's.
    assert.deepEqual(state.ports, [3000]);
    console.log(`# npm install of three packages: ${state.install_ms} ms, start ${state.start_ms} ms`);
    const again = (await box.startApp({ restart: true })).json;
    assert.equal(again.state, 'starting');
    const running = await box.appIs('running');
    assert.deepEqual([running.plan.install, running.install_ms], [null, null]);
    await box.write(app({ leaf: '^1.0.0' }));
    await box.startApp({ restart: true });
    assert.match((await box.appIs('running', 60 * SECOND)).plan.install, /^npm /);
    await says(box, 'says a leaf');
  });

  test('npm takes a lockfile as it is, and one that does not fit is brought up to date', async () => {
    const { box } = held;
    await box.write(app({ leaf: '^1.0.0' }));
    await lock('npm install --package-lock-only');
    await box.startApp();
    assert.equal((await box.appIs('running', 60 * SECOND)).plan.install, 'npm ci --no-audit --no-fund');
    await box.write(app({ leaf: '^1.0.0', branch: '^1.0.0' }));
    await box.startApp({ restart: true });
    const state = await box.appIs(['running', 'crashed'], 60 * SECOND);
    assert.deepEqual([state.state, state.plan.install], ['running', 'npm install --no-audit --no-fund']);
    await says(box, 'says a leaf,a leaf');
  });

  test('a lockfile that lies about a package is an error', async () => {
    const { box } = held;
    await box.write(app({ leaf: '^1.0.0' }));
    await lock('npm install --package-lock-only');
    const text = (await box.call('GET', '/v1/files/package-lock.json')).bytes.toString();
    await box.write({ 'package-lock.json': text.replace(/sha512-[^"]*/, `sha512-${'A'.repeat(86)}==`) });
    await box.startApp();
    assert.match((await box.appIs('crashed', 60 * SECOND)).error, /EINTEGRITY/);
  });

  test('a package that does not exist is named', async () => {
    const { box } = held;
    await box.write(app({ 'no-such-package': '^1.0.0' }));
    await box.startApp();
    const state = await box.appIs('crashed', 60 * SECOND);
    assert.match(state.error, /^installing packages failed .*E404.*no-such-package/);
    assert.equal(state.exit_code, 1);
    const log = (await box.appLog()).filter((e) => e.data.source === 'install');
    assert.ok(log.some((e) => e.data.stream === 'stderr'));
  });

  test('an install script that fails is the error', async () => {
    const { box } = held;
    await box.write(app({ failing: '1.0.0' }));
    await box.startApp();
    const state = await box.appIs('crashed', 60 * SECOND);
    assert.match(state.error, /^installing packages failed/);
    assert.match(state.error, /node_modules\/failing|it went wrong/);
  });

  test('pnpm with a lockfile', async () => {
    const { box } = held;
    await box.write(app({ branch: '^1.0.0', scripted: '^1.0.0' }, { packageManager: 'pnpm@9.1.0' }));
    await lock('pnpm install --lockfile-only');
    await box.startApp();
    const state = await box.appIs(['running', 'crashed'], 60 * SECOND);
    assert.equal(state.error, null);
    assert.deepEqual([state.plan.install, state.plan.command], ['pnpm install --frozen-lockfile', 'pnpm run dev']);
    await says(box, 'says a leaf,made');
  });

  test('yarn 1 with a lockfile that points elsewhere, which it still does afterwards', async () => {
    const { box } = held;
    await box.write(app({ branch: '^1.0.0' }));
    await lock(`yarn install --non-interactive && sed -i 's|${REGISTRY}|https://registry.invalid/|' yarn.lock`);
    await box.startApp();
    const state = await box.appIs(['running', 'crashed'], 60 * SECOND);
    assert.equal(state.error, null);
    assert.equal(state.plan.manager, 'yarn');
    await says(box, 'says a leaf');
    const text = (await box.call('GET', '/v1/files/yarn.lock')).bytes.toString();
    assert.match(text, /https:\/\/registry\.invalid\/branch/);
    assert.doesNotMatch(text, /127\.0\.0\.1/);
    assert.equal((await box.startApp({ restart: true })).json.state, 'starting');
    assert.equal((await box.appIs('running')).install_ms, null);
  });

  test('yarn 4 with a lockfile', async () => {
    const { box } = held;
    await box.write(app({ branch: '^1.0.0' }, { packageManager: 'yarn@4.5.0' }));
    await lock('yarn install --mode=update-lockfile');
    await box.startApp();
    const state = await box.appIs(['running', 'crashed'], 60 * SECOND);
    assert.equal(state.error, null);
    assert.equal(state.plan.install, 'yarn install --immutable');
    await says(box, 'says a leaf');
  });

  test('with shared modules nothing is installed', async () => {
    const { box } = held;
    await box.write({ ...app({ leaf: '^1.0.0' }), 'node_modules/leaf/index.js': 'module.exports = "shared"' });
    await box.startApp({ shared_modules: true });
    const state = await box.appIs('running');
    assert.deepEqual([state.plan.install, state.install_ms], [null, null]);
    await says(box, 'says shared');
  });

  test('stop while installing leaves nothing, and the next start installs again', async () => {
    const { box } = held;
    await box.write(app({ sleeper: '1.0.0' }));
    await box.startApp();
    assert.equal((await box.app()).state, 'installing');
    const from = Date.now();
    assert.equal((await box.stopApp()).json.state, 'stopped');
    assert.ok(Date.now() - from < 5 * SECOND);
    const names = await box.processes();
    assert.ok(!names.includes('sleep') && !names.some((n) => n.startsWith('npm')), names.join());
    await box.write(app({ leaf: '1.0.0' }));
    await box.startApp();
    assert.equal((await box.appIs('running', 60 * SECOND)).start_ms > 0, true);
  });

  test('runs see the registry and the home directory too', async () => {
    const run = await held.box.sh('echo "$npm_config_registry $HOME"; npm view leaf version', { timeout_ms: 30_000 });
    assert.equal(run.stdout, `${REGISTRY} /home/app\n1.0.0\n`, run.stderr);
  });
});

describe('app: install that takes too long', () => {
  const held = withBox({ env: { SLIPWAY_INSTALL_TIMEOUT_S: '4' } });

  test('is ended and said', async () => {
    await held.box.write(app({ sleeper: '1.0.0' }));
    await held.box.startApp();
    const state = await held.box.appIs('crashed');
    assert.equal(state.error, 'installing took longer than 4 s');
    assert.ok(!(await held.box.processes()).includes('sleep'));
  });
});
