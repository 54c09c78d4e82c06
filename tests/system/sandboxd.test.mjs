// slipway-sandboxd against the real Docker and PostgreSQL: what it makes, what it keeps, and that nothing it
// made is left behind, whoever dies when.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { BUILD, IMAGE, SandboxdFixture, ask, callSocket, run, until } from './lib/sandboxd-fixture.mjs';

const MIB = 1024 * 1024;
const NOTHING = { containers: [], mounts: [], loops: [], images: [], directories: [] };
const DOCKER_SOCKET = '/var/run/docker.sock';

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

function mountOptions(target) {
  const line = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n').find((l) => l.split(' ')[1] === target);
  return { type: line.split(' ')[2], options: line.split(' ')[3].split(',') };
}

// Calls the socket as another account, in a process of its own.
function callAs(user, group) {
  const id = (database, name) => Number(run('getent', [database, name]).split(':')[2]);
  const script = `require('node:http').get({socketPath: ${JSON.stringify(f.socket)}, path: '/v1/sandboxes'},
    (r) => { console.log(r.statusCode); r.resume(); }).on('error', (e) => console.log(e.code));`;
  return spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8', uid: id('passwd', user), gid: id('group', group), cwd: '/', timeout: 20_000,
  }).stdout.trim();
}

async function remove(box) {
  await f.expect(204, 'DELETE', `/v1/sandboxes/${box.id}`);
}

