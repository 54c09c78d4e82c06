// A host whose disk is full: what is there goes on, what wants space is refused with words, and when there is
// space again everything works without a hand.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';

import { Client } from './lib/client.mjs';
import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';

const MIB = 1024 * 1024;
let instance, project, neighbour;

before(async () => {
  instance = await startInstance({ diskMib: 1200 });
  project = (await instance.client().expect(201, 'POST', 'projects', { json: { name: 'kept' } })).json;
  await put('kept.txt', 'kept');
  neighbour = await instance.createUser();
  await execute(neighbour.client, 'console.log("here")');
});
after(() => instance?.stop());
afterEach(printLogsOnFailure(() => instance));

const put = (name, body, status = 201) => instance.client().expect(status, 'PUT', `projects/${project.id}/files/${name}`, { body });
const execute = (client, code, status = 200) => client.expect(status, 'POST', 'execute', { json: { code } });
const filler = () => `${instance.stateDir}/filler`;

const free = () => {
  const { bavail, bsize } = fs.statfsSync(instance.stateDir);
  return bavail * bsize;
};

// Takes all but so much of the disk.
function leave(bytes) {
  execFileSync('sync', ['-f', instance.stateDir]);
  execFileSync('fallocate', ['-l', String(free() - bytes), filler()]);
}

// Takes all of it.
function leaveNothing() {
  leave(16 * MIB);
  spawnSync('dd', ['if=/dev/zero', `of=${filler()}`, 'bs=64k', 'oflag=append', 'conv=notrunc,fsync'], { stdio: 'ignore' });
  assert.ok(free() < MIB / 4, `${free()}`);
}

async function makeRoom() {
  fs.rmSync(filler(), { force: true });
  await instance.waitReady();
}

async function everythingWorks(name) {
  await waitFor('files are stored', () => put(name, 'stored').then(() => true), { ms: 60_000 });
  await waitFor('code runs', async () => (await execute(instance.client(), 'console.log(1+1)')).json.output === '2\n');
  assert.equal((await instance.client().expect(200, 'GET', `projects/${project.id}/files/kept.txt`)).text, 'kept');
}

describe('a disk with little left', () => {
  after(makeRoom);

  it('refuses what would need it, says why, and serves the rest', async () => {
    leave(100 * MIB);
    const stored = await put('more.txt', 'more', 507);
    assert.match(stored.headers['content-type'], /^application\/problem\+json/);
    assert.match(stored.json.detail, /the server's disk is full/);
    // A sandbox that runs goes on; a new one does not begin.
    await execute(neighbour.client, 'console.log("still")');
    const stranger = await instance.createUser();
    const { json } = await execute(stranger.client, '1', 507);
    assert.match(json.detail, /the host's disk is full/);
    assert.equal((await instance.client().expect(200, 'GET', `projects/${project.id}/files/kept.txt`)).text, 'kept');
    await instance.client().expect(200, 'DELETE', `projects/${project.id}/files/kept.txt`);
    await makeRoom();
    await put('kept.txt', 'kept');
    await everythingWorks('after-little.txt');
  });
});

describe('a sandbox that fills the disk', () => {
  after(makeRoom);

  it('is stopped before it is full, and its neighbour is not', async () => {
    const hog = await instance.createUser();
    await execute(hog.client, '1');
    leave(400 * MIB);
    const fill = `const fs = require('node:fs');
      const piece = Buffer.alloc(${4 * MIB}, 1);
      const file = fs.openSync('big', 'w');
      setInterval(() => fs.writeSync(file, piece), 50);`;
    const filling = hog.client.call('POST', 'execute', { json: { code: fill } });
    const stateOf = (user) => instance.psql(`SELECT actual_state FROM sandboxes WHERE user_id = '${user.id}'`);
    await waitFor('the hog is stopped', async () => (await stateOf(hog)) === 'stopped', { ms: 20_000 });
    const answer = await filling;
    assert.ok([200, 502, 503].includes(answer.status), answer.text);
    assert.equal(await stateOf(neighbour), 'running');
    await execute(neighbour.client, 'console.log("still")');
    execFileSync('sync', ['-f', instance.stateDir]);
    assert.ok(free() > 16 * MIB, `${free()}`);
    assert.match(await instance.logs('sandboxd'), /this one was filling it/);
    await makeRoom();
    await everythingWorks('after-hog.txt');
  });
});

describe('a disk with nothing left', () => {
  after(makeRoom);

  it('stops no service, though not a line of log can be written', async () => {
    leaveNothing();
    // More lines than fit between a service and its logger.
    for (let i = 0; i < 40; i++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => instance.client({ key: null }).call('GET', '/healthz')));
      assert.deepEqual(answers.map((a) => a.status), answers.map(() => 200));
    }
    const since = performance.now();
    const login = await new Client(instance.url).call('POST', 'auth/login', {
      json: { email: neighbour.email, password: neighbour.password },
    });
    assert.ok(performance.now() - since < 5000);
    assert.ok([200, 503, 507].includes(login.status), login.text);
    if (login.status !== 200) {
      assert.match(login.headers['content-type'], /^application\/problem\+json/);
    }
    await put('none.txt', 'none', 507);
    // A sandbox that runs writes what its disk has room for and the host has not: the kernel gives that disk up.
    const wide = "const fs = require('fs'); const f = fs.openSync('wide', 'w'); fs.writeSync(f, Buffer.alloc(32e6)); fs.fsyncSync(f);";
    await neighbour.client.call('POST', 'execute', { json: { code: wide } });
    await waitFor('the broken disk is closed', async () =>
      (await instance.psql(`SELECT actual_state FROM sandboxes WHERE user_id = '${neighbour.id}'`)) === 'stopped', { ms: 20_000 });
    await makeRoom();
    await everythingWorks('after-full.txt');
    await waitFor("the neighbour's code runs", async () => (await execute(neighbour.client, 'console.log(2)')).json.output === '2\n');
    await waitFor('what was lost is told', async () => (await instance.logs('nginx')).includes('log_lines_lost'));
  });
});
