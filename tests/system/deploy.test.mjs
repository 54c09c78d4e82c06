// Running it (docs/ARCHITECTURE.md): start, start again, change a setting, stop, come back. The dockerd
// of this installation is its own, because a reboot takes Docker down too.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';

import { ROOT, freePort, printLogsOnFailure, processes, startInstance, startTime, waitFor } from './lib/instance.mjs';

const SERVICES = ['postgres', 'dockerd', 'sandboxd', 'api', 'router', 'nginx'];

let instance;
let project;

before(async () => {
  instance = await startInstance({ ownDocker: true });
  project = (await instance.client().expect(201, 'POST', 'projects', { json: { name: 'Kept' } })).json;
  await writeFile('kept.txt', 'kept');
  await instance.client().expect(200, 'POST', 'execute', {
    json: { code: "require('fs').writeFileSync('/workspace/mark', 'still here')" },
  });
});
after(() => instance?.stop());
afterEach(printLogsOnFailure(() => instance));

function writeFile(name, body) {
  return instance.client().call('PUT', `projects/${project.id}/files/${name}`, { body }).then((answer) => {
    assert.ok(answer.status < 300, answer.text);
  });
}

const pids = () => Object.fromEntries(SERVICES.map((name) => [name, instance.service(name).pid]));

// Its processes, by what they were started from; test scripts of ours are none of them.
function itsProcesses() {
  return processes(({ pid, argv, cwd }) => pid !== process.pid && (
    argv.some((word) => word.includes(instance.stateDir) || word.includes(`${instance.runDir}/`))
    || cwd.startsWith(instance.stateDir)
  )).map(({ pid, argv }) => `${pid} ${argv.join(' ').slice(0, 120)}`);
}

async function assertNothingRuns() {
  await waitFor('no process', () => itsProcesses().length === 0, { ms: 10_000 }).catch(() => {
    assert.deepEqual(itsProcesses(), []);
  });
  assert.deepEqual(instance.mounts(), []);
  assert.deepEqual(await instance.loops(), []);
  assert.equal(fs.existsSync(instance.runDir), false, 'its run directory is gone');
}

async function assertNothingLost() {
  const client = instance.client();
  const file = await client.expect(200, 'GET', `projects/${project.id}/files/kept.txt`);
  assert.equal(file.text, 'kept');
  const { json } = await client.expect(200, 'POST', 'execute', {
    json: { code: "process.stdout.write(require('fs').readFileSync('/workspace/mark', 'utf8'))" },
  });
  assert.equal(json.output, 'still here', 'the sandbox has its workspace');
  assert.deepEqual(await instance.orphans(), []);
}

