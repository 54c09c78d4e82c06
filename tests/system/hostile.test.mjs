// Attackers with a foot in the door: a stranger who knows another's ids, a sandbox whose agent is theirs, a
// program that meddles with its workspace, a service account that was taken over. Each is held back, the
// attack on one costs nobody else anything, and where a defence can be left out the attack is seen to work.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';

import { assertProblem, parseEvents } from './lib/client.mjs';
import { file, reply, startFakeModel } from './lib/fake-model.mjs';
import {
  EXIT, LAST_CHUNK, LISTENING, QUEUED, STARTED, STDERR, STDOUT, bytes, chunk, drip, endlessly, exit, frame, frames,
  head, seize,
} from './lib/hostile-agent.mjs';
import { printLogsOnFailure, startInstance } from './lib/instance.mjs';
import { SandboxView, residentBytes } from './lib/sandbox-view.mjs';

const MiB = 1024 * 1024;
const RUN_MS = 3000;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
// The longest a silent or dripping agent may hold a worker: (queue + 2) × (run + 5 s), plus a start.
const PATIENCE_MS = 26_000;

let instance;
let model;
let attacker; // {id, key, client}
let bystander;

before(async () => {
  model = await startFakeModel();
  instance = await startInstance({
    env: {
      SLIPWAY_RUN_TIMEOUT_MS: String(RUN_MS), SLIPWAY_RUN_QUEUE: '1', SLIPWAY_SCRIPT_DISK_MB: '64',
      OPENAI_BASE_URL: model.baseUrl, OPENAI_API_KEY: 'sk-test', SLIPWAY_MODEL: 'fake-1',
    },
  });
  attacker = await instance.createUser();
  bystander = await instance.createUser();
  await Promise.all([attacker, bystander].map((user) => run(user, '1')));
});
after(async () => {
  await instance?.stop();
  await model?.close();
});
afterEach(printLogsOnFailure(() => instance));

async function run(user, code) {
  return (await user.client.expect(200, 'POST', 'execute', { json: { code } })).json;
}

// Asks sandboxd itself, as a worker would.
async function ensure(user) {
  const body = JSON.stringify({ user_id: user.id, project_id: null, profile: 'script' });
  const request = http.request({
    socketPath: `${instance.runDir}/broker/sandboxd.sock`, method: 'POST', path: '/v1/sandboxes/ensure', agent: false,
    headers: { 'content-type': 'application/json', 'content-length': body.length },
  });
  request.end(body);
  const [answer] = await once(request, 'response');
  assert.equal(answer.statusCode, 200);
  answer.resume();
  await once(answer, 'end');
}

const workers = () => instance.service('api').children;

async function assertBystanderUnharmed() {
  const result = await run(bystander, 'console.log(1+1)');
  assert.equal(result.output, '2\n', JSON.stringify(result));
}