describe('a sandbox', () => {
  it('has every limit', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    const { Config, HostConfig, State } = f.inspect(box);
    const { Memory, MemorySwap, NanoCpus, PidsLimit, CpuShares } = HostConfig;
    assert.deepEqual({ Memory, MemorySwap, NanoCpus, PidsLimit, CpuShares },
      { Memory: 512 * MIB, MemorySwap: 512 * MIB, NanoCpus: 1e9, PidsLimit: 64, CpuShares: 128 });
    const { NetworkMode, ReadonlyRootfs, Privileged, CapDrop, CapAdd, SecurityOpt, IpcMode, PidMode } = HostConfig;
    assert.deepEqual({ NetworkMode, ReadonlyRootfs, Privileged, CapDrop, CapAdd, SecurityOpt, IpcMode, PidMode }, {
      NetworkMode: 'none', ReadonlyRootfs: true, Privileged: false, CapDrop: ['ALL'], CapAdd: ['SETUID', 'SETGID', 'KILL'],
      SecurityOpt: ['no-new-privileges:true'], IpcMode: 'private', PidMode: '',
    });
    assert.deepEqual(HostConfig.RestartPolicy, { Name: 'no', MaximumRetryCount: 0 });
    assert.equal(HostConfig.Devices, null);
    assert.match(HostConfig.Tmpfs['/tmp'], /nosuid,nodev,mode=1777,size=67108864/);
    assert.equal(Config.WorkingDir, '/workspace');
    const sockets = path.dirname(box.agent_socket);
    assert.deepEqual(HostConfig.Mounts.map((m) => [m.Source, m.Target, Boolean(m.ReadOnly)]), [
      [f.workspace(box), '/workspace', false], [sockets, '/run/slipway', false], [`${sockets}/passwd`, '/etc/passwd', true],
    ]);
    const labels = Object.fromEntries(Object.entries(Config.Labels).filter(([k]) => /^slipway\.(instance|sandbox|user|project|profile)$/.test(k)));
    assert.deepEqual(labels, {
      'slipway.instance': f.tag, 'slipway.sandbox': box.id, 'slipway.user': user, 'slipway.project': '', 'slipway.profile': 'script',
    });
    assert.equal(fs.readFileSync(`/proc/${State.Pid}/oom_score_adj`, 'utf8').trim(), '500');
    assert.match(fs.readFileSync(`/proc/${State.Pid}/status`, 'utf8'), /^Seccomp:\s+2$/m);
    assert.match(fs.readFileSync(`/proc/${State.Pid}/status`, 'utf8'), /^CapEff:\s+00000000000000e0$/m);
    await remove(box);
  });

  it('has a disk and a socket directory that can do no harm', async () => {
    const box = await f.ensure(f.user());
    const disk = mountOptions(f.workspace(box));
    assert.equal(disk.type, 'ext4');
    const sockets = mountOptions(path.dirname(box.agent_socket));
    assert.equal(sockets.type, 'tmpfs');
    for (const option of ['nosuid', 'nodev', 'discard']) {
      assert.ok(disk.options.includes(option), `disk: ${option}`);
    }
    for (const option of ['nosuid', 'nodev', 'noexec', 'nosymfollow', 'size=64k']) {
      assert.ok(sockets.options.includes(option), `socket directory: ${option}`);
    }
    assert.equal(fs.statSync(f.workspace(box)).uid, box.host_uid);
    assert.equal(fs.statSync(`${f.run}/disks`).mode & 0o777, 0o700);
    assert.equal(fs.statSync(path.dirname(box.agent_socket)).mode & 0o7777, 0o2750);
    assert.deepEqual(fs.readdirSync(f.workspace(box)), []);
    await remove(box);
  });

  it('has its disk filled without cost to the host', async () => {
    const box = await f.ensure(f.user());
    const result = spawnSync('dd', ['if=/dev/zero', `of=${f.workspace(box)}/big`, 'bs=1M'], { encoding: 'utf8' });
    assert.match(result.stderr, /No space left on device/);
    const image = `${f.state}/disks/${box.id}.img`;
    assert.ok(fs.statSync(image).blocks * 512 <= 512 * MIB, 'the image is not larger than its cap');
    fs.rmSync(`${f.workspace(box)}/big`);
    run('sync', ['-f', f.workspace(box)]);
    await until(() => fs.statSync(image).blocks * 512 < 64 * MIB, 'discard gives the blocks back');
    await remove(box);
  });

  it('is one, however many ask for it at once', async () => {
    const user = f.user();
    const boxes = await Promise.all(Array.from({ length: 6 }, () => f.ensure(user)));
    assert.equal(new Set(boxes.map((b) => b.id)).size, 1);
    assert.equal(f.containers().length, 1);
    assert.equal(f.events('sandbox_started').filter((e) => e.user === user).length, 1);
    await remove(boxes[0]);
  });

  it('has a host uid of its own', async () => {
    const user = f.user();
    const boxes = await Promise.all([f.ensure(user), f.ensure(f.user()), f.ensure(user, f.project(user))]);
    assert.equal(new Set(boxes.map((b) => b.host_uid)).size, 3);
    for (const box of boxes) {
      assert.equal(fs.statSync(f.workspace(box)).uid, box.host_uid);
      assert.equal((await callSocket(box.agent_socket, 'GET', '/v1/health')).json.runs, 0);
    }
    await Promise.all(boxes.map(remove));
  });

  it('keeps its workspace over stop and wake', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    assert.equal(box.hydrated_version, null);
    fs.writeFileSync(`${f.workspace(box)}/kept`, 'here');
    f.db.query(`UPDATE sandboxes SET hydrated_version = 7 WHERE id = '${box.id}'`);
    const stopped = await f.expect(200, 'POST', `/v1/sandboxes/${box.id}/stop`);
    assert.equal(stopped.state, 'stopped');
    assert.deepEqual(f.leftovers(), { ...NOTHING, images: [`${box.id}.img`] });
    const again = await f.ensure(user);
    assert.deepEqual([again.id, again.hydrated_version, again.state], [box.id, 7, 'running']);
    assert.equal(fs.readFileSync(`${f.workspace(again)}/kept`, 'utf8'), 'here');
    await remove(box);
  });

  it('leaves nothing when it is deleted', async () => {
    const box = await f.ensure(f.user());
    await remove(box);
    assert.deepEqual(f.leftovers(), NOTHING);
    assert.equal(f.row(box.id), undefined);
    await f.expect(404, 'DELETE', `/v1/sandboxes/${box.id}`);
  });

  it('gives its code a user with a name', async () => {
    const box = await f.ensure(f.user());
    const user = `${box.host_uid}:${box.host_uid}`;
    const told = run('docker', ['exec', '-u', user, `slipway-${f.tag}-${box.id}`, 'node', '-p', 'JSON.stringify(os.userInfo())']);
    const { uid, gid, username, homedir } = JSON.parse(told);
    assert.deepEqual({ uid, gid, username, homedir },
      { uid: box.host_uid, gid: box.host_uid, username: 'sandbox', homedir: '/workspace' });
    await remove(box);
  });

  it('comes up in well under a second', async () => {
    const box = await f.ensure(f.user());
    const [started] = f.events('sandbox_started').slice(-1);
    assert.equal(started.sandbox, box.id);
    assert.ok(started.total_ms < 1000, `took ${started.total_ms} ms`);
    await remove(box);
  });
});

