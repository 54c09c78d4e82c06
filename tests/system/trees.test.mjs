// Dependency trees: one build for everybody with the same lockfile, nobody's writes for anybody else,
// and nothing shared that is not the same for all.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { createProject, inSandbox, putFiles, rowOf, askToStart, shell, startApp, stopApp } from './lib/apps.mjs';
import { FakeRegistry } from './lib/package-registry.mjs';
import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';

const SERVER = "require('http').createServer((q, r) => r.end('up')).listen(process.env.PORT)";
const SCRIPTS = { dev: 'node server.js' };

let registry;
let instance;
let owner;
let other; // another user

before(async () => {
  registry = await new FakeRegistry().listen();
  registry.add('semver', '7.0.0');
  registry.add('alpha', '1.0.0', { files: { 'lib/deep/file.js': "module.exports = 'deep';\n" } });
  registry.add('alpha', '2.0.0');
  registry.add('@scope/beta', '1.0.0', { manifest: { dependencies: { alpha: '^1.0.0' }, bin: { beta: 'cli.js' } }, files: { 'cli.js': "#!/usr/bin/env node\nconsole.log('beta', require('alpha'));\n" } });
  registry.add('one-more', '1.0.0');
  registry.add('scripted', '1.0.0', { manifest: { scripts: { postinstall: 'node -e "require(\'fs\').writeFileSync(\'made\', \'by script\')"' } } });
  instance = await startInstance({ env: { SLIPWAY_NPM_REGISTRY: registry.url, SLIPWAY_TREES_MB: '200' } });
  owner = instance.client();
  other = (await instance.createUser()).client;
});
after(async () => {
  await instance?.stop();
  await registry?.close();
});
afterEach(printLogsOnFailure(() => instance));
beforeEach(() => {
  registry.intercept = undefined;
  registry.take();
});

const files = (wanted, options = {}) => ({ ...registry.project(wanted, { scripts: SCRIPTS, ...options }), 'server.js': SERVER });

// A tree that no other test has.
function freshFiles(bytes = 0) {
  const name = `p${crypto.randomBytes(6).toString('hex')}`;
  registry.add(name, '1.0.0', { files: bytes ? { 'data.bin': crypto.randomBytes(bytes) } : {} });
  return { name, files: files({ [name]: '1.0.0', alpha: '1.0.0' }) };
}

const trees = async (key) => {
  const text = await instance.psql(`SELECT key, state, size_bytes, packages, coalesce(error, '') FROM trees ${key ? `WHERE key = '${key}'` : ''}`);
  return text.split('\n').filter(Boolean).map((line) => {
    const [k, state, size, packages, error] = line.split('|');
    return { key: k, state, size: Number(size), packages: Number(packages), error };
  });
};
const builds = async () => (await instance.logs('sandboxd')).split('\n').filter((line) => line.includes('"event":"tree_built"'));
const images = () => fs.readdirSync(`${instance.stateDir}/trees`).sort();
const builders = async () => (await instance.docker('ps', '-a', '--format', '{{.Names}}')).split('\n').filter((n) => n.startsWith(`slipway-${instance.name}-tree-`));

describe('a tree for many', () => {
  it('is built once for projects of two users that start at the same time', async () => {
    const { name, files: same } = freshFiles();
    const projects = await Promise.all([owner, other, owner, other].map((client) => createProject(client, same)));
    const apps = await Promise.all(projects.map((project) => startApp(instance, project)));
    const keys = new Set(apps.map(({ row }) => row.tree_key));
    assert.equal(keys.size, 1);
    const [key] = keys;
    assert.match(key, /^[0-9a-f]{64}$/);
    assert.equal((await builds()).filter((line) => line.includes(key)).length, 1);
    assert.equal(registry.take().filter((r) => r.url.endsWith('.tgz') && r.url.includes(name)).length, 1);
    for (const { row, state } of apps) {
      assert.equal(state.state, 'running', state.error);
      assert.equal(state.plan.install, null, 'nothing is installed in the project');
      assert.equal(await inSandbox(instance, row, `process.stdout.write(require('${name}') + require('alpha/lib/deep/file.js'))`), `${name}@1.0.0deep`);
    }
    const [tree] = await trees(key);
    assert.equal(tree.state, 'ready');
    assert.equal(tree.packages, 2);
    assert.ok(tree.size > 0 && tree.size < 8 * 1024 * 1024, `${tree.size}`);
    assert.deepEqual(await builders(), []);
    assert.deepEqual(await instance.orphans(), []);
  });

  it('a second start takes well under a second more than the app itself', async () => {
    const { files: same } = freshFiles();
    await startApp(instance, await createProject(owner, same));
    const times = [];
    for (let i = 0; i < 3; i++) {
      const { ms, state } = await startApp(instance, await createProject(other, same));
      assert.equal(state.state, 'running');
      times.push(ms);
    }
    assert.ok(Math.min(...times) < 5000, `${times} ms`);
  });

  it('whatever the lockfile looks like, as long as it says the same', async () => {
    const { files: same } = freshFiles();
    const lock = JSON.parse(same['package-lock.json']);
    const entries = Object.entries(lock.packages).reverse();
    lock.packages = Object.fromEntries(entries.map(([path, entry]) => [path, path ? {
      license: 'MIT', funding: 'https://x.example', ...entry, resolved: `https://registry.example/${path.slice(13)}/-/${path.slice(13)}-${entry.version}.tgz`,
    } : entry]));
    const a = await startApp(instance, await createProject(owner, same));
    const b = await startApp(instance, await createProject(other, { ...same, 'package-lock.json': JSON.stringify(lock) }));
    assert.equal(a.row.tree_key, b.row.tree_key);
    assert.notEqual(a.row.tree_key, '');
  });

  it('has the commands of its packages, executable for everybody', async () => {
    const { row } = await startApp(instance, await createProject(owner, files({ '@scope/beta': '1.0.0', alpha: '1.0.0' })));
    assert.equal(await shell(instance, row, ['node_modules/.bin/beta']), 'beta alpha@1.0.0\n');
  });
});

