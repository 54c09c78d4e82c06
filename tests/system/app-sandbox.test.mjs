// Sandboxes of apps: their port and its secret, disk, places, and starting them, on the real Docker and PostgreSQL.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { NOTHING, SandboxdFixture, run, until } from './lib/sandboxd-fixture.mjs';

const MIB = 1024 * 1024;
const START_MS = 30_000;

const SERVER = (words) => `require('node:http').createServer((q, r) => r.end(${JSON.stringify(words)})).listen(process.env.PORT);`;

const f = new SandboxdFixture();

before(async () => {
  f.create();
  await f.start();
});
after(() => f.destroy());
beforeEach(() => f.clean());
afterEach((t) => {
  if (t.error) {
    process.stderr.write(`${f.lastLog()}\n`);
  }
});

// A user with a project that serves `words`.
function app(words = 'hello') {
  const user = f.user();
  const project = f.project(user);
  f.version(user, project, { 'index.js': SERVER(words) });
  return { user, project };
}

function rowOf(project) {
  const [row] = f.db.query(`SELECT id FROM sandboxes WHERE project_id = '${project}'`);
  return row && { id: row[0], ...f.row(row[0]) };
}

// The row once the job is done, well or not.
async function settledStart(project) {
  let row;
  await until(() => {
    row = rowOf(project);
    return row && row.phase === '' && ['running', 'failed'].includes(row.actual_state);
  }, `the start of ${project} ends`, START_MS).catch((e) => {
    throw new Error(`${e.message}\n${JSON.stringify(row)}\n${f.lastLog()}`);
  });
  return row;
}

async function started({ user, project }, restart = false) {
  await f.startApp(user, project, restart);
  const row = await settledStart(project);
  assert.equal(row.actual_state, 'running', `${row.error}\n${f.lastLog()}`);
  return row;
}

// What the relay says to a preamble, and behind it.
function relay(port, preamble, request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n') {
  return new Promise((resolve, reject) => {
    const c = net.connect(Number(port), '127.0.0.1');
    let text = '';
    c.setTimeout(20_000, () => c.destroy(new Error('silent')));
    c.on('data', (d) => {
      if (text === '' && d.toString().startsWith('OK')) {
        c.write(request);
      }
      text += d;
    });
    c.on('error', reject);
    c.on('close', () => resolve(text));
    c.write(preamble);
  });
}

const page = (row) => relay(row.port, `SLW1 ${row.relay_secret} 0 10000\n`);

describe('the sandbox of a project', () => {
  it('has the limits of an app', async () => {
    const { user, project } = app();
    const box = await f.ensure(user, project);
    assert.equal(box.profile, 'app');
    const { Config, HostConfig, Mounts } = f.inspect(box);
    const { Memory, MemorySwap, NanoCpus, PidsLimit } = HostConfig;
    assert.deepEqual({ Memory, MemorySwap, NanoCpus, PidsLimit },
      { Memory: 1024 * MIB, MemorySwap: 1024 * MIB, NanoCpus: 1e9, PidsLimit: 256 });
    assert.deepEqual([HostConfig.CapDrop, HostConfig.CapAdd, HostConfig.ReadonlyRootfs, HostConfig.NetworkMode],
      [['ALL'], ['SETUID', 'SETGID', 'KILL'], true, `slipway-${f.tag}`]);
    const where = Object.fromEntries(Mounts.filter((m) => m.Type === 'bind').map((m) => [m.Destination, m.Source]));
    assert.equal(where['/workspace'], `${f.run}/disks/${box.id}/workspace`);
    assert.equal(where['/home/app'], `${f.run}/disks/${box.id}/home`);
    const env = Object.fromEntries(Config.Env.map((line) => line.split(/=(.*)/s)));
    assert.equal(env.SLIPWAY_REGISTRY, `http://${f.gateway}:4873/`);
    assert.equal(env.SLIPWAY_RELAY_SECRET, f.row(box.id).relay_secret);
    assert.deepEqual(f.db.query(`SELECT state, port FROM routes WHERE project_id = '${project}'`), [['running', f.row(box.id).port]]);
  });

  it('has a disk with room for many small files, of which it sees its own parts', async () => {
    const { user, project } = app();
    const box = await f.ensure(user, project);
    const uid = f.row(box.id).host_uid;
    const [inodes] = run('df', ['--output=itotal', `${f.run}/disks/${box.id}`]).split('\n').slice(1);
    assert.ok(Number(inodes) >= 500_000, inodes);
    const inside = (script) => run('docker', ['exec', '-u', `${uid}:${uid}`, `slipway-${f.tag}-${box.id}`, 'sh', '-c', script]).trim();
    assert.equal(inside('touch /workspace/a /home/app/b && cat /etc/resolv.conf | head -1 && node -p "os.userInfo().homedir"'),
      'nameserver 127.0.0.1\n/home/app');
    assert.deepEqual(fs.readdirSync(`${f.run}/disks/${box.id}`).sort(), ['home', 'modules', 'workspace']);
    assert.equal(inside('ls -d /modules /workspace/../modules 2>/dev/null; node -e "require(\'net\').createServer().listen(80, \'::1\', () => { console.log(\'listens\'); process.exit(); })"'),
      'listens');
  });

  it('replaces the script sandbox of an earlier release', async () => {
    const { user, project } = app();
    const old = await f.ensure(user, project);
    f.db.query(`UPDATE sandboxes SET profile = 'script' WHERE id = '${old.id}'`);
    const box = await f.ensure(user, project);
    assert.notEqual(box.id, old.id);
    assert.equal(box.profile, 'app');
  });
});