describe('a stranger', () => {
  // Everything there is to name of the owner's: a project with a version, a generation, a key.
  async function belongings() {
    const owner = attacker.client; // the roles are turned: here the attacker is robbed
    const project = (await owner.expect(201, 'POST', 'projects', { json: { name: 'Mine' } })).json.id;
    await owner.expect(201, 'PUT', `projects/${project}/files/index.js`, { body: 'console.log("mine")' });
    model.next(reply(`Here.\n${file('a.js', 'console.log("mine")')}`));
    const turn = await owner.expect(200, 'POST', `projects/${project}/generate`, { json: { prompt: 'mine' } });
    const gid = parseEvents(turn.text).find((e) => e.type === 'generation').data.id;
    const key = (await owner.expect(200, 'GET', 'api-keys')).json.items[0].id;
    const share = (await owner.expect(201, 'POST', `projects/${project}/shares`, { json: {} })).json.id;
    return { project, gid, key, share };
  }

  const BODIES = {
    'PATCH /api/v1/projects/{id}': { name: 'x' }, 'POST /api/v1/projects/{id}/generate': { prompt: 'x' },
    'PATCH /api/v1/users/{id}': { role: 'member' },
    'POST /api/v1/projects/{id}/changes': { changes: [{ op: 'write', path: 'a.js', content: 'x' }] },
  };

  it('gets for every call with another\'s ids exactly what unknown ids get', async () => {
    const mine = await belongings();
    const document = (await bystander.client.expect(200, 'GET', 'openapi.json')).json;
    const calls = Object.entries(document.paths)
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => [method.toUpperCase(), path]))
      .filter(([, path]) => path.includes('{'));
    assert.ok(calls.length >= 16, `${calls.length}`);
    const fill = (path, ids) => path
      .replace('{id}', path.includes('/api-keys/') ? ids.key : path.includes('/users/') ? attacker.id : ids.project)
      .replace(/search$/, 'search?q=mine').replace('{gid}', ids.gid).replace('{sid}', ids.share).replace('{path}', 'index.js').replace('{n}', '1').replace('{a}', '1').replace('{b}', '2');
    for (const [method, path] of calls) {
      const options = ['GET', 'DELETE'].includes(method) ? {} : { json: BODIES[`${method} ${path}`] ?? {} };
      const answers = [];
      for (const ids of [mine, { project: UNKNOWN, gid: UNKNOWN, key: UNKNOWN, share: UNKNOWN }]) {
        const answer = await bystander.client.call(method, fill(path, ids), options);
        const problem = assertProblem(answer, path.includes('/users/') ? 403 : 404, {}, `${method} ${path}`);
        delete problem.request_id;
        answers.push(problem);
      }
      assert.deepEqual(answers[0], answers[1], `${method} ${path}`);
    }
    // It was not for want of anything there: the owner's calls still find it all, unchanged.
    const { client } = attacker;
    assert.equal((await client.expect(200, 'GET', `projects/${mine.project}`)).json.name, 'Mine');
    assert.equal((await client.expect(200, 'GET', `projects/${mine.project}/files/index.js`)).text, 'console.log("mine")');
    await client.expect(200, 'GET', `projects/${mine.project}/generations/${mine.gid}`);
  });

  it('finds nothing of another\'s in any list', async () => {
    const mine = await belongings();
    for (const path of ['projects', 'api-keys']) {
      const { text } = await bystander.client.expect(200, 'GET', path);
      assert.ok(!text.includes(mine.project) && !text.includes(mine.key), path);
    }
    assert.ok((await attacker.client.expect(200, 'GET', 'projects')).text.includes(mine.project));
  });

  it('cannot mix a project of theirs with a generation of another\'s', async () => {
    const mine = await belongings();
    const theirs = (await bystander.client.expect(201, 'POST', 'projects', { json: { name: 'Theirs' } })).json.id;
    for (const [method, rest] of [['GET', ''], ['GET', '/events'], ['POST', '/cancel']]) {
      const options = method === 'POST' ? { json: {} } : {};
      assertProblem(await bystander.client.call(method, `projects/${theirs}/generations/${mine.gid}${rest}`, options), 404);
    }
  });
});