describe('what callers get', () => {
  it('is refused for other accounts', () => {
    assert.equal(callAs('slipway-api', 'slipway-broker'), '200');
    assert.equal(callAs('slipway-web', 'slipway-broker'), '403');
    assert.equal(callAs('slipway-web', 'slipway-web'), 'EACCES');
  });

  it('is 404 for owners that are not there', async () => {
    const [user, other] = [f.user(), f.user()];
    const project = f.project(other);
    const nobody = '00000000-0000-4000-8000-000000000000';
    const ask404 = (user_id, project_id) => f.expect(404, 'POST', '/v1/sandboxes/ensure', { user_id, project_id, profile: 'script' });
    await ask404(nobody, null);
    await ask404(user, nobody);
    await ask404(user, project);
    f.db.query(`UPDATE projects SET deleted_at = now() WHERE id = '${project}'`);
    await ask404(other, project);
    await f.expect(404, 'POST', `/v1/sandboxes/${nobody}/stop`);
    assert.deepEqual(f.leftovers(), NOTHING);
  });

  it('is a clear refusal of malformed requests', async () => {
    const ensure = (body) => f.expect(400, 'POST', '/v1/sandboxes/ensure', body);
    await ensure({ user_id: 'x', profile: 'script' });
    await ensure({ user_id: `${'0'.repeat(35)}'`, profile: 'script' });
    await ensure({ user_id: f.user(), profile: 'root' });
    await ensure({ user_id: f.user(), profile: 'script', extra: 1 });
    await ensure([]);
    assert.match((await ensure(undefined)).detail, /./);
    await f.expect(413, 'POST', '/v1/sandboxes/ensure', { user_id: 'x'.repeat(5000), profile: 'script' });
    await f.expect(404, 'GET', '/v1/nothing');
    await f.expect(404, 'DELETE', '/v1/sandboxes/not-a-uuid-but-thirty-six-bytes-long');
    const garbage = await new Promise((resolve) => {
      const socket = net.connect(f.socket, () => socket.end('GARBAGE\r\n\r\n'));
      let text = '';
      socket.on('data', (d) => { text += d; }).on('close', () => resolve(text));
    });
    assert.match(garbage, /^HTTP\/1.1 400 /);
  });

  it('is 429 when as many run as may', async () => {
    await f.restart({ SLIPWAY_SANDBOXES_MAX: '2' });
    const users = Array.from({ length: 5 }, () => f.user());
    const answers = await Promise.all(users.map((user_id) => f.call('POST', '/v1/sandboxes/ensure', { user_id, profile: 'script' })));
    const up = answers.filter((a) => a.status === 200);
    assert.deepEqual(answers.map((a) => a.status).sort(), [200, 200, 429, 429, 429]);
    assert.equal(answers.find((a) => a.status === 429).json.kind, 'rate_limited');
    await f.expect(200, 'POST', `/v1/sandboxes/${up[0].json.id}/stop`);
    const refused = users[answers.findIndex((a) => a.status === 429)];
    await f.ensure(refused);
    for (const [id] of f.db.query('SELECT id FROM sandboxes')) {
      await remove({ id });
    }
    await f.restart();
  });

  it('is 507 when the disk budget is used up', async () => {
    await f.restart({ SLIPWAY_DISK_BUDGET_MB: '64' });
    const greedy = await f.ensure(f.user());
    run('dd', ['if=/dev/urandom', `of=${f.workspace(greedy)}/big`, 'bs=1M', 'count=70', 'conv=fsync']);
    const answer = await f.expect(507, 'POST', '/v1/sandboxes/ensure', { user_id: f.user(), profile: 'script' });
    assert.equal(answer.kind, 'no_space');
    assert.match(answer.detail, /SLIPWAY_DISK_BUDGET_MB/);
    await remove(greedy);
    await f.settled();
    await remove(await f.ensure(f.user()));
    f.db.query('DELETE FROM sandboxes');
    await f.restart();
  });

  it('is 507 when every uid is taken', async () => {
    await f.restart({ SLIPWAY_UID_COUNT: '1' });
    const [user, other] = [f.user(), f.user()];
    const box = await f.ensure(user);
    const answer = await f.expect(507, 'POST', '/v1/sandboxes/ensure', { user_id: other, profile: 'script' });
    assert.match(answer.detail, /SLIPWAY_UID_COUNT/);
    await remove(box);
    await remove(await f.ensure(other));
    await f.restart();
  });

  it('is what is running, from the list', async () => {
    const box = await f.ensure(f.user());
    const { items } = await f.expect(200, 'GET', '/v1/sandboxes');
    assert.deepEqual(items, [box]);
    await remove(box);
  });
});

