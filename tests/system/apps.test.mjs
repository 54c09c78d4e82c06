// A project's app over the HTTP API: started, watched, changed while it runs, stopped.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { putFiles } from './lib/apps.mjs';
import { assertProblem, Client } from './lib/client.mjs';
import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';
import { WebSocket } from './lib/websocket.mjs';

const SERVER = `const http = require('node:http');
http.createServer((q, r) => r.end('answer ' + require('node:fs').readFileSync('text.txt', 'utf8')))
  .listen(process.env.PORT, () => console.log('up on ' + process.env.PORT));
console.error('a word on stderr');
`;
const MANIFEST = JSON.stringify({ name: 'app', private: true, scripts: { dev: 'node server.js' } });
const FILES = { 'package.json': MANIFEST, 'server.js': SERVER, 'text.txt': 'one' };

let instance;
let owner;

before(async () => {
  instance = await startInstance();
  owner = instance.client();
});
after(() => instance?.stop());
afterEach(printLogsOnFailure(() => instance));

async function newProject(files) {
  const project = (await owner.expect(201, 'POST', 'projects', { json: { name: 'App' } })).json;
  await putFiles(owner, project, files);
  return project;
}

const statusOf = async (project) => (await owner.expect(200, 'GET', `projects/${project.id}/status`)).json;

const ask = (status, project, what) => owner.expect(status, 'POST', `projects/${project.id}/${what}`, { json: {} });

function reaches(project, state, ms = 60_000) {
  return waitFor(`${state}`, async () => {
    const now = await statusOf(project);
    return now.state === state ? now : assert.equal(now.state, state, JSON.stringify(now));
  }, { ms });
}

async function started(files) {
  const project = await newProject(files);
  await ask(202, project, 'start');
  await reaches(project, 'running');
  return project;
}

// What is there, or all until `enough` says so.
async function logs(project, { query = '?follow=0', headers, enough } = {}) {
  const events = [];
  const stream = instance.sse(`projects/${project.id}/logs${query}`, { method: 'GET', headers, signal: AbortSignal.timeout(30_000) });
  for await (const event of stream) {
    events.push(event);
    if (enough?.(event)) {
      break;
    }
  }
  return events;
}

const lines = (events) => events.filter((e) => e.type === 'log').map((e) => e.data.text);