describe('a hostile agent', () => {
  let sandbox;
  let agent;
  let pids;

  before(async () => {
    // One that no worker has spoken to: a kept connection would lead past the one who takes its place.
    attacker = await instance.createUser();
    await ensure(attacker);
    sandbox = await SandboxView.of(instance, attacker.id);
    agent = await seize(sandbox);
    pids = workers();
  });
  after(() => agent?.close());

  const post = (headers) => attacker.client.call('POST', 'execute', { json: { code: '1' }, headers });

  it('is in place, and would be believed if it played by the rules', async () => {
    agent.answer = frames(frame(STARTED, '{"pid":2}'), frame(STDOUT, 'not from a sandbox\n'), exit({ exit_code: 3 }));
    const answer = (await run(attacker, '1'));
    assert.deepEqual([answer.output, answer.exit_code], ['not from a sandbox\n', 3]);
    assert.equal(agent.runs, 1);
  });

  const EXIT_TEXT = (text) => frames(frame(STDOUT, 'x'), frame(EXIT, text));
  const NONSENSE = {
    'closes at once': (socket) => socket.destroy(),
    'says nothing of HTTP': bytes('lorem ipsum dolor sit amet\n'),
    'sends random bytes': bytes(Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) & 255))),
    'has a status of its own': bytes('HTTP/1.1 999 Fine\r\nContent-Length: 0\r\n\r\n'),
    'has no status': bytes('HTTP/1.1\r\n\r\n'),
    'promises an upgrade': bytes('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    'answers an error with ten megabytes': bytes(`HTTP/1.1 500 No\r\nContent-Length: ${10 * MiB}\r\n\r\n`, Buffer.alloc(10 * MiB, 'x')),
    'answers an error with words for the page': bytes('HTTP/1.1 500 No\r\nContent-Length: 62\r\n\r\n',
      JSON.stringify({ kind: 'x', detail: '<script>\u0000\u001b[2J\u202e' }).padEnd(62)),
    'claims to be signed in as nobody': bytes('HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'),
    'sends no frames': bytes(head(), LAST_CHUNK),
    'ends without an exit frame': frames(frame(STDOUT, 'x')),
    'breaks off in a frame': frames(frame(STDOUT, 'x', 1000)),
    'breaks off in a chunk': bytes(head(), 'fff\r\nx'),
    'sends a frame of no known type': frames(frame(9, 'x'), exit()),
    'sends a frame of type 0': frames(frame(0), exit()),
    'sends a frame of 4 GiB': frames(frame(STDOUT, 'x', 0xffffffff), exit()),
    'sends a frame a byte too long': frames(frame(STDOUT, Buffer.alloc(256 * 1024 + 1)), exit()),
    'goes on after the exit frame': frames(exit(), frame(STDOUT, 'x')),
    'exits twice': frames(exit(), exit()),
    'exits without JSON': EXIT_TEXT('x'),
    'exits with an array': EXIT_TEXT('[]'),
    'exits with nothing in it': EXIT_TEXT('{}'),
    'exits with wrong types': EXIT_TEXT('{"exit_code":"0","duration_ms":[]}'),
    'exits with numbers out of range': EXIT_TEXT('{"exit_code":99999999999999999999,"duration_ms":1}'),
    'exits with a negative time': EXIT_TEXT('{"exit_code":0,"duration_ms":-1}'),
    'exits with 1e999': EXIT_TEXT('{"exit_code":0,"duration_ms":1e999}'),
    'exits with deep JSON': EXIT_TEXT(`{"exit_code":${'['.repeat(100_000)}`),
    'exits with JSON that is not UTF-8': frames(frame(EXIT, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]))),
    'exits with a NUL in a name': EXIT_TEXT('{"exit_code":0,"duration_ms":1,"signal":"SIG\\u0000KILL"}'),
    'exits by a signal with words for the page': EXIT_TEXT('{"exit_code":0,"duration_ms":1,"signal":"<script>"}'),
    'sends events that are no JSON': frames(frame(STARTED, 'x'), exit()),
    'lies about its length, too short': bytes('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', exit()),
    'lies about its length, too long': bytes('HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n', exit()),
    'has a chunk of 16 EiB': bytes(head(), 'ffffffffffffffff\r\n', exit()),
    'has a chunk of negative size': bytes(head(), '-5\r\n', exit()),
    'compresses a bomb': bytes('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n',
      Buffer.from('1f8b080000000000000303000000000000000000', 'hex')),
  };
  for (const [what, answer] of Object.entries(NONSENSE)) {
    it(`that ${what} is a 502`, async () => {
      agent.answer = answer;
      assertProblem(await post(), 502, { type: 'upstream', detail: /agent|sandbox/ });
    });
  }

  // What never ends by itself. Each is cut, and how much of it was taken is bounded.
  const big = Buffer.alloc(64 * 1024, 'x');
  const ENDLESS = {
    'sends ten gigabytes of output': endlessly(head(), chunk(frame(STDOUT, big))),
    'sends ten gigabytes of errors': endlessly(head(), chunk(frame(STDERR, big))),
    'sends frames of nothing': endlessly(head(), chunk(Buffer.concat(Array(10_000).fill(frame(STDOUT))))),
    'sends events only': endlessly(head(), chunk(Buffer.concat(Array(100).fill(frame(QUEUED, '{"position":1}'))))),
    'sends listening frames': endlessly(head(), chunk(frame(LISTENING, JSON.stringify({ port: 1, body: 'x'.repeat(60_000) })))),
    'sends one frame that never ends': endlessly(Buffer.concat([Buffer.from(head()), chunk(frame(STDOUT, '', 0x7fffffff))]), chunk(big)),
    'sends headers only': endlessly('HTTP/1.1 200 OK\r\n', Buffer.from(`X-Header: ${'x'.repeat(4000)}\r\n`)),
    'sends one header that never ends': endlessly('HTTP/1.1 200 OK\r\nX-Header: ', big),
    'sends a body of an error that never ends': endlessly('HTTP/1.1 500 No\r\n\r\n', big),
    'asks for patience for ever': endlessly('', Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'.repeat(100))),
    'sends trailers only': endlessly(Buffer.concat([Buffer.from(head()), chunk(exit()), Buffer.from('0\r\n')]), Buffer.from(`X-Trailer: ${'x'.repeat(4000)}\r\n`)),
    'sends chunk extensions only': endlessly(`${head()}5;`, big),
    'says nothing at all': () => {},
    'says nothing after its head': (socket) => socket.write(head()),
    'says nothing after its output': (socket) => socket.write(Buffer.concat([Buffer.from(head()), chunk(frame(STDOUT, 'x'))])),
    'drips its head': drip('HTTP/1.1 200 OK\r\nX-H: ', () => 'x'),
    'drips a frame': drip(Buffer.concat([Buffer.from(head()), chunk(frame(STDOUT, '', 200_000))]), () => chunk(Buffer.from('x'))),
    'drips output': drip(head(), () => chunk(frame(STDOUT, 'x'))),
    'drips queue positions': drip(head(), () => chunk(frame(QUEUED, '{"position":1}'))),
  };

  it('that never ends is cut in bounded time and memory, and harms nobody else', async () => {
    const all = Object.keys(ENDLESS);
    const left = [...all];
    const failures = [];
    const times = [];
    const began = Math.max(...workers().map(residentBytes));
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, ...workers().map(residentBytes))), 20);
    // The code of a run says which way it is to be answered.
    agent.answer = (socket, self, request) => {
      const name = all.find((n) => request.includes(n));
      ENDLESS[name](socket, self, name);
    };
    const attack = async () => {
      for (let name; (name = left.shift());) {
        const started = performance.now();
        const { status, headers, text } = await attacker.client.post('execute', { code: name });
        const took = performance.now() - started;
        if (![502, 504].includes(status) || !headers['content-type'].startsWith('application/problem+json') ||
            took > PATIENCE_MS) {
          failures.push(`${name}: ${status} after ${took} ms: ${text.slice(0, 200)}`);
        }
      }
    };
    let done = false;
    try {
      // As many at a time as a user may.
      const attacks = Promise.all([attack(), attack(), attack(), attack()]).finally(() => (done = true));
      while (!done) {
        const started = performance.now();
        await assertBystanderUnharmed();
        times.push(performance.now() - started);
      }
      await attacks;
    } finally {
      clearInterval(watch);
    }
    assert.deepEqual(failures, []);
    for (const [name, sent] of agent.sent) {
      // libcurl skips chunk extensions by itself; silence is what ends them.
      assert.ok(sent < 64 * MiB || name.includes('extensions'), `${name}: ${sent} bytes were taken`);
    }
    assert.ok(most - began < 32 * MiB, `a worker grew from ${began} to ${most}`);
    const median = times.sort((x, y) => x - y)[times.length >> 1];
    assert.ok(median < 1000, `the others' median was ${median} ms`);
  });

  it('cannot speak to the client or to nginx by headers', async () => {
    const secret = '/metrics';
    agent.answer = (socket) => {
      socket.write(head(`X-Accel-Redirect: ${secret}\r\nX-Accel-Buffering: yes\r\nX-Accel-Expires: 100\r\nSet-Cookie: slipway=stolen\r\n`
        + 'Location: http://127.0.0.1:1/\r\nAccess-Control-Allow-Origin: *\r\nContent-Disposition: inline\r\nX-Mine: 1\r\n'));
      socket.write(chunk(frame(STDOUT, 'HTTP/1.1 200 OK\r\nX-Accel-Redirect: /metrics\r\n\r\n')));
      socket.end(Buffer.concat([chunk(exit()), Buffer.from(LAST_CHUNK)]));
    };
    for (const headers of [{}, { accept: 'text/event-stream' }]) {
      const answer = await post(headers);
      assert.equal(answer.status, 200);
      assert.match(answer.headers['content-type'], headers.accept ? /^text\/event-stream/ : /^application\/json/);
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      for (const name of ['x-accel-redirect', 'set-cookie', 'location', 'access-control-allow-origin', 'content-disposition', 'x-mine']) {
        assert.equal(answer.headers[name], undefined, name);
      }
      assert.match(answer.text, /X-Accel-Redirect: \/metrics/); // as output, where it does nothing
      assert.doesNotMatch(answer.text, /slipway_/);
    }
  });

  it('cannot send the worker anywhere else', async () => {
    let visits = 0;
    const trap = http.createServer((rq, rs) => (visits++, rs.end())).listen(0, '127.0.0.1');
    await once(trap, 'listening');
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        agent.answer = bytes(`HTTP/1.1 ${status} There\r\nLocation: http://127.0.0.1:${trap.address().port}/\r\nContent-Length: 0\r\n\r\n`);
        assertProblem(await post(), 502);
      }
      assert.equal(visits, 0);
    } finally {
      trap.close();
    }
  });

  it('that turns hostile in a stream ends it with an error event', async () => {
    agent.answer = frames(frame(STDOUT, 'so far so good\n'), frame(9));
    const answer = await post({ accept: 'text/event-stream' });
    assert.equal(answer.status, 200);
    const events = parseEvents(answer.text);
    assert.deepEqual(events.map((e) => e.type), ['stdout', 'error']);
    assert.equal(events[1].data.status, 502);
  });

  it('cannot forge events or JSON by what it prints', async () => {
    const text = '\n\nevent: exit\ndata: {"exit_code":0}\n\n\r\r\nid: 99\u2028"}\u0000';
    agent.answer = frames(frame(STDOUT, text), exit({ exit_code: 9 }));
    const answer = await post({ accept: 'text/event-stream' });
    const events = parseEvents(answer.text);
    assert.deepEqual(events.map((e) => [e.type, e.id]), [['stdout', '1'], ['exit', '2']]);
    assert.equal(events[0].data.data, text);
    assert.equal(events[1].data.exit_code, 9);
    assert.equal((await run(attacker, '1')).output, text);
  });

  it('has not cost a worker its life', async () => {
    assert.deepEqual(workers(), pids);
    await assertBystanderUnharmed();
  });
});

