// Install scripts are the tenant's own code, in the tenant's own sandbox: what they may do there hurts
// nobody else, and not even the next start.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';
import { Previews } from './lib/preview.mjs';

const ENDED = ['running', 'crashed', 'failed', 'exited'];
const SERVER = "require('http').createServer((q, r) => r.end('up')).listen(process.env.PORT);\n";

let instance;
let previews;

before(async () => {
  instance = await startInstance({ env: { SLIPWAY_APP_DISK_MB: '256', SLIPWAY_INSTALL_TIMEOUT_S: '20' } });
  previews = new Previews(instance);
});
after(() => instance?.stop());
afterEach(printLogsOnFailure(() => instance));

const DEP = JSON.stringify({ name: 'dep', version: '1.0.0' }); // so that there is something to install
const manifest = (postinstall) => JSON.stringify({
  scripts: { dev: 'node server.js', ...(postinstall && { postinstall }) }, dependencies: { dep: 'file:dep' },
});

// Starts a project whose install script is this; how the start ended.
async function startWith(script) {
  const project = await previews.project({
    files: { 'server.js': SERVER, 'dep/package.json': DEP, 'install.js': script, 'package.json': manifest('node install.js') },
  });
  await previews.api('POST', `projects/${project.id}/start`, { json: {} });
  const status = await waitFor('the start ended', async () => {
    const now = await previews.status(project);
    return ENDED.includes(now.state) && now;
  }, { ms: 90_000, every: 100 });
  return { project, status };
}

// The same project with a script that does nothing starts; so does a stranger's.
async function assertUnharmed(project) {
  await previews.put(project, 'package.json', manifest());
  await previews.api('POST', `projects/${project.id}/start`, { json: {} });
  await waitFor('it runs', async () => (await previews.status(project)).state === 'running', { ms: 60_000, every: 100 });
  const page = await previews.get(project.preview_url, { headers: { cookie: await previews.cookie(project) } });
  assert.equal(page.text, 'up');
  const other = await previews.project({ files: { 'server.js': SERVER, 'dep/package.json': DEP, 'package.json': manifest() } });
  await previews.start(other);
  await previews.api('DELETE', `projects/${other.id}`);
}

// Processes in the sandbox beside the agent, its supervisors, npm and the app.
async function commands(project) {
  const container = await instance.psql(`SELECT container_id FROM sandboxes WHERE project_id = '${project.id}'`);
  return (await instance.docker('top', container, '-eo', 'pid,args')).split('\n').slice(1);
}

describe('an install script that', () => {
  it('forks without end ends with the install, and leaves nothing', async () => {
    const { project } = await startWith(`
      const { spawn } = require('child_process');
      for (let i = 0; i < 1000; i++) {
        spawn('setsid', ['sh', '-c', 'while :; do sleep 0.01 & done'], { detached: true, stdio: 'ignore' }).on('error', () => {});
      }
      setTimeout(() => {}, 60_000);`);
    await assertUnharmed(project);
    const left = (await commands(project)).filter((args) => /sleep|while/.test(args));
    assert.deepEqual(left, []);
  });

  it('fills the disk gets ENOSPC, and says so', async () => {
    const { project, status } = await startWith(`
      const fs = require('fs');
      const fd = fs.openSync('big', 'w');
      for (;;) fs.writeSync(fd, Buffer.alloc(1 << 20));`);
    assert.equal(status.state, 'crashed');
    assert.match(status.error, /ENOSPC|no space/i);
    await previews.put(project, 'install.js', "require('fs').rmSync('big', { force: true })");
    await previews.put(project, 'package.json', manifest('node install.js'));
    await previews.api('POST', `projects/${project.id}/execute`, { json: { code: "require('fs').rmSync('/workspace/big', { force: true })" } });
    await assertUnharmed(project);
  });

  it('phones out reaches nobody', async () => {
    const { project, status } = await startWith(`
      const net = require('net'), dns = require('dns'), fs = require('fs');
      const gateway = new URL(process.env.npm_config_registry).hostname;
      const dial = (host, port) => new Promise((resolve) => {
        const s = net.connect({ host, port, timeout: 1500 }, () => resolve(host + ':' + port + ' answered'));
        s.on('error', (e) => resolve(e.code)).on('timeout', () => { s.destroy(); resolve('timeout'); });
      });
      const name = new Promise((resolve) => dns.lookup('example.com', (e, a) => resolve(e ? e.code : a + ' answered')));
      Promise.all([dial('192.0.2.1', 80), dial('169.254.169.254', 80), dial(gateway, ${instance.port}), dial(gateway, 22), name])
        .then((all) => { fs.writeFileSync('phoned.txt', all.join('\\n')); process.exit(0); });`);
    assert.equal(status.state, 'running', JSON.stringify(status));
    const { output } = await previews.api('POST', `projects/${project.id}/execute`, {
      json: { code: "process.stdout.write(require('fs').readFileSync('/workspace/phoned.txt', 'utf8'))" },
    });
    assert.equal(output.split('\n').length, 5);
    assert.ok(!output.includes('answered'), output);
  });
});