describe('behind our back', () => {
  it('a killed container makes the row stopped', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    run('docker', ['kill', `slipway-${f.tag}-${box.id}`]);
    await until(() => f.row(box.id).actual_state === 'stopped', 'the row is stopped');
    await f.settled();
    assert.equal((await f.ensure(user)).id, box.id);
    run('docker', ['rm', '-f', `slipway-${f.tag}-${box.id}`]);
    await until(() => f.row(box.id).actual_state === 'stopped', 'the row is stopped again');
    await f.settled();
    await remove(box);
  });

  it('an agent that stopped answering is noticed', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    run('docker', ['pause', `slipway-${f.tag}-${box.id}`]);
    await until(() => f.row(box.id).actual_state === 'stopped', 'the row is stopped', 60_000);
    await f.settled();
    const again = await f.ensure(user);
    run('docker', ['pause', `slipway-${f.tag}-${box.id}`]);
    assert.equal((await f.ensure(user)).id, again.id);
    assert.equal((await callSocket(again.agent_socket, 'GET', '/v1/health')).status, 200);
    await remove(box);
  });

  it('an agent that swaps its socket for a link to another is not followed', async () => {
    const [user, victim] = [f.user(), await f.ensure(f.user())];
    const box = await f.ensure(user);
    const before_ = f.row(box.id).container_id;
    const target = victim.agent_socket;
    fs.rmSync(box.agent_socket);
    fs.symlinkSync(target, box.agent_socket);
    await assert.rejects(callSocket(box.agent_socket, 'GET', '/v1/health'), /ELOOP/);
    const again = await f.ensure(user);
    assert.notEqual(f.row(again.id).container_id, before_);
    assert.ok(fs.lstatSync(again.agent_socket).isSocket());
    await remove(box);
    await remove(victim);
  });

  it('a disk that was unmounted is mounted again, never replaced by the host\'s', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    fs.writeFileSync(`${f.workspace(box)}/kept`, 'here');
    // While it runs: the container keeps the disk, the host's path shows an empty directory.
    run('umount', ['-l', f.workspace(box)]);
    fs.writeFileSync(`${f.workspace(box)}/host-file`, '');
    fs.rmSync(`${f.workspace(box)}/host-file`);
    run('docker', ['kill', `slipway-${f.tag}-${box.id}`]);
    await until(() => f.row(box.id).actual_state === 'stopped', 'the row is stopped');
    await f.ensure(user);
    assert.equal(fs.readFileSync(`${f.workspace(box)}/kept`, 'utf8'), 'here');
    // While it is stopped: somebody put something else in its place.
    await f.expect(200, 'POST', `/v1/sandboxes/${box.id}/stop`);
    fs.mkdirSync(f.workspace(box));
    run('mount', ['-t', 'tmpfs', 'foreign', f.workspace(box)]);
    fs.writeFileSync(`${f.workspace(box)}/host-file`, '');
    const again = await f.ensure(user);
    assert.deepEqual(fs.readdirSync(f.workspace(again)), ['kept']);
    assert.equal(mountOptions(f.workspace(again)).type, 'ext4');
    await remove(box);
    assert.deepEqual(f.leftovers(), NOTHING);
  });

  it('a disk that was not closed cleanly is brought in order and not trusted', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    const image = `${f.state}/disks/${box.id}.img`;
    f.db.query(`UPDATE sandboxes SET hydrated_version = 3 WHERE id = '${box.id}'`);
    fs.writeFileSync(`${f.workspace(box)}/kept`, 'here');
    run('sync', ['-f', f.workspace(box)]);
    // As after a power cut: the image as it was while mounted.
    run('cp', ['--sparse=always', image, `${f.state}/crashed`]);
    await f.expect(200, 'POST', `/v1/sandboxes/${box.id}/stop`);
    fs.renameSync(`${f.state}/crashed`, image);
    const again = await f.ensure(user);
    assert.equal(again.hydrated_version, null);
    assert.equal(fs.readFileSync(`${f.workspace(box)}/kept`, 'utf8'), 'here');
    await remove(box);
  });

  it('a disk with errors is repaired and not trusted', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    fs.writeFileSync(`${f.workspace(box)}/kept`, 'here');
    f.db.query(`UPDATE sandboxes SET hydrated_version = 3 WHERE id = '${box.id}'`);
    await f.expect(200, 'POST', `/v1/sandboxes/${box.id}/stop`);
    run('debugfs', ['-w', '-R', 'set_super_value state 2', `${f.state}/disks/${box.id}.img`]);
    const again = await f.ensure(user);
    assert.equal(again.hydrated_version, null);
    assert.equal(fs.readFileSync(`${f.workspace(box)}/kept`, 'utf8'), 'here');
    await remove(box);
  });

  it('a disk somebody holds on to is detached, and never mounted through a second device', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    const held = fs.openSync(`${f.workspace(box)}/held`, 'w');
    try {
      await f.expect(200, 'POST', `/v1/sandboxes/${box.id}/stop`);
      assert.deepEqual(f.mounts(), []);
      assert.equal(f.loops().length, 1);
      fs.writeSync(held, 'written while detached');
      await f.ensure(user);
      assert.equal(f.loops().length, 1);
      assert.equal(fs.readFileSync(`${f.workspace(box)}/held`, 'utf8'), 'written while detached');
    } finally {
      fs.closeSync(held);
    }
    await remove(box);
    assert.deepEqual(f.leftovers(), NOTHING);
  });

  it('a disk that is no file system is refused with a reason', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    await f.expect(200, 'POST', `/v1/sandboxes/${box.id}/stop`);
    fs.writeFileSync(`${f.state}/disks/${box.id}.img`, Buffer.alloc(MIB));
    const answer = await f.expect(409, 'POST', '/v1/sandboxes/ensure', { user_id: user, profile: 'script' });
    assert.match(answer.detail, /no ext4 file system/);
    assert.equal(f.row(box.id).actual_state, 'failed');
    assert.deepEqual(f.containers(), []);
    await remove(box);
    assert.deepEqual(f.leftovers(), NOTHING);
  });

  it('what nobody owns goes', async () => {
    const keep = await f.ensure(f.user());
    await f.end();
    const ghost = '12345678-1234-4234-8234-123456789abc';
    const labels = ['--label', `slipway.instance=${f.tag}`];
    run('docker', ['create', ...labels, '--label', `slipway.sandbox=${ghost}`, f.inspect(keep).Image]);
    run('docker', ['create', ...labels, f.inspect(keep).Image]);
    run('docker', ['create', ...labels, '--label', `slipway.sandbox=${keep.id}`, f.inspect(keep).Image]);
    for (const dir of [`${f.run}/disks/${ghost}`, `${f.run}/sandboxes/${ghost}`]) {
      fs.mkdirSync(dir);
      run('mount', ['-t', 'tmpfs', 'ghost', dir]);
    }
    run('cp', ['--sparse=always', `${f.state}/disks/${keep.id}.img`, `${f.state}/disks/${ghost}.img`]);
    const forgotten = `${f.state}/disks/deleted.img`;
    fs.writeFileSync(forgotten, Buffer.alloc(MIB));
    run('losetup', ['-f', forgotten]);
    fs.rmSync(forgotten);
    assert.equal(f.loops().length, 2);
    await f.start();
    await f.settled();
    assert.deepEqual(f.containers(), [f.row(keep.id).container_id]);
    assert.deepEqual(f.images(), [`${keep.id}.img`]);
    assert.equal((await callSocket(keep.agent_socket, 'GET', '/v1/health')).status, 200);
    await remove(keep);
    assert.deepEqual(f.leftovers(), NOTHING);
  });

  it('what is not wanted any more goes', async () => {
    const user = f.user();
    const [gone, project] = [f.user(), f.project(user)];
    const boxes = [await f.ensure(user), await f.ensure(gone), await f.ensure(user, project)];
    await f.end();
    f.db.query(`UPDATE sandboxes SET desired_state = 'removed' WHERE id = '${boxes[0].id}'`);
    f.db.query(`UPDATE users SET deleted_at = now() WHERE id = '${gone}'`);
    f.db.query(`UPDATE projects SET deleted_at = now() WHERE id = '${project}'`);
    await f.start();
    await until(() => f.db.query('SELECT id FROM sandboxes').length === 0, 'the rows are gone');
    assert.deepEqual(f.leftovers(), NOTHING);
  });

  it('another instance\'s containers are left alone', async () => {
    const box = await f.ensure(f.user());
    const other = run('docker', ['create', '--label', `slipway.instance=${f.tag}-other`, f.inspect(box).Image]).trim();
    try {
      await f.restart();
      await until(() => f.events('events_followed').length > 0, 'it reconciled');
      await remove(box);
      assert.match(ask('docker', ['ps', '-aq', '--no-trunc']), new RegExp(other));
    } finally {
      run('docker', ['rm', other]);
    }
  });
});