describe('a hostile socket directory', () => {
  let sandbox;

  before(async () => {
    attacker = await instance.createUser();
    await run(attacker, '1');
    sandbox = await SandboxView.of(instance, attacker.id);
  });

  const socket = () => `${sandbox.socketDir}/agent.sock`;

  // What the attacker gets from a run now: their own sandbox, woken anew, or words why not.
  async function assertOwnOrNone() {
    const answer = await attacker.client.post('execute', { code: 'console.log(process.getuid())' });
    if (answer.status === 200) {
      assert.equal(answer.json.output, `${sandbox.uid}\n`);
    } else {
      assertProblem(answer, answer.status === 502 ? 502 : 503);
    }
    await assertBystanderUnharmed();
    return answer.status;
  }

  async function renew() {
    await ensure(attacker);
    sandbox = await SandboxView.of(instance, attacker.id);
    assert.equal((await run(attacker, 'console.log(process.getuid())')).output, `${sandbox.uid}\n`);
  }

  it('that links to a neighbour\'s agent leads nowhere', async () => {
    const victim = await SandboxView.of(instance, bystander.id);
    const targets = [`${victim.socketDir}/agent.sock`, `../${victim.id}/agent.sock`, `${instance.runDir}/broker/sandboxd.sock`];
    for (const target of targets) {
      fs.rmSync(socket(), { force: true });
      fs.symlinkSync(target, socket());
      await assertOwnOrNone();
      await renew();
    }
  });

  it('would lead there on a mount that follows links', async () => {
    const victim = await SandboxView.of(instance, bystander.id);
    const dir = fs.mkdtempSync(`${instance.runDir}/links-`);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'test', dir]);
    try {
      fs.symlinkSync(`${victim.socketDir}/agent.sock`, `${dir}/agent.sock`);
      assert.equal(await connectAs('slipway-api', `${dir}/agent.sock`), 'connected');
      execFileSync('mount', ['-o', 'remount,nosymfollow', dir]);
      assert.equal(await connectAs('slipway-api', `${dir}/agent.sock`), 'ELOOP');
    } finally {
      execFileSync('umount', [dir]);
      fs.rmdirSync(dir);
    }
  });

  it('that holds anything but a socket holds nobody up', async () => {
    const things = [
      () => {}, () => fs.writeFileSync(socket(), 'x'), () => fs.mkdirSync(socket()),
      () => execFileSync('mkfifo', ['-m', '666', socket()]), () => fs.symlinkSync('agent.sock', socket()),
    ];
    for (const make of things) {
      fs.rmSync(socket(), { force: true, recursive: true });
      make();
      const started = performance.now();
      await assertOwnOrNone();
      assert.ok(performance.now() - started < 10_000);
      await renew();
    }
  });

  it('fills up for its sandbox only', async () => {
    // As the container's root, who may write there.
    await assert.rejects(sandbox.execAsRoot('sh', '-c', 'cat /dev/zero >/run/slipway/hog'), /No space left/);
    await assert.rejects(sandbox.execAsRoot('sh', '-c', 'i=0; while : >/run/slipway/f$i; do i=$((i+1)); done'),
      /No space left|nonexistent|cannot create/);
    const { blocks, bsize, files } = fs.statfsSync(sandbox.socketDir);
    assert.ok(blocks * bsize <= 64 * 1024 && files <= 16, `${blocks * bsize} bytes, ${files} files`);
    await run(attacker, '1');
    fs.rmSync(socket());
    await assertOwnOrNone();
    await renew();
    await assertBystanderUnharmed();
  });
});

