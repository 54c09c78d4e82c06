// slipway-sandboxd against the real Docker and PostgreSQL: what it makes, for whom, and what it says when it cannot.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import {
  BUILD, IMAGE, NOTHING, ROOT, SandboxdFixture, ask, callSocket, mountOptions, run, until,
} from './lib/sandboxd-fixture.mjs';
import { WebSocket } from './lib/websocket.mjs';

const MIB = 1024 * 1024;
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
    const took = [];
    for (let i = 0; i < 5; i += 1) {
      await remove(await f.ensure(f.user()));
      took.push(f.events('sandbox_started').at(-1).total_ms);
    }
    assert.ok(Math.min(...took) < 1000, `took ${took} ms`);
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

  it('sandboxes are not idle while somebody looks at a terminal', async () => {
    await f.restart({ SLIPWAY_IDLE_STOP_S: '2' });
    // The older is looked at first: when the other is stopped, its turn is over.
    const seen = await f.ensure(f.user());
    const terminal = await WebSocket.connect({ socketPath: seen.agent_socket, path: '/v1/terminal' });
    assert.equal(terminal.status, 101, terminal.text);
    const idle = await f.ensure(f.user());
    await until(() => f.row(idle.id).actual_state === 'stopped', 'the idle one is stopped');
    assert.equal((await callSocket(seen.agent_socket, 'GET', '/v1/health')).json.terminals, 1);
    assert.equal(terminal.closed, false);
    terminal.destroy();
    await until(() => f.row(seen.id).actual_state === 'stopped', 'it is stopped when nobody looks any more');
    await remove(idle);
    await remove(seen);
    await f.restart();
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
    const followed = f.events('events_followed').length;
    await f.restart({ SLIPWAY_DOCKER_SOCKET: docker.path });
    const user = f.user();
    const box = await f.ensure(user);
    await until(() => f.events('events_followed').length > followed, 'events are followed');
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
    const failures = f.events('reconcile_failed').length;
    await f.start();
    await until(() => f.events('reconcile_failed').length > failures, 'it tried to reconcile');
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

  it('the image: looked up when nothing changed, made anew when something of it did', async () => {
    const image = `slipway-sandboxd-test-${f.tag}-changed:latest`;
    const agent = path.join(f.state, 'agent');
    fs.copyFileSync(path.join(BUILD, 'slipway-agent'), agent);
    const make = () => {
      const shown = run(path.join(BUILD, 'slipway-sandboxd'), ['--image-dir', path.join(ROOT, 'sandbox-image'), '--agent', agent,
        '--ensure-image'], { env: f.environment({ SLIPWAY_SANDBOX_IMAGE: image }) });
      return { shown, id: run('docker', ['image', 'inspect', '--format', '{{.Id}}', image]).trim() };
    };
    try {
      const first = make();
      assert.match(first.shown, /sandbox image: installing the pre-installed packages by npm\n/);
      const since = performance.now();
      const again = make();
      assert.ok(performance.now() - since < 5000);
      assert.equal(again.id, first.id);
      assert.doesNotMatch(again.shown, /installing/);
      fs.appendFileSync(agent, 'another agent');
      assert.notEqual(make().id, first.id);
    } finally {
      ask('docker', ['rmi', '-f', image]);
    }
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