describe('an app', () => {
  it('is started, tells how it is, takes new files, is restarted and stopped', async () => {
    const project = await newProject(FILES);
    assert.equal((await statusOf(project)).state, 'stopped');
    const asked = (await ask(202, project, 'start')).json;
    assert.ok(['waiting', 'preparing', 'installing', 'starting', 'running'].includes(asked.state), JSON.stringify(asked));
    const running = await reaches(project, 'running');
    assert.equal(running.port, 3000);
    assert.equal(running.plan.command, 'npm run dev');
    assert.equal(running.version, 3);
    assert.equal(running.hydrated_version, 3);
    assert.equal(running.stopped_by_owner, false);
    assert.match(running.preview_url, new RegExp(`^http://${project.slug}\\.preview\\.localhost`));
    assert.equal((await owner.expect(200, 'GET', `projects/${project.id}`)).json.status, 'running');

    const log = await logs(project);
    assert.ok(lines(log).includes('up on 3000'), JSON.stringify(log));
    assert.equal(log.find((e) => e.data.text === 'a word on stderr').data.stream, 'stderr');

    // Stored, answered, and in the sandbox a moment later.
    const put = performance.now();
    await owner.expect(200, 'PUT', `projects/${project.id}/files/text.txt`, { body: 'two' });
    const answered = performance.now() - put;
    const held = await waitFor('the file to arrive', async () => {
      const now = await statusOf(project);
      return now.hydrated_version === 4 && now;
    }, { ms: 60_000, every: 5 });
    assert.equal(held.state, 'running');
    process.stderr.write(`# PUT answered in ${answered.toFixed(1)} ms, in the sandbox after ${(performance.now() - put).toFixed(1)} ms\n`);
    const { json: run } = await owner.expect(200, 'POST', `projects/${project.id}/execute`, {
      json: { code: "fetch('http://localhost:3000').then((r) => r.text()).then(console.log)" },
    });
    assert.equal(run.output, 'answer two\n', JSON.stringify(run));

    await ask(202, project, 'restart');
    await logs(project, { query: `?after=${log.at(-1).id ?? 0}`, enough: (e) => e.data.text === 'up on 3000' });
    await reaches(project, 'running');

    const stopped = (await ask(200, project, 'stop')).json;
    assert.equal(stopped.state, 'stopped');
    assert.equal(stopped.stopped_by_owner, true);
    await ask(202, project, 'start');
    assert.equal((await reaches(project, 'running')).stopped_by_owner, false);
  });

  // sandboxd answers at once and acts a moment later: the run before must not pass for the new one.
  it('never shows the old run once a restart was answered', async () => {
    const project = await started(FILES);
    for (let i = 0; i < 4; i++) {
      const asked = Date.now();
      let now = (await ask(202, project, 'restart')).json;
      const underWay = ['starting', 'preparing']; // the second of an agent that is too busy to answer
      assert.ok(underWay.includes(now.state), JSON.stringify(now));
      assert.equal(now.port, null);
      while (underWay.includes(now.state)) {
        now = await statusOf(project);
      }
      assert.equal(now.state, 'running', JSON.stringify(now));
      assert.ok(now.for_ms <= Date.now() - asked, `running for ${now.for_ms} ms, asked ${Date.now() - asked} ms ago`);
    }
    assert.equal((await ask(202, project, 'start')).json.state, 'running', 'a start replaces nothing that runs');
  });

  it('shows the real error of a crash, and starts again when it is mended', async () => {
    const project = await newProject({ ...FILES, 'server.js': "require('./missing-part.js');\n" });
    await ask(202, project, 'start');
    const crashed = await reaches(project, 'crashed');
    assert.match(crashed.error, /missing-part/);
    assert.equal(crashed.exit_code, 1);
    await owner.expect(200, 'PUT', `projects/${project.id}/files/server.js`, { body: SERVER });
    await reaches(project, 'running');
  });

  it('is restarted when its manifest changes', async () => {
    const project = await started(FILES);
    await owner.expect(200, 'PUT', `projects/${project.id}/files/package.json`, {
      body: JSON.stringify({ name: 'app', private: true, scripts: { dev: 'PORT=3456 node server.js' } }),
    });
    await waitFor('the other port', async () => (await statusOf(project)).port === 3456);
  });

  it('says which package is missing', async () => {
    const project = await newProject({
      'package.json': JSON.stringify({ scripts: { dev: 'node .' }, dependencies: { 'slipway-there-is-no-such-package': '1.0.0' } }),
    });
    await ask(202, project, 'start');
    const crashed = await reaches(project, 'crashed', 120_000);
    assert.match(crashed.error, /slipway-there-is-no-such-package|E404|404/);
  });

  it('is started once by two at the same time', async () => {
    const project = await newProject(FILES);
    await Promise.all([ask(202, project, 'start'), ask(202, project, 'start')]);
    await reaches(project, 'running');
    const ups = lines(await logs(project)).filter((line) => line === 'up on 3000');
    assert.equal(ups.length, 1);
  });

  it('is deleted while it is being started', async () => {
    const project = await newProject({ 'package.json': JSON.stringify({ scripts: { dev: 'node .' }, dependencies: { react: '*' } }) });
    await ask(202, project, 'start');
    await owner.expect(204, 'DELETE', `projects/${project.id}`);
    assertProblem(await owner.call('GET', `projects/${project.id}/status`), 404);
    await waitFor('the row to be gone', async () =>
      (await instance.psql(`SELECT count(*) FROM sandboxes WHERE project_id = '${project.id}'`)) === '0', { ms: 30_000 });
  });

  it("is nobody else's, and needs files", async () => {
    const project = await newProject({});
    assertProblem(await owner.call('POST', `projects/${project.id}/start`, { json: {} }), 422, { detail: /no files/ });
    const { client: other } = await instance.createUser();
    for (const [method, what] of [['POST', 'start'], ['POST', 'restart'], ['POST', 'stop'], ['GET', 'status'], ['GET', 'logs']]) {
      assertProblem(await other.call(method, `projects/${project.id}/${what}`, method === 'POST' ? { json: {} } : {}), 404);
    }
  });
});