describe('a program that prepares its workspace', () => {
  const OUTSIDE = ['/tmp', '/run/slipway', '/etc', '..', '/proc/self/root/tmp'];

  // A project whose program does this to its directory src, and then a next version of src/planted.js.
  async function versionAfter(prepare) {
    const { client } = bystander;
    const { id } = (await client.expect(201, 'POST', 'projects', { json: { name: 'Prepared' } })).json;
    const put = (path, body) => client.call('PUT', `projects/${id}/files/${path}`, { body });
    await put('index.js', `const fs = require('fs'); ${prepare}`);
    await put('src/planted.js', 'one');
    assert.equal((await client.expect(200, 'POST', `projects/${id}/execute`, { json: {} })).json.exit_code, 0, prepare);
    await put('src/planted.js', 'two');
    const code = `const fs = require('fs'), path = require('path');
      console.log(fs.readFileSync('src/planted.js', 'utf8'));
      console.log(${JSON.stringify(OUTSIDE)}.filter((d) => fs.existsSync(path.resolve('/workspace', d, 'planted.js'))).join())`;
    return (await client.expect(200, 'POST', `projects/${id}/execute`, { json: { code } })).json.output;
  }

  it('cannot make its next version be written elsewhere', async () => {
    for (const target of OUTSIDE) {
      const output = await versionAfter(`fs.rmSync('src', { recursive: true }); fs.symlinkSync('${target}', 'src')`);
      assert.equal(output, 'two\n\n', target);
    }
  });

  it('cannot keep its next version out', async () => {
    const prepare = [
      "fs.rmSync('src', { recursive: true }); fs.writeFileSync('src', 'in the way')",
      "fs.rmSync('src/planted.js'); fs.mkdirSync('src/planted.js/in/the/way', { recursive: true })",
      "fs.chmodSync('src', 0)", "fs.chmodSync('/workspace', 0)",
    ];
    for (const code of prepare) {
      assert.equal(await versionAfter(code), 'two\n\n', code);
    }
  });
});