describe('idle', () => {
  // What an agent is asked to do for a while; the answer is not waited for.
  function keepBusy(box) {
    const id = '11111111-2222-4333-8444-555555555555';
    return callSocket(box.agent_socket, 'POST', '/v1/runs', {
      id, argv: ['node', '-e', 'setTimeout(() => {}, 60000)'], cwd: '', env: {}, write: [], stdin: '', timeout_ms: 60_000,
      output_max_bytes: 1024, probe_listen: false,
    }).catch(() => undefined);
  }

  it('sandboxes are stopped, those at work are not', async () => {
    await f.restart({ SLIPWAY_IDLE_STOP_S: '2' });
    const [idle, busy] = [await f.ensure(f.user()), await f.ensure(f.user())];
    const run_ = keepBusy(busy);
    await until(async () => (await callSocket(busy.agent_socket, 'GET', '/v1/health')).json.runs === 1, 'the run is at work');
    await until(() => f.row(idle.id).actual_state === 'stopped', 'the idle one is stopped');
    assert.equal(f.row(idle.id).desired_state, 'stopped');
    assert.equal((await callSocket(busy.agent_socket, 'GET', '/v1/health')).json.runs, 1);
    await callSocket(busy.agent_socket, 'DELETE', '/v1/runs/11111111-2222-4333-8444-555555555555');
    await run_;
    await until(() => f.row(busy.id).actual_state === 'stopped', 'it is stopped when its run has ended');
    await remove(idle);
    await remove(busy);
    await f.restart();
  });
});