describe('one tenant and the others', () => {
  const poison = `
    const fs = require('fs');
    fs.writeFileSync('node_modules/alpha/index.js', "module.exports = 'poison'");
    fs.appendFileSync('node_modules/alpha/package.json', ' ');
    fs.writeFileSync('node_modules/alpha/new.js', 'x');
    fs.rmSync('node_modules/alpha/lib', { recursive: true });
    fs.renameSync('node_modules/@scope', 'node_modules/@moved');
    fs.mkdirSync('node_modules/evil');
    fs.symlinkSync('/etc', 'node_modules/link');
    fs.rmSync('node_modules/.bin/beta');
    fs.writeFileSync('node_modules/.package-lock.json', '{}');
    process.stdout.write(require('./node_modules/alpha'));`;
  const wanted = { '@scope/beta': '1.0.0', alpha: '1.0.0' };
  const look = `
    const fs = require('fs');
    const walk = (d) => fs.readdirSync(d, { withFileTypes: true }).flatMap((e) => e.isDirectory() ? walk(d + '/' + e.name)
      : [d + '/' + e.name + ' ' + (e.isSymbolicLink() ? fs.readlinkSync(d + '/' + e.name) : require('crypto').createHash('sha1').update(fs.readFileSync(d + '/' + e.name)).digest('hex'))]);
    process.stdout.write(JSON.stringify(walk('node_modules').sort()));`;

  it('what one does to its tree no other sees, before or after', async () => {
    const poisoned = await startApp(instance, await createProject(owner, files(wanted)));
    const running = await startApp(instance, await createProject(other, files(wanted)));
    const clean = await inSandbox(instance, running.row, look);
    assert.equal(await inSandbox(instance, poisoned.row, poison), 'poison');
    assert.equal(poisoned.row.tree_key, running.row.tree_key);
    assert.notEqual(await inSandbox(instance, poisoned.row, look), clean);
    assert.equal(await inSandbox(instance, running.row, look), clean);
    const later = await startApp(instance, await createProject(other, files(wanted)));
    assert.equal(await inSandbox(instance, later.row, look), clean);
    assert.equal(await shell(instance, later.row, ['node_modules/.bin/beta']), 'beta alpha@1.0.0\n');
  });

  it('a tenant can neither reach the image nor make it writable', async () => {
    const { row } = await startApp(instance, await createProject(owner, files(wanted)));
    const target = `${instance.runDir}/trees/${row.tree_key}`;
    const line = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n').find((l) => l.split(' ')[1] === target);
    for (const option of ['ro', 'nosuid', 'nodev', 'noatime']) {
      assert.ok(line.split(' ')[3].split(',').includes(option), line);
    }
    assert.equal(fs.statSync(`${instance.runDir}/trees`).mode & 0o777, 0o700);
    assert.equal(fs.statSync(`${instance.runDir}/modules`).mode & 0o777, 0o700);
    assert.equal(fs.statSync(`${instance.stateDir}/trees`).mode & 0o777, 0o700);
    await assert.rejects(shell(instance, row, ['mount', '-o', 'remount,rw', '/workspace/node_modules']));
    await assert.rejects(shell(instance, row, ['sh', '-c', 'setfattr -n trusted.overlay.redirect -v /etc node_modules/alpha 2>&1 || exit 1']));
    const overlay = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n').find((l) => l.split(' ')[1] === `${instance.runDir}/modules/${row.id}`);
    assert.match(overlay, /overlay rw,nosuid,nodev/);
  });

  it('a tenant keeps what it wrote over a stop, and can install one more package', async () => {
    const project = await createProject(owner, files(wanted));
    const { row } = await startApp(instance, project);
    await inSandbox(instance, row, "require('fs').mkdirSync('node_modules/.cache'); require('fs').writeFileSync('node_modules/.cache/x', 'kept')");
    await shell(instance, row, ['sh', '-c', 'npm install --no-save --no-audit --no-fund --registry "http://$(ip route 2>/dev/null | cut -d" " -f3 | head -1):4873" one-more >/tmp/log 2>&1 || '
      + `npm install --no-save --no-audit --no-fund --registry ${instance.env.SLIPWAY_APP_SUBNET.replace(/0\/\d+$/, '1').replace(/^/, 'http://')}:4873 one-more`]);
    assert.equal(await inSandbox(instance, row, "process.stdout.write(require('one-more') + ' ' + require('@scope/beta'))"), 'one-more@1.0.0 @scope/beta@1.0.0');
    await stopApp(instance, row);
    assert.deepEqual(instance.mounts().filter((m) => m.includes(row.id)), []);
    const again = await startApp(instance, project);
    assert.equal(await inSandbox(instance, again.row, "process.stdout.write(require('fs').readFileSync('node_modules/.cache/x') + require('one-more'))"), 'keptone-more@1.0.0');
  });

  it('another lockfile is another tree, and nothing of the first is left', async () => {
    const project = await createProject(owner, files({ alpha: '1.0.0' }));
    const first = await startApp(instance, project);
    await inSandbox(instance, first.row, "require('fs').writeFileSync('node_modules/mine', 'x')");
    await putFiles(owner, project, files({ alpha: '2.0.0' }));
    const second = await startApp(instance, project);
    assert.notEqual(second.row.tree_key, first.row.tree_key);
    assert.equal(await inSandbox(instance, second.row, "process.stdout.write(require('alpha') + require('fs').existsSync('node_modules/mine'))"), 'alpha@2.0.0false');
  });

  it('from a tree to an installation of its own and back', async () => {
    const project = await createProject(owner, files({ alpha: '1.0.0' }));
    await startApp(instance, project);
    await putFiles(owner, project, files({ alpha: '1.0.0', scripted: '1.0.0' }));
    const own = await startApp(instance, project);
    assert.equal(own.row.tree_key, '');
    assert.equal(own.state.state, 'running', own.state.error);
    assert.equal(await inSandbox(instance, own.row, "process.stdout.write(require('fs').readFileSync('node_modules/scripted/made') + require('alpha'))"), 'by scriptalpha@1.0.0');
    await putFiles(owner, project, files({ alpha: '1.0.0' }));
    const back = await startApp(instance, project);
    assert.notEqual(back.row.tree_key, '');
    assert.equal(await inSandbox(instance, back.row, "process.stdout.write(require('alpha') + require('fs').existsSync('node_modules/scripted'))"), 'alpha@1.0.0false');
  });
});