describe('a model', () => {
  const PLANTED = 'planted-by-the-model';

  async function generate(id, prompt) {
    return parseEvents((await bystander.client.expect(200, 'POST', `projects/${id}/generate`, { json: { prompt } })).text);
  }

  it('cannot name a file outside its project', async () => {
    const { id } = (await bystander.client.expect(201, 'POST', 'projects', { json: { name: 'Model' } })).json;
    const bad = [
      '../x.js', '../../../../../../etc/cron.d/x', '/etc/x', '/workspace/x.js', 'a/../../x.js', 'a/../x.js', './x.js', 'a//x.js', '..',
      '.', '', '~/x.js/', 'a\nb.js', '\u001b[2J.js', 'x'.repeat(300), `${'d/'.repeat(600)}x.js`, 'C:\\x.js\\..',
    ];
    model.next(reply(`${bad.map((path) => file(path, PLANTED)).join('\n')}\n${file('index.js',
      'console.log("inside </slipway-file> <slipway-file path=\\"../y.js\\">")')}`, { size: 4096 }));
    const events = await generate(id, 'Escape');
    const files = events.filter((e) => e.type === 'file').map((e) => e.data);
    assert.deepEqual(files.filter((f) => f.state === 'written').map((f) => f.path), ['index.js']);
    const { items } = (await bystander.client.expect(200, 'GET', `projects/${id}/files`)).json;
    assert.deepEqual(items.map((f) => f.path), ['index.js']);
    const run_ = await bystander.client.expect(200, 'POST', `projects/${id}/execute`, { json: {} });
    assert.match(run_.json.output, /^inside /);
    const sandbox = await SandboxView.of(instance, bystander.id, id);
    assert.equal(await sandbox.execAsRoot('sh', '-c', `grep -rls ${PLANTED} / --exclude-dir=proc --exclude-dir=sys || true`), '');
  });

  it('cannot fill memory or the database with a reply that never ends', async () => {
    const { id } = (await bystander.client.expect(201, 'POST', 'projects', { json: { name: 'Endless' } })).json;
    const began = Math.max(...workers().map(residentBytes));
    model.next(reply(file('index.js', 'x'.repeat(12 * MiB)), { size: 64 * 1024 }));
    const events = await generate(id, 'Endless');
    assert.equal(events.at(-1).data.state, 'failed');
    assert.match(events.find((e) => e.type === 'error').data.detail, /large/);
    assert.equal((await bystander.client.expect(200, 'GET', `projects/${id}`)).json.version, 0);
    const grown = Math.max(...workers().map(residentBytes)) - began;
    assert.ok(grown < 64 * MiB, `a worker grew by ${grown}`);
  });
});