describe('an end and a new start', () => {
  it('leaves sandboxes running and finds them again', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    const container = f.row(box.id).container_id;
    await f.restart();
    assert.deepEqual(await f.ensure(user), box);
    assert.equal(f.row(box.id).container_id, container);
    await f.end('SIGKILL');
    await f.start();
    await f.settled();
    assert.equal(f.row(box.id).container_id, container);
    await remove(box);
  });

  it('with SLIPWAY_STOP_SANDBOXES stops all and keeps the workspaces', async () => {
    await f.restart({ SLIPWAY_STOP_SANDBOXES: '1' });
    const users = Array.from({ length: 3 }, () => f.user());
    const boxes = await Promise.all(users.map((u) => f.ensure(u)));
    fs.writeFileSync(`${f.workspace(boxes[0])}/kept`, 'here');
    assert.deepEqual(await f.end(), { code: 0, signal: null });
    assert.deepEqual(f.leftovers(), { ...NOTHING, images: boxes.map((b) => `${b.id}.img`).sort() });
    assert.deepEqual(boxes.map((b) => f.row(b.id).actual_state), ['stopped', 'stopped', 'stopped']);
    await f.start();
    await f.ensure(users[0]);
    assert.equal(fs.readFileSync(`${f.workspace(boxes[0])}/kept`, 'utf8'), 'here');
    await Promise.all(boxes.map(remove));
  });

  it('finishes the request it was doing', async () => {
    const user = f.user();
    const asked = f.ensure(user);
    await until(() => f.db.query(`SELECT 1 FROM sandboxes WHERE user_id = '${user}' AND actual_state = 'starting'`).length, 'it is starting');
    assert.deepEqual(await f.end(), { code: 0, signal: null });
    const box = await asked;
    assert.equal(box.state, 'running');
    await f.start();
    await remove(box);
  });

  it('is refused beside another', () => {
    const second = spawnSync(path.join(BUILD, 'slipway-sandboxd'), [], { encoding: 'utf8', env: f.environment(), timeout: 20_000 });
    assert.equal(second.status, 1);
    assert.match(second.stderr, /another slipway-sandboxd/);
  });

  it('converges after kill -9 at any moment of a start', async () => {
    const users = [];
    for (const delay_ms of [0, 3, 8, 15, 25, 40, 70, 110, 160, 210, 250, 280]) {
      const user_id = f.user();
      users.push(user_id);
      const asked = f.call('POST', '/v1/sandboxes/ensure', { user_id, profile: 'script' }).catch(() => undefined);
      await new Promise((resolve) => { setTimeout(resolve, delay_ms); });
      await f.end('SIGKILL');
      await asked;
      await f.start();
      await f.settled();
    }
    for (const user of users) {
      await remove(await f.ensure(user));
    }
    assert.deepEqual(f.leftovers(), NOTHING);
    assert.deepEqual(f.db.query('SELECT id FROM sandboxes'), []);
  });

  it('converges after kill -9 at any moment of a stop or a removal', async () => {
    const user = f.user();
    for (const delay_ms of [0, 5, 15, 30, 50, 80]) {
      for (const [method, suffix] of [['POST', '/stop'], ['DELETE', '']]) {
        const box = await f.ensure(user);
        const asked = f.call(method, `/v1/sandboxes/${box.id}${suffix}`).catch(() => undefined);
        await new Promise((resolve) => { setTimeout(resolve, delay_ms); });
        await f.end('SIGKILL');
        await asked;
        await f.start();
        await f.settled();
      }
    }
    await remove(await f.ensure(user));
    assert.deepEqual(f.leftovers(), NOTHING);
  });

  it('finds its way after everything but the disks is gone, as after a reboot', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    fs.writeFileSync(`${f.workspace(box)}/kept`, 'here');
    await f.end('SIGKILL');
    run('docker', ['kill', `slipway-${f.tag}-${box.id}`]);
    for (const m of f.mounts()) {
      run('umount', [m]);
    }
    fs.rmSync(f.run, { recursive: true });
    await f.start();
    await f.settled();
    assert.equal(f.row(box.id).actual_state, 'stopped');
    await f.ensure(user);
    assert.equal(fs.readFileSync(`${f.workspace(box)}/kept`, 'utf8'), 'here');
    await remove(box);
  });
});