describe('logs', () => {
  it('go on where a client left off, and have no foreign headers', async () => {
    const project = await started(FILES);
    const all = await logs(project);
    const middle = all.filter((e) => e.id)[1];
    const rest = await logs(project, { headers: { 'last-event-id': middle.id } });
    assert.ok(rest.filter((e) => e.id).every((e) => Number(e.id) > Number(middle.id)));
    assert.ok(rest.length < all.length);
    const answer = await owner.expect(200, 'GET', `projects/${project.id}/logs?follow=0`);
    assert.equal(answer.headers['content-type'], 'text/event-stream');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.match(answer.headers['x-request-id'], /^[0-9a-f-]{36}$/);
    assert.equal(answer.headers['x-accel-redirect'], undefined);
    assertProblem(await owner.call('GET', `projects/${project.id}/logs?after=x`), 400);
    assertProblem(await owner.call('GET', '/_agent/00000000-0000-4000-8000-000000000000/logs'), 404);
  });

  it('go on over a restart, and over a stop of the sandbox', async () => {
    const long = 'ä'.repeat(10_000); // 20 000 bytes, of two each
    const project = await started({ ...FILES, 'server.js': `console.log('${long}');\n${SERVER}` });
    const isUp = (e) => e.data.text === 'up on 3000';
    const first = await logs(project, { query: '', enough: isUp });
    const pieces = lines(first).filter((text) => text.startsWith('ä'));
    assert.equal(pieces.join(''), long);
    assert.ok(pieces.every((text) => Buffer.byteLength(text) <= 8192), 'cut between characters');

    const last = first.at(-1).id;
    const open = logs(project, { query: `?after=${last}`, enough: () => false });
    await ask(202, project, 'restart');
    const again = await logs(project, { query: '', headers: { 'last-event-id': last }, enough: isUp });
    const states = again.filter((e) => e.type === 'state').map((e) => e.data.state);
    assert.ok(states.includes('starting'), states.join());
    const ids = again.filter((e) => e.id).map((e) => Number(e.id));
    assert.deepEqual(ids, ids.map((_, i) => Number(last) + 1 + i), 'nothing is missed, nothing told twice');
    await reaches(project, 'running');

    await ask(200, project, 'stop');
    const seen = await open; // ended by itself
    assert.deepEqual(seen.filter((e) => e.id).slice(0, ids.length).map((e) => Number(e.id)), ids);
    const asleep = await logs(project, { headers: { 'last-event-id': String(ids.at(-1)) } });
    assert.deepEqual(asleep.map((e) => [e.type, e.id, e.data.state]), [['state', null, 'stopped']]);

    await ask(202, project, 'start');
    await reaches(project, 'running');
    const anew = await logs(project, { headers: { 'last-event-id': String(ids.at(-1)) } });
    assert.ok(lines(anew).includes('up on 3000'));
    assert.ok(anew.filter((e) => e.id).every((e) => Number(e.id) > ids.at(-1)), 'ids grow');
  });

  it('keep nothing awake, and neither does the status', async () => {
    const project = await started(FILES);
    const activity = () => instance.sql(`SELECT last_activity_at FROM sandboxes WHERE project_id = '${project.id}'`);
    const gone = new AbortController();
    const stream = instance.sse(`projects/${project.id}/logs`, { method: 'GET', signal: gone.signal });
    assert.ok((await stream.next()).value);
    const before = await activity();
    for (let i = 0; i < 20; i++) {
      await statusOf(project);
    }
    await logs(project);
    assert.deepEqual(await activity(), before);
    await ask(200, project, 'stop');
    gone.abort();
    await owner.expect(200, 'GET', `projects/${project.id}/logs`);
    assert.equal((await statusOf(project)).state, 'stopped');
  });

  it('of an app that sleeps are its state', async () => {
    const project = await newProject(FILES);
    const answer = await owner.expect(200, 'GET', `projects/${project.id}/logs`);
    assert.match(answer.text, /^retry: 2000\n\nevent: state\ndata: \{"state":"stopped"/);
  });

  it('hold no worker', async () => {
    const project = await started(FILES);
    const gone = new AbortController();
    const streams = Array.from({ length: 12 }, () => instance.sse(`projects/${project.id}/logs`, { method: 'GET', signal: gone.signal }));
    for (const stream of streams) {
      assert.ok((await stream.next()).value);
    }
    await reaches(project, 'running');
    gone.abort();
  });
});

describe('a terminal', () => {
  const address = (project, query = '?cols=100&rows=30') => `${instance.url}/api/v1/projects/${project.id}/terminal${query}`;
  const byKey = () => ({ authorization: `Bearer ${instance.key}` });

  async function cookie() {
    const { json: me } = await owner.expect(200, 'GET', 'me');
    const login = await new Client(instance.url).expect(200, 'POST', 'auth/login', {
      json: { email: me.email, password: instance.adminPassword },
    });
    return Object.entries(login.cookies).map(([name, { value }]) => `${name}=${value}`).join('; ');
  }

  it('wakes the sandbox and types ls', async () => {
    const project = await newProject(FILES);
    const socket = await WebSocket.connect(address(project), { headers: byKey() });
    assert.equal(socket.status, 101, socket.text);
    socket.send(Buffer.from('ls; echo size $(stty size)\n'));
    await waitFor('the files', () => socket.received.includes('server.js'), { ms: 10_000 });
    await waitFor('the size', () => socket.received.includes('size 30 100'), { ms: 10_000 });
    socket.send(JSON.stringify({ type: 'resize', cols: 120, rows: 40 }));
    socket.send(Buffer.from('stty size\n'));
    await waitFor('the new size', () => socket.received.includes('40 120'), { ms: 10_000 });
    await reaches(project, 'stopped'); // the app was not asked for
    socket.destroy();

    const [{ id }] = socket.texts;
    const again = await WebSocket.connect(address(project, `?session=${id}`), { headers: byKey() });
    assert.equal(again.status, 101, again.text);
    await waitFor('what was printed', () => again.received.includes('40 120'), { ms: 10_000 });
    assert.equal(again.texts[0].id, id);
    again.send(Buffer.from('exit 3\n'));
    await waitFor('the end', () => again.closed, { ms: 10_000 });
    assert.deepEqual(again.texts.at(-1), { type: 'exit', exit_code: 3, signal: null });
    assert.equal((await WebSocket.connect(address(project, '?session=x'), { headers: byKey() })).status, 400);

    const third = await WebSocket.connect(address(project), { headers: byKey() });
    await waitFor('the session', () => third.texts.length > 0);
    assert.deepEqual([socket, again, third].map((t) => t.texts[0].resumed), [false, true, false]);
    third.send(JSON.stringify({ type: 'close' }));
    await waitFor('the close', () => third.closed);
    assert.equal(third.closeCode, 1000);
    const last = await WebSocket.connect(address(project), { headers: byKey() });
    await waitFor('the session', () => last.texts.length > 0);
    await ask(200, project, 'stop');
    await waitFor('the close', () => last.closed);
    assert.equal(last.closeCode, 1001, 'the sandbox was stopped');
  });

  it('is opened by a session from our own origin only', async () => {
    const project = await newProject(FILES);
    const session = await cookie();
    for (const origin of ['http://evil.example', `http://${project.slug}.preview.localhost:${instance.port}`, 'null', undefined]) {
      const refused = await WebSocket.connect(address(project), { headers: { cookie: session, ...(origin && { origin }) } });
      assert.equal(refused.status, 403, `${origin}`);
    }
    const socket = await WebSocket.connect(address(project), { headers: { cookie: session, origin: instance.url } });
    assert.equal(socket.status, 101, socket.text);
    socket.close();
    assert.equal((await WebSocket.connect(address(project))).status, 401);
    assert.equal((await WebSocket.connect(address(project, '?cols=0'), { headers: byKey() })).status, 400);
    assertProblem(await owner.call('GET', `projects/${project.id}/terminal`), 400, { detail: /WebSocket/ });
  });
});
