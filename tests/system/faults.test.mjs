// Any one process is killed outright: within a minute the service is back without a hand, nothing is
// left that nobody owns, and no version is lost. A dependency that is down is named, and its return
// is noticed. Held runs and generations do not hold up a login.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Client, assertProblem } from './lib/client.mjs';
import { byHand, file, startFakeModel } from './lib/fake-model.mjs';
import { printLogsOnFailure, processes, startInstance, startTime, waitFor } from './lib/instance.mjs';

const BACK_MS = 60_000;

let model;
let instance;
let owner;
let project;

before(async () => {
  model = await startFakeModel();
  instance = await startInstance({
    ownDocker: true, env: { OPENAI_BASE_URL: model.baseUrl, SLIPWAY_RUN_TIMEOUT_MS: '60000' },
  });
  owner = instance.client();
  project = await newProject(owner);
  await owner.call('PUT', `projects/${project.id}/files/kept.txt`, { body: 'kept' });
  await assertServes();
});
after(async () => {
  await instance?.stop();
  await model?.close();
});
afterEach(printLogsOnFailure(() => instance));

async function newProject(client) {
  return (await client.expect(201, 'POST', 'projects', { json: { name: 'Faults' } })).json;
}

async function assertServes(client = owner) {
  const { json } = await client.expect(200, 'POST', 'execute', { json: { code: 'console.log(6*7)' } });
  assert.equal(json.output, '42\n');
}

// Back by itself: ready, running code, all versions there, nothing left over.
async function assertRecovers() {
  const deadline = performance.now() + BACK_MS;
  const left = () => Math.max(deadline - performance.now(), 1);
  await waitFor('ready again', async () => (await instance.ready()).status === 200, { ms: left() });
  await waitFor('code runs again', async () => (await assertServes(), true), { ms: left() });
  const kept = await owner.expect(200, 'GET', `projects/${project.id}/files/kept.txt`);
  assert.equal(kept.text, 'kept');
  let orphans;
  await waitFor('no orphans', async () => (orphans = await instance.orphans()).length === 0, { ms: left(), every: 500 })
    .catch(() => assert.deepEqual(orphans, []));
}

// Kills each of these processes in turn, waiting for recovery after each.
async function killEach(find) {
  const first = find();
  assert.ok(first.length > 0, 'there is one to kill');
  for (const pid of first) {
    if (startTime(pid) !== undefined) {
      process.kill(pid, 'SIGKILL');
      await assertRecovers();
    }
  }
}

const containerPids = async () => (await instance.docker('inspect', '--format', '{{.State.Pid}}',
  ...(await instance.containers({ running: true })))).split('\n').map(Number);

describe('kill -9 of', () => {
  for (const name of ['sandboxd', 'api', 'router', 'nginx', 'postgres', 'dockerd']) {
    it(`${name}`, async () => {
      const service = instance.service(name);
      const old = service.pid;
      const children = service.children;
      service.kill();
      await waitFor(`${name} anew`, () => service.pid && service.pid !== old, { ms: BACK_MS });
      await assertRecovers();
      if (name !== 'dockerd') { // whose containers outlive it
        await waitFor(`the old ${name}'s children gone`, () => children.every((pid) => startTime(pid) === undefined));
      }
    });
  }

  it('a worker of the API', async () => {
    const workers = instance.service('api').children;
    await killEach(() => [workers[0], workers.at(-1)]);
    await waitFor('as many workers as before', () => instance.service('api').children.length === workers.length, { ms: BACK_MS });
  });

  it('a worker of nginx', () => killEach(() => instance.service('nginx').children.slice(0, 1)));

  it('a process of PostgreSQL', () => killEach(() => instance.service('postgres').children.slice(-1)));

  it('containerd', async () => {
    const containerd = () => processes((p) => p.ppid === instance.service('dockerd').pid && /containerd$/.test(p.argv[0]))
      .map((p) => p.pid);
    const [old] = containerd();
    await killEach(containerd);
    await waitFor('containerd anew', () => containerd().length === 1 && containerd()[0] !== old, { ms: BACK_MS });
    await assertRecovers();
  });

  it('the agent', async () => {
    const pids = await containerPids();
    await killEach(() => pids);
  });

  it("a container's shim", async () => {
    const ids = await instance.containers({ running: true });
    await killEach(() => processes(({ argv }) => argv[0]?.includes('containerd-shim') && argv.some((a) => ids.includes(a)))
      .map((p) => p.pid));
  });

  it("a service's logger and its runsv", async () => {
    const supervisor = (name) => processes((p) => p.argv[0] === 'runsv' && p.argv[1] === name
      && p.cwd === `${instance.stateDir}/supervise/${name}`).map((p) => p.pid);
    const logger = (name) => processes((p) => p.argv[0] === 'svlogd'
      && p.argv[1] === `${instance.stateDir}/log/${name}`).map((p) => p.pid);
    for (const name of ['api', 'nginx']) {
      await killEach(() => logger(name));
      const old = instance.service(name).pid;
      await killEach(() => supervisor(name));
      // A new runsv does not know the old service: it clears that away and starts its own.
      await waitFor('the service anew', () => ![undefined, old].includes(instance.service(name).pid), { ms: BACK_MS });
      await assertRecovers();
      assert.equal(supervisor(name).length, 1);
    }
  });
});

