// slipway-sandboxd against the real Docker and PostgreSQL: whoever meddles or dies when, row and reality come together
// again, no work is lost, and nothing it made is left behind.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import {
  BUILD, NOTHING, SandboxdFixture, ask, callSocket, mountOptions, run, until,
} from './lib/sandboxd-fixture.mjs';

const MIB = 1024 * 1024;

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

async function remove(box) {
  await f.expect(204, 'DELETE', `/v1/sandboxes/${box.id}`);
}

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

  it('the disks of another database are not taken for orphans', async () => {
    const box = await f.ensure(f.user());
    await f.end();
    const [[id]] = f.db.query('SELECT id FROM installation');
    const row = f.db.query(`DELETE FROM sandboxes WHERE id = '${box.id}' RETURNING id`);
    assert.equal(row.length, 1);
    f.db.query('UPDATE installation SET id = gen_random_uuid()');
    await f.start();
    await until(() => f.log.some((line) => line.includes('belong to another database')), 'it says why it does not reconcile');
    assert.deepEqual(f.images(), [`${box.id}.img`]);
    await f.end();
    f.db.query(`UPDATE installation SET id = '${id}'`);
    await f.start();
    await until(() => f.images().length === 0, 'its own orphan goes');
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
      const followed = f.events('events_followed').length;
      await f.restart();
      await until(() => f.events('events_followed').length > followed, 'it reconciled');
      await remove(box);
      assert.match(ask('docker', ['ps', '-aq', '--no-trunc']), new RegExp(other));
    } finally {
      run('docker', ['rm', other]);
    }
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

describe('at the end', () => {
  it('nothing is left', async () => {
    await f.settled();
    assert.deepEqual(f.leftovers(), NOTHING);
  });
});