describe('starting an app', () => {
  it('answers at once, and the app answers through the relay', async () => {
    const times = [];
    for (const other of [app(), app()]) {
      const since = performance.now();
      assert.equal((await f.startApp(other.user, other.project)).phase, 'waiting');
      times.push(performance.now() - since);
    }
    assert.ok(Math.min(...times) < 500, `${times}`);
    const one = app('first words');
    assert.equal((await f.startApp(one.user, one.project)).phase, 'waiting');
    const row = await settledStart(one.project);
    assert.equal(row.actual_state, 'running', row.error);
    assert.equal(row.hydrated_version, '1');
    assert.match(await page(row), /^OK \d+\nHTTP\/1\.1 200 OK\r\n[^]*first words$/);
    assert.match(await relay(row.port, `SLW1 ${'0'.repeat(64)} 0 1000\n`), /^NO secret /);
  });

  it('again brings the newest files, and restarts when asked to', async () => {
    const one = app('old');
    const row = await started(one);
    assert.match(await page(row), /old$/);
    f.version(one.user, one.project, { 'index.js': SERVER('new') });
    const again = await started(one, true);
    assert.equal(again.container_id, row.container_id);
    await until(() => f.row(row.id).hydrated_version === '2', 'the files are there');
    await until(async () => /new$/.test(await page(f.row(row.id))), 'the new words are served', START_MS);
  });

  it('twice at once is one start', async () => {
    const one = app();
    const answers = await Promise.all([f.startApp(one.user, one.project), f.startApp(one.user, one.project), f.call('POST', '/v1/apps/wake', { project_id: one.project })]);
    assert.equal(answers[0].id, answers[1].id);
    const row = await settledStart(one.project);
    assert.equal(row.actual_state, 'running', row.error);
    const starts = () => f.events('sandbox_started').filter((e) => e.sandbox === row.id).length;
    await until(() => starts() > 0 && f.events('app_started').filter((e) => e.sandbox === row.id).length > 0, 'it says so');
    assert.equal(starts(), 1);
  });

  it('while the project is deleted leaves nothing', async () => {
    for (const delay_ms of [0, 30, 100, 250, 400, 600]) {
      const one = app();
      const { id } = await f.startApp(one.user, one.project);
      await new Promise((resolve) => { setTimeout(resolve, delay_ms); });
      f.db.query(`UPDATE projects SET deleted_at = now() WHERE id = '${one.project}'`);
      await f.expect(204, 'DELETE', `/v1/sandboxes/${id}`);
    }
    await f.settled();
    await until(() => JSON.stringify(f.leftovers()) === JSON.stringify(NOTHING), 'nothing is left', START_MS);
    assert.deepEqual(f.db.query('SELECT port FROM ports WHERE sandbox_id IS NOT NULL'), []);
  });

  it('is given up when it is stopped', async () => {
    for (const delay_ms of [0, 50, 200, 400]) {
      const one = app();
      const { id } = await f.startApp(one.user, one.project);
      await new Promise((resolve) => { setTimeout(resolve, delay_ms); });
      await f.expect(200, 'POST', `/v1/sandboxes/${id}/stop`);
      await until(() => f.row(id).actual_state === 'stopped' && f.row(id).phase === '', 'it is stopped', START_MS);
      assert.equal((await started(one)).id, id);
    }
  });

  // The start has found that it is not cancelled and is about to say so in the row when the stop comes.
  it('is given up when it is stopped in the middle of a step', async () => {
    const one = app();
    const givenUp = () => f.events('start_given_up').filter((e) => e.project === one.project).length;
    const release = await f.db.holdPhase('sandbox');
    const { id } = await f.startApp(one.user, one.project);
    await until(() => f.db.waiting() === 1, 'the start waits for the row');
    const stopped = f.expect(200, 'POST', `/v1/sandboxes/${id}/stop`);
    const patience = performance.now() + 500;
    await until(() => f.db.waiting() === 2 || performance.now() > patience, 'the stop is on its way');
    await release();
    assert.equal((await stopped).state, 'stopped');
    await until(() => givenUp() === 1, 'the start is given up');
    assert.deepEqual([f.row(id).actual_state, f.row(id).phase], ['stopped', '']);
    assert.deepEqual(f.containers(), []);
    await started(one);
  });

  it('that fails says why in the row, and the next try can succeed', async () => {
    await f.restart({ SLIPWAY_DISK_BUDGET_MB: '64' });
    fs.writeFileSync(`${f.state}/disks/full.img`, Buffer.alloc(70 * MIB, 1));
    const one = app();
    await f.startApp(one.user, one.project);
    const row = await settledStart(one.project);
    assert.equal(row.actual_state, 'failed');
    assert.match(row.error, /SLIPWAY_DISK_BUDGET_MB allows/);
    fs.rmSync(`${f.state}/disks/full.img`);
    await started(one);
    await f.restart();
  });

  it('is not forgotten in a phase by a sandboxd that dies', async () => {
    const one = app();
    for (const delay_ms of [0, 60, 200, 350]) {
      await f.startApp(one.user, one.project);
      await new Promise((resolve) => { setTimeout(resolve, delay_ms); });
      await f.end('SIGKILL');
      await f.start();
      await until(() => rowOf(one.project).phase === '', 'the phase is cleared', START_MS);
      await f.settled();
    }
    await started(one);
  });
});