describe('a generation', () => {
  async function begin(target) {
    const held = byHand();
    model.next(held.script);
    const events = [];
    const reading = (async () => {
      for await (const event of instance.sse(`projects/${target.id}/generate`, { json: { prompt: 'Write it' } })) {
        events.push(event);
      }
    })().catch(() => {}); // its end is cut off
    const stream = await held.opened;
    return { stream, events, reading };
  }

  it('whose worker is killed is marked interrupted, and leaves the project whole', async () => {
    const target = await newProject(owner);
    await owner.call('PUT', `projects/${target.id}/files/a.txt`, { body: 'one' });
    const { stream, events, reading } = await begin(target);
    await stream.text('Now the file.\n<slipway-file path="a.txt">\nhalf');
    await waitFor('its first words', () => events.some((e) => e.type === 'message'));
    const { id } = events.find((e) => e.type === 'generation').data;
    for (const pid of instance.service('api').children) {
      process.kill(pid, 'SIGKILL');
    }
    await reading;
    await waitFor('interrupted', async () => {
      const answer = await owner.get(`projects/${target.id}/generations/${id}`);
      return answer.status === 200 && answer.json.state === 'interrupted';
    }, { ms: BACK_MS, every: 500 });
    assert.equal((await owner.expect(200, 'GET', `projects/${target.id}/files/a.txt`)).text, 'one');
    // Another may begin at once.
    const again = await begin(target);
    await again.stream.text(file('a.txt', 'two'));
    await again.stream.finish();
    await again.reading;
    assert.match((await owner.expect(200, 'GET', `projects/${target.id}/files/a.txt`)).text, /^two/);
    await assertRecovers();
  });

  it('whose version was told is there after PostgreSQL was killed', async () => {
    const target = await newProject(owner);
    const { stream, events, reading } = await begin(target);
    await stream.text(file('a.txt', 'safe'));
    await stream.finish();
    await waitFor('the version', () => events.some((e) => e.type === 'version'));
    instance.service('postgres').kill();
    await reading;
    await assertRecovers();
    assert.match((await owner.expect(200, 'GET', `projects/${target.id}/files/a.txt`)).text, /^safe/);
    const state = await waitFor('its end', async () => {
      const { items } = (await owner.expect(200, 'GET', `projects/${target.id}/generations`)).json;
      return items[0].state !== 'running' && items[0].state;
    }, { ms: BACK_MS, every: 500 });
    assert.ok(['done', 'interrupted', 'failed'].includes(state), state);
  });
});

describe('the API, told to end', () => {
  it('ends what it has begun, and takes nothing new', async () => {
    const old = instance.service('api').pid;
    const events = [];
    const code = "console.log('begun'); setTimeout(() => console.log('ended'), 2000);";
    for await (const event of instance.sse('execute', { json: { code } })) {
      events.push(event);
      if (events.length === 1) {
        assert.equal(event.data.data, 'begun\n');
        instance.service('api').kill('SIGTERM');
      }
    }
    assert.equal(events.filter((e) => e.type === 'stdout').map((e) => e.data.data).join(''), 'begun\nended\n');
    assert.equal(events.at(-1).data.exit_code, 0);
    await waitFor('the API anew', () => ![undefined, old].includes(instance.service('api').pid), { ms: BACK_MS });
    await assertRecovers();
  });
});