// As that account of this host: what becomes of a connection to a socket.
async function connectAs(account, path, groups = ['--init-groups']) {
  const code = `require('net').connect(process.argv[1]).on('connect', () => (console.log('connected'), process.exit()))
    .on('error', (e) => (console.log(e.code), process.exit()))`;
  const group = /^\d+$/.test(account) ? account : String(spawnSync('id', ['-g', account]).stdout).trim();
  return execFileSync('setpriv', [`--reuid=${account}`, `--regid=${group}`, ...groups, process.execPath, '-e', code, path], {
    encoding: 'utf8', timeout: 20_000, cwd: '/',
  }).trim();
}

describe('an account that was taken over', () => {
  const sockets = () => ({
    docker: '/var/run/docker.sock', sandboxd: `${instance.runDir}/broker/sandboxd.sock`,
    postgres: `${instance.runDir}/postgres/.s.PGSQL.5432`, workers: `${instance.runDir}/fcgi/run.sock`,
    operator: `${instance.runDir}/nginx/local.sock`, agent: '',
  });
  const MAY = {
    'slipway-api': ['sandboxd', 'postgres', 'workers', 'agent'], // the workers
    'slipway-web': ['workers', 'agent'], // nginx
    'slipway-db': ['postgres'],
    nobody: [],
    sandbox: [], // code, should it ever get out of its container
  };
  for (const [account, may] of Object.entries(MAY)) {
    it(`reaches as ${account} ${may.join(', ') || 'no socket'} and nothing else`, async () => {
      const sandbox = await SandboxView.of(instance, bystander.id);
      const found = {};
      for (const [name, path] of Object.entries({ ...sockets(), agent: `${sandbox.socketDir}/agent.sock` })) {
        const groups = account === 'sandbox' ? ['--clear-groups'] : undefined;
        found[name] = await connectAs(account === 'sandbox' ? String(sandbox.uid) : account, path, groups);
      }
      for (const [name, became] of Object.entries(found)) {
        assert.equal(became, may.includes(name) ? 'connected' : 'EACCES', name);
      }
    });
  }

  it('is not obeyed by sandboxd because it has the group', async () => {
    const ask = (account) => execFileSync('setpriv', [`--reuid=${account}`, '--regid=slipway-broker', '--clear-groups', 'curl', '-s',
      '-m', '10', '-w', '%{http_code}', '--unix-socket', sockets().sandboxd, 'http://sandboxd/v1/sandboxes'], { encoding: 'utf8' });
    assert.match(ask('slipway-api'), /"items".*200$/s);
    assert.match(ask('slipway-web'), /"forbidden".*403$/s);
    assert.match(ask('nobody'), /"forbidden".*403$/s);
  });

  it('may do to the database what its work needs', async () => {
    const [bin] = fs.readdirSync('/usr/lib/postgresql').sort((a, b) => b - a);
    const psql = (account, user, sql) => spawnSync('setpriv', [`--reuid=${account}`, `--regid=${account}`, '--init-groups',
      `/usr/lib/postgresql/${bin}/bin/psql`, '-XAtq', '-h', `${instance.runDir}/postgres`, '-U', user, '-d', 'slipway', '-c', sql],
    { encoding: 'utf8', cwd: '/', env: { PATH: process.env.PATH } });
    assert.match(psql('slipway-api', 'slipway_api', 'SELECT count(*) FROM users').stdout, /^[1-9]/);
    const denied = [
      "INSERT INTO sandboxes SELECT * FROM sandboxes", 'DELETE FROM sandboxes', "UPDATE sandboxes SET agent_socket = '/x'",
      'DELETE FROM audit_log', 'DROP TABLE users', 'CREATE TABLE x ()', "COPY users TO PROGRAM 'cat'", "COPY users TO '/tmp/x'",
      "SELECT pg_read_file('/etc/passwd')", 'CREATE ROLE x SUPERUSER', 'ALTER ROLE slipway_api SUPERUSER', 'SET ROLE postgres',
    ];
    for (const sql of denied) {
      const { status, stderr } = psql('slipway-api', 'slipway_api', sql);
      assert.ok(status !== 0 && /permission denied|must be owner|must be superuser|must be member/.test(stderr), `${sql}: ${stderr}`);
    }
    for (const user of ['postgres', 'slipway', 'slipway_sandboxd']) {
      assert.match(psql('slipway-api', user, 'SELECT 1').stderr, /Peer authentication failed/, user);
    }
  });

  it('finds secrets readable by their owners only', () => {
    const mode = (path) => {
      const st = fs.statSync(`${instance.stateDir}/${path}`);
      return `${st.uid} ${(st.mode & 0o777).toString(8)}`;
    };
    assert.deepEqual(['api-key', 'admin-password', 'disks'].map(mode), ['0 600', '0 600', '0 700']);
    assert.match(mode('slipway.env'), /^0 640$/);
    assert.match(mode('postgres'), / 700$/);
    const read = (account, path) => spawnSync('setpriv', [`--reuid=${account}`, `--regid=${account}`, '--init-groups', 'cat',
      `${instance.stateDir}/${path}`]).status;
    assert.equal(read('slipway-api', 'slipway.env'), 0);
    for (const path of ['slipway.env', 'api-key', 'admin-password', 'postgres/PG_VERSION']) {
      assert.notEqual(read('slipway-web', path), 0, path);
    }
  });

  it('has no capability, and no way to gain one', () => {
    const status = (pid) => fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    const uid = (account) => execFileSync('id', ['-u', account], { encoding: 'utf8' }).trim();
    const nginx = instance.service('nginx').children;
    for (const [account, pids] of [['slipway-api', workers()], ['slipway-web', nginx], ['slipway-db', [instance.service('postgres').pid]]]) {
      assert.ok(pids.length > 0);
      for (const pid of pids) {
        assert.match(status(pid), new RegExp(`^Uid:\\s+${uid(account)}\\s`, 'm'), account);
        assert.match(status(pid), /^CapEff:\s+0+$/m, account);
      }
    }
    for (const pid of workers()) {
      assert.match(status(pid), /^CapBnd:\s+0+$/m);
      assert.match(status(pid), /^NoNewPrivs:\s+1$/m);
    }
  });
});