describe('waking', () => {
  it('is for apps with files that nobody stopped', async () => {
    const one = app();
    const answer = await f.expect(202, 'POST', '/v1/apps/wake', { project_id: one.project });
    assert.equal(answer.phase, 'waiting');
    assert.equal((await settledStart(one.project)).actual_state, 'running');
    f.db.query(`UPDATE projects SET app_stopped = true WHERE id = '${one.project}'`);
    await f.expect(409, 'POST', '/v1/apps/wake', { project_id: one.project });
    await f.expect(404, 'POST', '/v1/apps/wake', { project_id: f.project(one.user) });
    await f.expect(404, 'POST', '/v1/apps/wake', { project_id: one.user });
    await f.expect(400, 'POST', '/v1/apps/wake', { project_id: 'x' });
  });

  it('is all that the router may ask for', () => {
    const passwd = spawnSync('getent', ['passwd', 'slipway-router'], { encoding: 'utf8' }).stdout.split(':');
    const group = run('getent', ['group', 'slipway-broker']).split(':');
    assert.ok(passwd.length > 3, 'there is an account slipway-router');
    const ask = (method, target) => spawnSync(process.execPath, ['-e', `
      const r = require('node:http').request({ socketPath: ${JSON.stringify(f.socket)}, method: '${method}', path: '${target}', headers: { 'content-length': 2 } },
        (a) => { console.log(a.statusCode); a.resume(); });
      r.on('error', (e) => console.log(e.code)); r.end('{}');`],
    { encoding: 'utf8', uid: Number(passwd[2]), gid: Number(group[2]), cwd: '/', timeout: 20_000 }).stdout.trim();
    assert.deepEqual([ask('POST', '/v1/apps/wake'), ask('POST', '/v1/apps/start'), ask('GET', '/v1/sandboxes'), ask('GET', '/v1/apps/wake')],
      ['400', '403', '403', '403']);
  });
});