describe('what is not shared', () => {
  it('packages that run a script: installed for the project alone, and the script ran', async () => {
    const app = await startApp(instance, await createProject(owner, files({ scripted: '1.0.0' })));
    assert.equal(app.row.tree_key, '');
    assert.equal(app.state.state, 'running', app.state.error);
    assert.equal(await inSandbox(instance, app.row, "process.stdout.write(require('fs').readFileSync('node_modules/scripted/made'))"), 'by script');
  });

  it('a lockfile that gives one package\'s hash to another: no tree, remembered, and npm says so', async () => {
    const { files: lying } = freshFiles();
    const lock = JSON.parse(lying['package-lock.json']);
    lock.packages['node_modules/alpha'].integrity = registry.packages.get('alpha').get('2.0.0').integrity;
    const project = await createProject(owner, { ...lying, 'package-lock.json': JSON.stringify(lock) });
    const app = await startApp(instance, project);
    assert.equal(app.row.tree_key, '');
    assert.equal(app.state.state, 'crashed');
    const [failed] = (await trees()).filter((t) => t.state === 'failed');
    assert.match(failed.error, /EINTEGRITY/);
    assert.ok(!images().includes(`${failed.key}.img`));
    const started = (await instance.logs('sandboxd')).split('"event":"tree_build_failed"').length;
    await stopApp(instance, app.row);
    await startApp(instance, project);
    assert.equal((await instance.logs('sandboxd')).split('"event":"tree_build_failed"').length, started, 'not tried again at once');
    assert.deepEqual(await builders(), []);
  });

  it('a package whose lockfile hides its script gets a tree in which the script did not run', async () => {
    const { row } = await startApp(instance, await createProject(other, files({ scripted: '1.0.0', alpha: '2.0.0' }, {
      change: (lock) => delete lock.packages['node_modules/scripted'].hasInstallScript,
    })));
    assert.notEqual(row.tree_key, '');
    assert.equal(await inSandbox(instance, row, "process.stdout.write(String(require('fs').existsSync('node_modules/scripted/made')))"), 'false');
  });
});