describe('without', () => {
  // A user without a sandbox, who needs everything.
  it('PostgreSQL: 503 naming it, and back by itself', async () => {
    await instance.service('postgres').stop();
    try {
      assertProblem(await owner.get('projects'), 503, { detail: /PostgreSQL/ });
      const ready = await instance.client({ key: null }).get('/readyz');
      assert.equal(ready.status, 503);
      assert.equal(ready.json.dependencies.postgresql.ok, false);
      await instance.client({ key: null }).expect(200, 'GET', '/healthz');
    } finally {
      await instance.service('postgres').start();
    }
    await assertRecovers();
  });

  it('Docker: 503 naming it, and back by itself', async () => {
    const user = await instance.createUser();
    await instance.service('dockerd').stop();
    try {
      assertProblem(await user.client.post('execute', { code: '1' }), 503, { detail: /Docker/ });
      const ready = await instance.client({ key: null }).get('/readyz');
      assert.equal(ready.status, 503);
      assert.equal(ready.json.dependencies.docker.ok, false);
      await assertServes(); // whoever has a sandbox goes on
    } finally {
      await instance.service('dockerd').start();
    }
    await assertRecovers();
    await waitFor('the other user too', async () => (await assertServes(user.client), true), { ms: BACK_MS });
  });

  it('an answer from Docker, which hangs: 503 naming it in three seconds, and back by itself', async () => {
    const user = await instance.createUser();
    const { pid } = instance.service('dockerd');
    process.kill(pid, 'SIGSTOP');
    try {
      const began = performance.now();
      assertProblem(await user.client.post('execute', { code: '1' }), 503, { detail: /Docker/ });
      assert.ok(performance.now() - began < 3000);
      const ready = await instance.client({ key: null }).get('/readyz');
      assert.equal(ready.status, 503);
      assert.equal(ready.json.dependencies.docker.ok, false);
      assert.equal(ready.json.dependencies.sandboxd.ok, true);
      await assertServes();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await assertRecovers();
    await waitFor('the other user too', async () => (await assertServes(user.client), true), { ms: BACK_MS });
  });

  it('sandboxd: running sandboxes serve, others get a 503', async () => {
    const user = await instance.createUser();
    await instance.service('sandboxd').stop();
    try {
      assertProblem(await user.client.post('execute', { code: '1' }), 503);
      await assertServes();
      assert.equal((await instance.client({ key: null }).get('/readyz')).json.dependencies.sandboxd.ok, false);
    } finally {
      await instance.service('sandboxd').start();
    }
    await assertRecovers();
  });

  it('the API: 503 from nginx, and back by itself', async () => {
    await instance.service('api').stop();
    try {
      assertProblem(await owner.get('projects'), 503);
      // nginx judges the length again where it makes the words of an error.
      const large = Buffer.alloc(5 * 1024 * 1024);
      assertProblem(await owner.call('PUT', `projects/${project.id}/files/large`, { body: large }), 503);
    } finally {
      await instance.service('api').start();
    }
    await assertRecovers();
  });
});

describe('with every run and generation slot held', () => {
  const held = { runs: [], streams: [], readings: [] };
  const stop = new AbortController();

  after(async () => {
    stop.abort();
    await Promise.allSettled([...held.runs, ...held.readings]);
  });

  let logins = 0;
  async function loginTimes(n) {
    const times = [];
    for (let i = 0; i < n; i += 1) {
      logins += 1;
      const client = new Client(instance.url, { from: `127.9.${logins >> 8}.${1 + (logins % 254)}` });
      const began = performance.now();
      await client.expect(200, 'POST', 'auth/login', {
        json: { email: instance.adminEmail, password: instance.adminPassword },
      });
      times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    return { median: times[n / 2], p95: times[Math.ceil(n * 0.95) - 1] };
  }

  it('a login is answered in under 100 ms at the 95th percentile', async () => {
    // Eight slots of each kind; four runs and two generations for each user.
    for (let i = 0; i < 2; i += 1) {
      const { client } = await instance.createUser();
      for (let n = 0; n < 4; n += 1) {
        held.runs.push(client.post('execute', { code: 'setTimeout(() => {}, 1e6)', timeout_ms: 60_000 }, { signal: stop.signal })
          .catch(() => {}));
      }
    }
    for (let i = 0; i < 4; i += 1) {
      const user = await instance.createUser();
      for (let n = 0; n < 2; n += 1) {
        const target = await newProject(user.client);
        const script = byHand();
        model.next(script.script);
        held.readings.push((async () => {
          for await (const event of instance.sse(`projects/${target.id}/generate`, {
            json: { prompt: 'Write it' }, key: user.key, signal: stop.signal,
          })) {
            void event;
          }
        })().catch(() => {}));
        held.streams.push(await script.opened);
      }
    }
    const other = await instance.createUser();
    await waitFor('all run slots held', async () => (await other.client.post('execute', { code: '1' })).status === 503);
    const busy = await other.client.post(`projects/${(await newProject(other.client)).id}/generate`, { prompt: 'x' });
    assertProblem(busy, 503);

    // Something else may be using the machine: the best of three rounds tells what we do.
    const rounds = [];
    do {
      rounds.push(await loginTimes(100));
    } while (rounds.length < 3 && rounds.at(-1).p95 >= 100);
    assert.equal((await other.client.post('execute', { code: '1' })).status, 503, 'the slots were held all along');
    const words = rounds.map(({ median, p95 }) => `median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`).join('; ');
    console.log(`login: ${words}`);
    assert.ok(rounds.at(-1).p95 < 100, words);
  });
});