describe('a port', () => {
  it('is one sandbox\'s, rests afterwards, and its secret is new at each start', async () => {
    const apps = [app(), app(), app()];
    const rows = await Promise.all(apps.map((one) => started(one)));
    assert.equal(new Set(rows.map((r) => r.port)).size, 3);
    await f.expect(200, 'POST', `/v1/sandboxes/${rows[0].id}/stop`);
    assert.deepEqual([f.row(rows[0].id).port, f.row(rows[0].id).relay_secret], ['', '']);
    const again = await started(apps[0]);
    assert.ok(!rows.map((r) => r.port).includes(again.port), `${again.port} did not rest`);
    assert.notEqual(again.relay_secret, rows[0].relay_secret);
    f.db.query('UPDATE ports SET released_at = now() WHERE sandbox_id IS NULL');
    f.db.query(`UPDATE ports SET released_at = now() - interval '61 s' WHERE port = ${rows[0].port}`);
    await f.expect(200, 'POST', `/v1/sandboxes/${again.id}/stop`);
    assert.equal((await started(apps[0])).port, rows[0].port);
    f.db.query('UPDATE ports SET released_at = \'-infinity\' WHERE sandbox_id IS NULL');
  });

  it('that another program has is left alone', async () => {
    const [[port]] = f.db.query('SELECT min(port) FROM ports WHERE sandbox_id IS NULL AND released_at = \'-infinity\'');
    const server = net.createServer().listen(Number(port), '127.0.0.1');
    await new Promise((resolve) => { server.on('listening', resolve); });
    try {
      const row = await started(app());
      assert.notEqual(row.port, port);
      assert.equal(f.events('port_taken').some((e) => e.port === Number(port)), true);
    } finally {
      server.close();
    }
  });

  it('is given back by a sandbox that is gone', async () => {
    const one = app();
    const row = await started(one);
    await f.end('SIGKILL');
    run('docker', ['rm', '-f', `slipway-${f.tag}-${row.id}`]);
    await f.start();
    await until(() => f.row(row.id).actual_state === 'stopped', 'the row is stopped');
    await f.settled();
    assert.deepEqual(f.db.query('SELECT port FROM ports WHERE sandbox_id IS NOT NULL'), []);
    assert.equal((await started(one)).actual_state, 'running');
  });
});

describe('places', () => {
  it('of sandboxes idle for a minute are given to apps, of others not', async () => {
    await f.restart({ SLIPWAY_SANDBOXES_MAX: '2' });
    const apps = [app(), app(), app()];
    const rows = [await started(apps[0]), await started(apps[1])];
    await f.startApp(apps[2].user, apps[2].project);
    await until(() => rowOf(apps[2].project)?.phase === 'waiting', 'it waits');
    assert.deepEqual(rows.map((r) => f.row(r.id).actual_state), ['running', 'running']);
    f.db.query(`UPDATE sandboxes SET last_activity_at = now() - interval '61 s' WHERE id = '${rows[1].id}'`);
    const third = await settledStart(apps[2].project);
    assert.equal(third.actual_state, 'running', third.error);
    assert.deepEqual(rows.map((r) => f.row(r.id).actual_state), ['running', 'stopped']);
    // One that is stopped makes room at once.
    await f.startApp(apps[1].user, apps[1].project);
    await until(() => rowOf(apps[1].project).phase === 'waiting', 'it waits');
    await f.expect(200, 'POST', `/v1/sandboxes/${rows[0].id}/stop`);
    assert.equal((await settledStart(apps[1].project)).actual_state, 'running');
    await f.restart();
  });

  it('are kept by an app until it listens', async () => {
    await f.restart({ SLIPWAY_IDLE_STOP_S: '2' });
    const one = app();
    f.version(one.user, one.project, { 'index.js': `setTimeout(() => { ${SERVER('late')} }, 8000)` });
    const since = performance.now();
    const row = await started(one);
    await until(() => f.row(row.id).actual_state === 'stopped', 'it is stopped', 30_000);
    assert.ok(performance.now() - since > 8000, 'not while it starts');
    await f.restart();
  });

  it('of one user are bounded, and room is made among that user\'s own', async () => {
    await f.restart({ SLIPWAY_USER_SANDBOXES_MAX: '1' });
    const [one, neighbour] = [app(), app()];
    const rows = [await started(one), await started(neighbour)];
    const script = { user_id: one.user, project_id: null, profile: 'script' };
    const { detail } = await f.expect(429, 'POST', '/v1/sandboxes/ensure', script);
    assert.match(detail, /as many sandboxes of yours are running and in use as SLIPWAY_USER_SANDBOXES_MAX allows \(1\)/);
    f.db.query("UPDATE sandboxes SET last_activity_at = now() - interval '61 s'");
    await f.expect(200, 'POST', '/v1/sandboxes/ensure', script);
    assert.deepEqual(rows.map((r) => f.row(r.id).actual_state), ['stopped', 'running']);
    await f.restart();
  });

  it('are given back by an idle app, with its dev server running', async () => {
    await f.restart({ SLIPWAY_IDLE_STOP_S: '3' });
    const one = app();
    const row = await started(one);
    f.db.query(`UPDATE sandboxes SET last_activity_at = now() + interval '4 s' WHERE id = '${row.id}'`);
    await until(() => f.row(row.id).actual_state === 'stopped', 'it is stopped', 20_000);
    await f.restart(); // or it would be idle again before it is seen
    assert.match(await page(await started(one)), /hello$/);
  });
});

describe('at the end', () => {
  it('nothing is left', async () => {
    await f.settled();
    assert.deepEqual(f.leftovers(), NOTHING);
  });
});