describe('when things break', () => {
  it('sandboxd killed while building: nothing is left, and the next start builds', async () => {
    const { name, files: some } = freshFiles();
    let asked;
    const reached = new Promise((resolve) => { asked = resolve; });
    registry.intercept = (request) => {
      if (request.url.includes(`${name}-1.0.0.tgz`)) {
        asked();
        return new Promise(() => {}); // never answers
      }
      return false;
    };
    const project = await createProject(owner, some);
    await askToStart(instance, project);
    await reached;
    assert.equal((await builders()).length, 1);
    instance.service('sandboxd').kill('SIGKILL');
    registry.intercept = undefined;
    await instance.waitReady();
    await waitFor('the builder to be gone', async () => (await builders()).length === 0);
    await waitFor('the row to be gone', async () => (await trees()).every((t) => t.state !== 'building'));
    await waitFor('no orphans', async () => (await instance.orphans()).length === 0);
    const app = await startApp(instance, project);
    assert.equal(app.state.state, 'running', app.state.error);
    assert.match(app.row.tree_key, /^[0-9a-f]{64}$/);
  });

  it('the registry away: no tree and no memory of it', async () => {
    const { files: some } = freshFiles();
    const project = await createProject(owner, some);
    registry.intercept = (request) => request.socket.destroy() && true;
    const [wanted] = Object.keys(JSON.parse(some['package.json']).dependencies);
    const { row } = await startApp(instance, project);
    assert.equal(row.tree_key, '');
    assert.ok(registry.take().some((r) => r.url.includes(wanted)));
    assert.ok((await instance.logs('sandboxd')).includes('tree_build_failed'));
    assert.ok((await trees()).every((t) => !/cannot be reached|502/.test(t.error)), 'not held against the lockfile');
    registry.intercept = undefined;
    await stopApp(instance, row);
    assert.match((await startApp(instance, project)).row.tree_key, /^[0-9a-f]{64}$/);
  });

  it('an image that somebody deleted is built again', async () => {
    const { files: some } = freshFiles();
    const first = await startApp(instance, await createProject(owner, some));
    await stopApp(instance, first.row);
    fs.rmSync(`${instance.stateDir}/trees/${first.row.tree_key}.img`);
    const second = await startApp(instance, await createProject(other, some));
    assert.equal(second.row.tree_key, first.row.tree_key);
    assert.equal(second.state.state, 'running', second.state.error);
  });

  it('the mounts gone, as after a reboot: mounted again on demand', async () => {
    const { files: some } = freshFiles();
    const project = await createProject(owner, some);
    const { row } = await startApp(instance, project);
    await instance.down();
    await instance.up();
    const again = await startApp(instance, project);
    assert.equal(again.row.tree_key, row.tree_key);
    assert.equal(again.state.state, 'running', again.state.error);
  });
});

describe('the budget', () => {
  it('trees unused for longest go, those in use stay', async () => {
    const made = [];
    for (let i = 0; i < 3; i++) {
      const { files: some } = freshFiles(90_000_000);
      const project = await createProject(owner, some);
      const app = await startApp(instance, project);
      assert.match(app.row.tree_key, /^[0-9a-f]{64}$/);
      made.push(app.row);
      await instance.psql("UPDATE trees SET last_used_at = last_used_at - interval '1 hour'");
      if (i === 1) {
        await stopApp(instance, app.row);
      }
    }
    const left = images();
    assert.ok(left.includes(`${made[0].tree_key}.img`), 'the oldest is in use');
    assert.ok(!left.includes(`${made[1].tree_key}.img`), 'nobody uses it');
    assert.ok(left.includes(`${made[2].tree_key}.img`));
    assert.deepEqual((await trees(made[1].tree_key)), []);
    assert.ok(!instance.mounts().some((m) => m.includes(made[1].tree_key)));
    assert.equal(await inSandbox(instance, await rowOf(instance, { id: made[0].project_id }), "process.stdout.write(require('alpha'))"), 'alpha@1.0.0');
  });
});