describe('a second run', () => {
  it('takes less than 15 s, changes nothing and starts nothing again', async () => {
    const before = { pids: pids(), key: instance.apiKey, password: instance.adminPassword };
    const began = performance.now();
    await instance.prepare();
    await instance.up();
    const seconds = (performance.now() - began) / 1000;
    assert.deepEqual({ pids: pids(), key: instance.apiKey, password: instance.adminPassword }, before);
    assert.ok(seconds < 15, `it took ${seconds.toFixed(1)} s`);
    await assertNothingLost();
  });

  it('starts again only what a changed setting touches', async () => {
    const old = pids();
    instance.env.SLIPWAY_RUN_TIMEOUT_MS = '9000';
    const output = await instance.prepare();
    assert.match(output, /SLIPWAY_RUN_TIMEOUT_MS taken from the environment/);
    await instance.up();
    const now = pids();
    assert.equal(now.postgres, old.postgres);
    assert.equal(now.dockerd, old.dockerd);
    assert.notEqual(now.api, old.api);
    assert.match(fs.readFileSync(`${instance.stateDir}/slipway.env`, 'utf8'), /^SLIPWAY_RUN_TIMEOUT_MS=9000$/m);
    await assertNothingLost();
  });

  it('keeps what somebody wrote into the settings', async () => {
    const file = `${instance.stateDir}/slipway.env`;
    fs.appendFileSync(file, '# mine\nSLIPWAY_SESSION_DAYS=7\n');
    await instance.prepare();
    assert.match(fs.readFileSync(file, 'utf8'), /# mine\nSLIPWAY_SESSION_DAYS=7\n/);
    const { mode } = fs.statSync(file);
    assert.equal(mode & 0o777, 0o640);
  });

  it('refuses a setting that is wrong, naming it, and leaves everything running', async () => {
    const old = pids();
    const file = `${instance.stateDir}/slipway.env`;
    const text = fs.readFileSync(file, 'utf8');
    const wrong = { ...instance.env, SLIPWAY_POOL_RUN: '0' };
    const error = await instance.script('prepare', [], { env: wrong }).catch((e) => e);
    assert.match(error.message, /SLIPWAY_POOL_RUN must be between 1 and 256/);
    assert.deepEqual(pids(), old);
    assert.equal(fs.readFileSync(file, 'utf8'), text);
  });

  it('waits for nobody: a second one at the same time is told so', async () => {
    const holder = spawn('flock', [`${instance.stateDir}/.lock`, 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    const error = await instance.up().catch((e) => e);
    assert.match(error.message, /another deploy\.sh is at work/);
    holder.stdin.end();
    await new Promise((resolve) => holder.on('exit', resolve));
  });
});

describe('the main job, as deploy.sh does it', () => {
  const script = (name, ...words) => execFileSync(`${ROOT}/scripts/${name}`, [`${instance.stateDir}/slipway.env`, ...words],
    { env: instance.env, encoding: 'utf8', timeout: 240_000 });
  const link = () => script('preview-link').trim();

  it('is shown as it happens and ends in a link that opens the app, for as long as somebody wants it', async () => {
    assert.equal(link(), '', 'there is no demo yet');
    const shown = script('demo', 'Create a simple express server');
    for (const words of ['"Create a simple express server"', 'package.json', 'it listens on port', 'preview http', 'done']) {
      assert.ok(shown.includes(words), `${words}: ${shown}`);
    }
    const first = link();
    assert.match(first, /^http:\/\/[a-z0-9-]+\.preview\.localhost:\d+\/\.slipway\/share\/[\w-]{22,}$/);
    assert.equal(link(), first);
    const demo = fs.readFileSync(`${instance.stateDir}/demo-project`, 'utf8').trim();
    const { items } = (await instance.client().expect(200, 'GET', `projects/${demo}/shares`)).json;
    assert.equal(items.length, 1);
    await instance.client().expect(204, 'DELETE', `projects/${demo}/shares/${items[0].id}`);
    const second = link();
    assert.notEqual(second, first);
    assert.equal(link(), second);
    await instance.client().expect(204, 'DELETE', `projects/${demo}`);
    assert.equal(link(), '');
  });
});

describe('another installation', () => {
  it('may not use the same run directory while this one runs', async () => {
    const stateDir = `${instance.stateDir}/other`;
    const env = { ...instance.env, SLIPWAY_STATE_DIR: stateDir };
    await instance.script('prepare', [], { env });
    const error = await instance.script('up', [], { env }).catch((e) => e);
    assert.match(error.message, new RegExp(`the installation in ${instance.stateDir} is using ${instance.runDir}`));
    await assertNothingLost();
    fs.rmSync(stateDir, { recursive: true });
  });
});

describe('the files it leaves', () => {
  it('are secret where they hold secrets', () => {
    for (const [name, mode] of [['api-key', 0o600], ['admin-password', 0o600], ['disks', 0o700], ['postgres', 0o700]]) {
      assert.equal(fs.statSync(`${instance.stateDir}/${name}`).mode & 0o777, mode, name);
    }
  });

  it('let each account open its own sockets and no other', () => {
    const may = (account, socket) => {
      try {
        const who = account === 'nobody' ? ['--regid=nogroup', '--clear-groups'] : [`--regid=${account}`, '--init-groups'];
        execFileSync('setpriv', [`--reuid=${account}`, ...who, 'test', '-w', socket]);
        return true;
      } catch {
        return false;
      }
    };
    const run = instance.runDir;
    const table = {
      [`${run}/fcgi/short.sock`]: { 'slipway-web': true, 'slipway-api': true, 'slipway-db': false, nobody: false },
      [`${run}/broker/sandboxd.sock`]: { 'slipway-web': false, 'slipway-api': true, 'slipway-db': false, nobody: false },
      [`${run}/postgres/.s.PGSQL.5432`]: { 'slipway-web': false, 'slipway-api': true, 'slipway-db': true, nobody: false },
      [`${run}/nginx/local.sock`]: { 'slipway-web': false, 'slipway-api': false, nobody: false },
      [instance.env.SLIPWAY_DOCKER_SOCKET]: { 'slipway-web': false, 'slipway-api': false, 'slipway-db': false, nobody: false },
    };
    for (const [socket, accounts] of Object.entries(table)) {
      for (const [account, expected] of Object.entries(accounts)) {
        assert.equal(may(account, socket), expected, `${account} and ${socket}`);
      }
    }
  });

  it('have services run as whom they should, with nothing more', () => {
    const status = (pid) => Object.fromEntries(fs.readFileSync(`/proc/${pid}/status`, 'utf8').split('\n')
      .map((line) => line.split(/:\s*/)));
    for (const pid of [instance.service('api').pid, ...instance.service('api').children]) {
      const s = status(pid);
      assert.notEqual(s.Uid.split('\t')[0], '0');
      assert.equal(BigInt(`0x${s.CapEff}`), 0n);
      assert.equal(BigInt(`0x${s.CapBnd}`), 0n);
      assert.equal(s.NoNewPrivs, '1');
    }
    // A shell that starts something in the background has it ignore INT and QUIT.
    for (const name of SERVICES) {
      const ignored = BigInt(`0x${status(instance.service(name).pid).SigIgn}`);
      assert.equal(ignored & 0b110n, 0n, `${name} does not inherit ignored signals`);
    }
    for (const pid of instance.service('nginx').children) {
      assert.notEqual(status(pid).Uid.split('\t')[0], '0');
    }
  });
});

describe('status and logs', () => {
  it('say what runs', async () => {
    const output = await instance.script('status');
    for (const name of SERVICES) {
      assert.match(output, new RegExp(`^${name} +running, pid ${instance.service(name).pid}`, 'm'));
    }
    assert.match(output, /"ready": true/);
  });

  it('show one service and know the names of all', async () => {
    assert.match(await instance.logs('api'), /"event":"request"/);
    const error = await instance.logs('apache').catch((e) => e);
    assert.match(error.message, /no service 'apache'[^]*postgres dockerd sandboxd api router nginx/);
  });

  it('bound the logs on disk', () => {
    for (const name of SERVICES) {
      assert.match(fs.readFileSync(`${instance.stateDir}/log/${name}/config`, 'utf8'), /^s\d+\nn\d+\nN\d+$/m);
    }
  });
});

describe('down and up', () => {
  it('leaves nothing running, mounted or attached, and comes back with everything', async () => {
    await instance.down();
    await assertNothingRuns();
    const error = await instance.script('status').catch((e) => e);
    assert.match(error.message, /api +not running/);
    await instance.up();
    await assertNothingLost();
  });

  it('may be repeated', async () => {
    await instance.down();
    await instance.down();
    await assertNothingRuns();
    await instance.up();
    await assertNothingLost();
  });

  it('leaves Docker\'s directory alone when its operator mounted something there', async () => {
    const data = `${instance.stateDir}/docker`;
    const volume = `${instance.stateDir}/volume`;
    await instance.down();
    fs.renameSync(data, volume);
    fs.mkdirSync(data);
    execFileSync('mount', ['--bind', volume, data]);
    try {
      await instance.up();
      await assertNothingLost();
      await instance.down();
      execFileSync('mountpoint', ['--quiet', data]);
    } finally {
      await instance.down();
      execFileSync('umount', [data]);
      fs.rmdirSync(data);
      fs.renameSync(volume, data);
    }
    await instance.up();
    await assertNothingLost();
  });

  it('names who has the port', async () => {
    await instance.down();
    const server = net.createServer().listen(instance.port, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const error = await instance.up().catch((e) => e);
    server.close();
    assert.match(error.message, new RegExp(`port ${instance.port} is taken: .*pid=${process.pid}`));
    await instance.up();
    await assertNothingLost();
  });

  it('comes back after the power went', async () => {
    // Everything dies where it stands; /run is empty and no mount is there after the boot.
    const doomed = () => processes(({ pid, argv, cwd }) => pid !== process.pid && (
      argv.some((word) => word.includes(instance.stateDir) || word.includes(instance.runDir))
      || cwd.startsWith(instance.stateDir)));
    const containers = (await instance.docker('inspect', '--format', '{{.State.Pid}}', ...(await instance.containers({ running: true }))))
      .split('\n').map(Number);
    const workers = SERVICES.flatMap((name) => [instance.service(name).pid, ...instance.service(name).children]);
    const supervisor = Number(fs.readFileSync(`${instance.runDir}/supervisor`, 'utf8').split(' ')[0]);
    const runsvs = processes((p) => p.ppid === supervisor).map((p) => p.pid);
    const loggers = processes((p) => runsvs.includes(p.ppid)).map((p) => p.pid);
    const all = [supervisor, ...runsvs, ...loggers, ...workers, ...containers, ...doomed().map((p) => p.pid)];
    for (const pid of all) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it went with its parent
      }
    }
    await waitFor('all dead', () => {
      doomed().forEach(({ pid }) => process.kill(pid, 'SIGKILL'));
      return all.every((pid) => startTime(pid) === undefined) && doomed().length === 0;
    }, { ms: 20_000 });
    const mounted = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[4])
      .filter((point) => point?.startsWith(instance.runDir) || point?.startsWith(instance.stateDir));
    for (const point of mounted.sort().reverse()) {
      execFileSync('umount', [point]);
    }
    fs.rmSync(instance.runDir, { recursive: true });

    await instance.up();
    await assertNothingLost();
  });
});

describe('what its owner changed', () => {
  it('is no reason to fail: a key that was deleted is made anew, for the same owner', async () => {
    await instance.psql(`DELETE FROM api_keys; UPDATE users SET email = 'grace@example.com' WHERE role = 'owner'`);
    const old = instance.apiKey;
    assert.match(await instance.up(), /the API key of .* was deleted: a new one is made/);
    assert.notEqual(instance.apiKey, old);
    assert.equal((await instance.client().expect(200, 'GET', 'me')).json.email, 'grace@example.com');
    fs.rmSync(`${instance.stateDir}/api-key`);
    fs.rmSync(`${instance.stateDir}/admin-password`);
    await instance.up();
    assert.equal((await instance.client().expect(200, 'GET', 'me')).json.email, 'grace@example.com');
    assert.equal(await instance.psql('SELECT count(*) FROM users'), '1');
    assert.equal(fs.existsSync(`${instance.stateDir}/admin-password`), false, 'nobody asked for another password');
    await assertNothingLost();
  });
});

describe('a PostgreSQL of somebody else', () => {
  let directory;
  let server;
  let guest;

  after(async () => {
    await guest?.stop();
    server?.kill('SIGINT');
    await waitFor('PostgreSQL ended', () => server?.exitCode !== null);
    fs.rmSync(directory, { recursive: true, force: true });
  });

  it('is used when DATABASE_URL names it, and no cluster of our own is made', async () => {
    const version = fs.readdirSync('/usr/lib/postgresql').sort((a, b) => a - b).at(-1);
    const bin = `/usr/lib/postgresql/${version}/bin`;
    const as = ['--reuid=slipway-db', '--regid=slipway-db', '--init-groups'];
    const port = await freePort();
    directory = fs.mkdtempSync('/tmp/slipway-test-postgres-');
    execFileSync('chown', ['slipway-db', directory]);
    execFileSync('setpriv', [...as, `${bin}/initdb`, '-D', `${directory}/data`, '-U', 'somebody', '-A', 'trust', '--no-sync'],
      { stdio: 'pipe' });
    server = spawn('setpriv', [...as, `${bin}/postgres`, '-D', `${directory}/data`, '-p', String(port), '-h', '127.0.0.1',
      '-k', directory], { stdio: 'ignore' });
    await waitFor('PostgreSQL', () => {
      execFileSync(`${bin}/pg_isready`, ['-q', '-h', '127.0.0.1', '-p', String(port)], { stdio: 'pipe' });
      return true;
    });
    guest = await startInstance({ env: { DATABASE_URL: `postgresql://somebody@127.0.0.1:${port}/postgres` } });
    assert.equal(fs.existsSync(`${guest.stateDir}/postgres`), false);
    assert.equal(guest.service('postgres').pid, undefined);
    const { json } = await guest.client().expect(200, 'POST', 'execute', { json: { code: 'console.log(1+1)' } });
    assert.equal(json.output, '2\n');
  });
});

describe('deploy.sh', () => {
  it('says what it can do, and refuses what it cannot', () => {
    const help = execFileSync(`${ROOT}/deploy.sh`, ['help']).toString();
    for (const verb of ['down', 'status', 'logs', 'restart']) {
      assert.match(help, new RegExp(`deploy\\.sh ${verb}`));
    }
    assert.throws(() => execFileSync(`${ROOT}/deploy.sh`, ['destroy'], { stdio: 'pipe' }), { status: 2 });
    const nowhere = { PATH: process.env.PATH, SLIPWAY_STATE_DIR: '/var/lib/slipway-test-nowhere' };
    assert.throws(() => execFileSync(`${ROOT}/deploy.sh`, ['status'], { env: nowhere, stdio: 'pipe' }),
      (e) => /nothing is installed here/.test(e.stderr.toString()));
  });
});