describe('what it depends on', () => {
  // Docker's socket with a switch.
  class Switch {
    constructor(socketPath) {
      this.path = socketPath;
      this.open = new Set();
    }

    on() {
      this.server = net.createServer((down) => {
        const up = net.connect(DOCKER_SOCKET);
        for (const [a, b] of [[down, up], [up, down]]) {
          this.open.add(a);
          a.on('error', () => b.destroy()).on('close', () => { this.open.delete(a); b.destroy(); }).pipe(b);
        }
      });
      return new Promise((resolve) => { this.server.listen(this.path, resolve); });
    }

    off() {
      for (const socket of this.open) {
        socket.destroy();
      }
      return new Promise((resolve) => { this.server.close(resolve); });
    }
  }

  it('Docker: 503 naming it while it is down, and by itself again', async (t) => {
    const docker = new Switch(`${f.state}/docker.sock`);
    await docker.on();
    t.after(() => docker.off());
    await f.restart({ SLIPWAY_DOCKER_SOCKET: docker.path });
    const user = f.user();
    const box = await f.ensure(user);
    await until(() => f.events('events_followed').length > 0, 'events are followed');
    await docker.off();
    const refused = await f.expect(503, 'POST', '/v1/sandboxes/ensure', { user_id: f.user(), profile: 'script' });
    assert.equal(refused.kind, 'unavailable');
    assert.match(refused.detail, /Docker/);
    const health = await f.expect(200, 'GET', '/v1/health');
    assert.equal(health.docker.ok, false);
    assert.match(health.docker.detail, /Docker/);
    assert.equal(health.database.ok, true);
    assert.equal((await f.ensure(user)).id, box.id, 'one that runs is still found');
    await f.expect(503, 'POST', `/v1/sandboxes/${box.id}/stop`);
    run('docker', ['kill', `slipway-${f.tag}-${box.id}`]);
    await docker.on();
    await f.settled(40_000);
    assert.equal(f.row(box.id).actual_state, 'stopped');
    assert.equal((await f.ensure(user)).id, box.id);
    f.db.query(`UPDATE sandboxes SET desired_state = 'removed'`);
    await f.restart();
    await until(() => f.db.query('SELECT id FROM sandboxes').length === 0, 'the rows are gone');
  });

  it('PostgreSQL: 503 naming it while it is down, nothing is taken for an orphan, and by itself again', async () => {
    const user = f.user();
    const box = await f.ensure(user);
    f.db.stop();
    const refused = await f.expect(503, 'POST', '/v1/sandboxes/ensure', { user_id: user, profile: 'script' });
    assert.match(refused.detail, /PostgreSQL/);
    assert.equal((await f.expect(200, 'GET', '/v1/health')).database.ok, false);
    await f.end('SIGKILL');
    await f.start();
    await until(() => f.events('reconcile_failed').length > 0, 'it tried to reconcile');
    assert.equal(f.containers().length, 1);
    f.db.start();
    assert.equal((await f.ensure(user)).id, box.id);
    await remove(box);
    assert.deepEqual(f.leftovers(), NOTHING);
  });

  it('the image: 503 while it is missing, and built in the background', async () => {
    const image = `slipway-sandboxd-test-${f.tag}:latest`;
    await f.restart({ SLIPWAY_SANDBOX_IMAGE: image });
    const refused = await f.expect(503, 'POST', '/v1/sandboxes/ensure', { user_id: f.user(), profile: 'script' });
    assert.match(refused.detail, /sandbox image .* being built/);
    assert.equal((await f.expect(200, 'GET', '/v1/health')).image.detail, 'being built');
    await until(async () => (await f.expect(200, 'GET', '/v1/health')).image.ok, 'the image is built', 180_000);
    const box = await f.ensure(f.user());
    await remove(box);
    f.db.query('DELETE FROM sandboxes');
    await f.restart();
    run('docker', ['rmi', image]);
  });

  it('the agent: one that cannot start fails the sandbox with its words, and nothing stays', async () => {
    const image = `slipway-sandboxd-test-${f.tag}-broken:latest`;
    const broken = (command) => {
      ask('docker', ['rmi', '-f', image]);
      const from = run('docker', ['create', IMAGE]).trim();
      run('docker', ['commit', '--change', `ENTRYPOINT ${JSON.stringify(['/bin/sh', '-c', command])}`, from, image]);
      run('docker', ['rm', from]);
    };
    const user_id = f.user();
    const ensure = (status) => f.expect(status, 'POST', '/v1/sandboxes/ensure', { user_id, profile: 'script' });
    broken('echo out of order >&2; exit 3');
    await f.restart({ SLIPWAY_SANDBOX_IMAGE: image });
    try {
      const answer = await ensure(502);
      assert.match(answer.detail, /ended at once, with status 3: out of order/);
      const [[id, state, error]] = f.db.query('SELECT id, actual_state, error FROM sandboxes');
      assert.deepEqual([state, error], ['failed', answer.detail]);
      assert.deepEqual(f.leftovers(), { ...NOTHING, images: [`${id}.img`] });
      broken('exec sleep 100');
      assert.match((await ensure(504)).detail, /did not come up in time/);
      assert.deepEqual(f.leftovers(), { ...NOTHING, images: [`${id}.img`] });
      await remove({ id });
    } finally {
      ask('docker', ['rmi', '-f', image]);
    }
    await f.restart();
  });

  it('nothing is left at the end', async () => {
    await f.settled();
    assert.deepEqual(f.leftovers(), NOTHING);
  });
});
