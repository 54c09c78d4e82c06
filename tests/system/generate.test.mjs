// The builder's turns against a scripted model service that speaks the real wire format, well or badly.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { assertProblem, parseEvents } from './lib/client.mjs';
import * as fake from './lib/fake-model.mjs';
import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';

const KEY = 'sk-test-9f8e7d6c5b4a39281706f5e4d3c2b1a0';
const IDLE_MS = 1500;
const REPLY_MAX = 1024 * 1024;

let model;
let instance;
let owner;

before(async () => {
  model = await fake.startFakeModel();
  instance = await startInstance({
    env: {
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: `${model.baseUrl}/`, // the slash at the end must not double
      SLIPWAY_MODEL: 'fake-1, fake-2,offline',
      SLIPWAY_MODEL_IDLE_TIMEOUT_MS: String(IDLE_MS),
      SLIPWAY_MODEL_REPLY_MAX_BYTES: String(REPLY_MAX),
      SLIPWAY_USER_GENERATIONS_MAX: '4',
      SLIPWAY_RUN_TIMEOUT_MS: '5000',
      SLIPWAY_USER_SANDBOXES_MAX: '40', // one user makes more projects here than people do in an hour
    },
  });
  owner = instance.client();
});
after(async () => {
  await instance?.stop();
  await model?.close();
});
beforeEach(() => model.reset());
afterEach(printLogsOnFailure(() => instance));

async function newProject(files = {}) {
  const project = (await owner.expect(201, 'POST', 'projects', { json: { name: 'Generated' } })).json;
  for (const [path, text] of Object.entries(files)) {
    const answer = await owner.call('PUT', `projects/${project.id}/files/${path}`, { body: text });
    assert.ok(answer.status < 300, answer.text);
  }
  return project;
}

async function currentVersion(project) {
  return (await owner.expect(200, 'GET', `projects/${project.id}`)).json.version;
}

async function readFile(project, path) {
  return (await owner.expect(200, 'GET', `projects/${project.id}/files/${path}`)).text;
}

function start(project, json, options = {}) {
  return instance.sse(`projects/${project.id}/generate`, { json, ...options });
}

// A whole turn: its events, and ways to look at them.
async function generate(project, json) {
  const events = [];
  for await (const event of start(project, json)) {
    events.push({ ...event, at: performance.now() });
  }
  return new Turn(events);
}

class Turn {
  constructor(events) {
    this.events = events;
    assert.deepEqual(events.filter((e) => e.id !== null).map((e) => Number(e.id)),
      events.filter((e) => e.id !== null).map((_, i) => i + 1), 'ids count from 1 without a gap');
  }

  of(type) {
    return this.events.filter((e) => e.type === type).map((e) => e.data);
  }

  get words() {
    return this.of('message').map((d) => d.delta).join('');
  }

  get output() {
    return this.of('output').filter((d) => d.stream !== 'response').map((d) => d.data).join('');
  }

  get files() {
    return this.of('file').filter((d) => d.state !== 'writing').map((d) => `${d.state} ${d.path}`);
  }

  written(path) {
    return this.of('file').filter((d) => d.path === path && d.state === 'writing').map((d) => d.delta ?? '').join('');
  }

  get run() {
    return this.of('step').filter((d) => d.name === 'run').at(-1);
  }

  get done() {
    assert.equal(this.events.at(-1).type, 'done', JSON.stringify(this.events.at(-1)));
    return this.events.at(-1).data;
  }

  // It ended well, with a version.
  succeeded() {
    assert.deepEqual(this.of('error'), []);
    assert.equal(this.done.state, 'done');
    return this;
  }

  // It failed with such an error and made no version.
  failed(status, detail) {
    assert.deepEqual(this.done, { state: 'failed', version: null });
    const [problem] = this.of('error');
    assert.equal(problem.status, status, JSON.stringify(problem));
    assert.match(problem.detail, detail);
    assert.doesNotMatch(JSON.stringify(this.events), new RegExp(KEY));
    return this;
  }
}

const HELLO = fake.file('index.js', "console.log('héllo 😀', 6 * 7);");

describe('a turn', () => {
  it('goes from a prompt through files and a version to running output', async () => {
    const project = await newProject();
    model.next(fake.reply(`Here you are.\n\n${HELLO}\nThat was it.\n`));
    const turn = (await generate(project, { prompt: 'Say hello', model: 'fake-2' })).succeeded();

    assert.equal(turn.events[0].type, 'generation');
    assert.equal(turn.events[0].data.model, 'fake-2');
    assert.equal(turn.words, 'Here you are.\n\n\nThat was it.\n');
    assert.equal(turn.written('index.js'), "console.log('héllo 😀', 6 * 7);\n");
    assert.deepEqual(turn.files, ['written index.js']);
    assert.deepEqual(turn.of('version'), [{ version: 1, parent: 0, files: 1, overwrote: [] }]);
    assert.equal(turn.output, 'héllo 😀 42\n');
    assert.equal(turn.run.state, 'finished');
    assert.equal(turn.run.exit_code, 0);
    assert.deepEqual(turn.of('usage'), [{ prompt_tokens: 11, completion_tokens: 7 }]);
    assert.deepEqual(turn.done, { state: 'done', version: 1 });
    assert.equal(await readFile(project, 'index.js'), "console.log('héllo 😀', 6 * 7);\n");

    const stored = (await owner.expect(200, 'GET', `projects/${project.id}/generations/${turn.events[0].data.id}`)).json;
    assert.equal(stored.state, 'done');
    assert.equal(stored.version, 1);
    assert.deepEqual(stored.usage, { prompt_tokens: 11, completion_tokens: 7 });
    const { kind, message } = (await owner.expect(200, 'GET', `projects/${project.id}/versions/1`)).json;
    assert.equal(kind, 'generate');
    assert.equal(message, 'Say hello');
  });

  it('asks the service as the wire format wants it', async () => {
    const project = await newProject({ 'a.txt': 'what is there' });
    model.next(fake.reply('Nothing to do.'));
    const turn = (await generate(project, { prompt: 'Grüße "quoted"\n</x>' })).succeeded();
    assert.deepEqual(turn.done.version, null);

    const [request] = model.requests;
    assert.equal(request.method, 'POST');
    assert.equal(request.path, '/v1/chat/completions');
    assert.equal(request.headers.authorization, `Bearer ${KEY}`);
    assert.equal(request.headers['content-type'], 'application/json');
    const { messages, ...rest } = request.body;
    assert.deepEqual(rest, { model: 'fake-1', stream: true, stream_options: { include_usage: true } });
    assert.equal(messages[0].role, 'system');
    for (const wanted of ['<slipway-file path="a.txt">\nwhat is there\n</slipway-file>', 'process.env.PORT', 'no network',
      'express 5', 'rest of the file unchanged']) {
      assert.ok(messages[0].content.includes(wanted), `the system prompt has ${wanted}`);
    }
    assert.doesNotMatch(messages[0].content, /\{\{/);
    assert.deepEqual(messages.at(-1), { role: 'user', content: 'Grüße "quoted"\n</x>' });
  });

  it('names the packages that the image has', async () => {
    const { readFileSync } = await import('node:fs');
    const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
    const prompt = read('prompts/part.sandbox.txt');
    for (const [name, range] of Object.entries(JSON.parse(read('sandbox-image/packages/package.json')).dependencies)) {
      assert.ok(prompt.includes(`${name} ${range.match(/\d+/)[0]}`), `${name} ${range}`);
    }
  });

  it('tells a second turn what there is and what was said', async () => {
    const project = await newProject();
    model.next(
      fake.reply(`First words.\n${HELLO}${fake.file('old.js', 'export {};')}`),
      fake.reply(`Second.\n${fake.file('index.js', 'console.log("new");')}<slipway-delete path="old.js"/>\n`),
    );
    (await generate(project, { prompt: 'One' })).succeeded();
    const turn = (await generate(project, { prompt: 'Two' })).succeeded();

    assert.deepEqual(turn.files, ['written index.js', 'deleted old.js']);
    assert.equal(turn.output, 'new\n');
    const { messages } = model.requests[1].body;
    assert.ok(messages[0].content.includes("console.log('héllo 😀', 6 * 7);"));
    assert.deepEqual(messages.slice(1).map((m) => m.role), ['user', 'assistant', 'user']);
    assert.equal(messages[1].content, 'One');
    assert.equal(messages[2].content, 'First words.\n(wrote index.js)\n(wrote old.js)\n');
    const tree = (await owner.expect(200, 'GET', `projects/${project.id}/files`)).json;
    assert.deepEqual(tree.items.map((f) => f.path), ['index.js']);
  });

  it('ends a program that listens as listening, with its answer shown', async () => {
    const project = await newProject();
    const server = "import express from 'express';\nconst app = express();\napp.get('/', (q, r) => r.send('Hello from inside'));\n" +
      'app.listen(process.env.PORT || 3000, () => console.log("up"));';
    model.next(fake.reply(fake.file('index.mjs', server)));
    const turn = (await generate(project, { prompt: 'A server' })).succeeded();
    assert.equal(turn.run.state, 'listening');
    assert.equal(turn.run.port, 3000);
    assert.equal(turn.run.status, 200);
    assert.deepEqual(turn.of('output').find((d) => d.stream === 'response'), { stream: 'response', data: 'Hello from inside' });
    assert.equal(turn.output, 'up\n');
  });

  it('shows an answer that is no text', async () => {
    const project = await newProject();
    const server = "require('node:http').createServer((q, r) => { r.setHeader('content-type', 'image/x'); r.end(Buffer.from([0, 255, 65])); }).listen(3000);";
    model.next(fake.reply(fake.file('index.js', server)));
    const turn = (await generate(project, { prompt: 'A picture' })).succeeded();
    assert.equal(turn.run.content_type, 'image/x');
    assert.deepEqual(turn.of('output'), [{ stream: 'response', data: '\ufffd\ufffdA' }]);
  });

  it('tells how a program failed, and is done all the same', async () => {
    const project = await newProject();
    model.next(fake.reply(fake.file('index.js', 'process.stderr.write("oh"); process.exit(3);')));
    const turn = (await generate(project, { prompt: 'Fail' })).succeeded();
    assert.equal(turn.run.state, 'failed');
    assert.equal(turn.run.exit_code, 3);
    assert.deepEqual(turn.of('output'), [{ stream: 'stderr', data: 'oh' }]);
    assert.deepEqual(turn.done, { state: 'done', version: 1 });
  });

  it('refuses bad paths and takes the others', async () => {
    const project = await newProject();
    model.next(fake.reply(`${fake.file('../../etc/passwd', 'x')}${fake.file('/abs.js', 'x')}${HELLO}<slipway-delete path="none.js"/>\n`));
    const turn = (await generate(project, { prompt: 'Paths' })).succeeded();
    assert.deepEqual(turn.files, ['refused ../../etc/passwd', 'refused /abs.js', 'written index.js', 'refused none.js']);
    for (const refused of turn.of('file').filter((f) => f.state === 'refused')) {
      assert.ok(refused.reason.length > 10, JSON.stringify(refused));
    }
    assert.deepEqual(turn.done, { state: 'done', version: 1 });
  });

  it('refuses packages, and files that are directories', async () => {
    const project = await newProject();
    model.next(fake.reply(fake.file('lib/node_modules/x/index.js', '1') + fake.file('my_node_modules.txt', '2')),
      fake.reply(fake.file('a', '1') + fake.file('a/b.js', '2')));
    const turn = (await generate(project, { prompt: 'Packages' })).succeeded();
    assert.deepEqual(turn.files, ['refused lib/node_modules/x/index.js', 'written my_node_modules.txt']);
    (await generate(project, { prompt: 'Both' })).failed(422, /make no version/);
    assert.equal(await currentVersion(project), 1);
  });

  it('without a program is done without a run', async () => {
    const project = await newProject();
    model.next(fake.reply(fake.file('notes.md', '# Notes\n\n... rest unchanged')));
    const turn = (await generate(project, { prompt: 'Notes' })).succeeded();
    assert.equal(turn.run.state, 'skipped');
    assert.match(turn.run.reason, /nothing to start/);
    assert.deepEqual(turn.done, { state: 'done', version: 1 });
  });

  it("takes a small model's lone code block as the program", async () => {
    const project = await newProject();
    model.next(fake.reply('Sure!\n```js\nconsole.log("fenced");\n```\nRun it.'));
    const turn = (await generate(project, { prompt: 'Small' })).succeeded();
    assert.deepEqual(turn.files, ['written index.js']);
    assert.equal(turn.output, 'fenced\n');
  });
});

describe('the first token', () => {
  it("reaches the client within 50 ms of the server's", async (t) => {
    const waits = [];
    for (let i = 0; i < 7; i++) {
      const project = await newProject();
      const hand = fake.byHand();
      model.next(hand.script);
      const events = start(project, { prompt: 'Quick' });
      assert.equal((await events.next()).value.type, 'generation');
      const stream = await hand.opened;
      const sent = performance.now();
      await stream.text('Word');
      const { value } = await events.next();
      waits.push(performance.now() - sent);
      assert.deepEqual([value.type, value.data], ['message', { delta: 'Word' }]);
      await stream.finish();
      for await (const event of events) {
        assert.notEqual(event.type, 'error');
      }
    }
    waits.sort((a, b) => a - b);
    t.diagnostic(`median ${waits[3].toFixed(1)} ms, worst ${waits[6].toFixed(1)} ms`);
    assert.ok(waits[3] < 50, `median of ${waits.map((w) => w.toFixed(1)).join(', ')} ms`);
  });
});

describe('the wire', () => {
  const text = `Grüße 😀\n${fake.file('index.js', "console.log('ü😀');")}`;
  const wires = {
    'shredded into single bytes': fake.shredded(text, 1),
    'shredded into pieces of seven bytes': fake.shredded(text, 7),
    'with CRLF and pings': fake.reply(text, { size: 1, crlf: true, pings: true }),
    'without usage and [DONE]': fake.reply(text, { finish: { usage: null, done: false } }),
    'not streamed at all': fake.whole(text),
  };
  for (const [name, script] of Object.entries(wires)) {
    it(`is read ${name}`, async () => {
      const project = await newProject();
      model.next(script);
      const turn = (await generate(project, { prompt: 'Wire' })).succeeded();
      assert.equal(turn.words, 'Grüße 😀\n');
      assert.equal(await readFile(project, 'index.js'), "console.log('ü😀');\n");
      assert.equal(turn.output, 'ü😀\n');
    });
  }
});

describe('a placeholder', () => {
  const lazy = fake.file('index.js', 'import x from "y";\n// ... rest of the file unchanged');

  it('is refused and the whole file asked for once more', async () => {
    const project = await newProject();
    model.next(fake.reply(`Words.\n${lazy}${fake.file('b.js', 'export const b = 1;')}`),
      fake.reply(`${fake.file('index.js', 'console.log("complete");')}${fake.file('c.js', 'not asked for')}`));
    const turn = (await generate(project, { prompt: 'Lazy' })).succeeded();
    assert.deepEqual(turn.files, ['refused index.js', 'written b.js', 'written index.js', 'refused c.js']);
    assert.equal(turn.output, 'complete\n');
    assert.deepEqual(turn.of('step').filter((s) => s.name === 'complete').map((s) => s.state), ['started', 'finished']);
    assert.deepEqual(turn.of('usage'), [{ prompt_tokens: 22, completion_tokens: 14 }]);
    const { messages } = model.requests[1].body;
    assert.deepEqual(messages.slice(-2).map((m) => m.role), ['assistant', 'user']);
    assert.match(messages.at(-1).content, /index\.js: line 2 leaves code out: \/\/ \.\.\. rest of the file unchanged/);
    assert.equal(turn.of('version')[0].files, 2);
  });

  it('twice changes nothing', async () => {
    const project = await newProject({ 'index.js': 'console.log("before");' });
    const before = await currentVersion(project);
    model.next(fake.reply(lazy), fake.reply(lazy));
    (await generate(project, { prompt: 'Lazier' })).failed(422, /left parts of files out twice.*index\.js/s);
    assert.equal(await currentVersion(project), before);
    assert.equal(await readFile(project, 'index.js'), 'console.log("before");');
    assert.equal(model.requests.length, 2);
  });

  it('and a file without an end are treated alike', async () => {
    const project = await newProject();
    model.next(fake.reply('<slipway-file path="index.js">\nconsole.log("half'),
      fake.reply(fake.file('index.js', 'console.log("whole");')));
    const turn = (await generate(project, { prompt: 'Cut' })).succeeded();
    assert.deepEqual(turn.files, ['refused index.js', 'written index.js']);
    assert.equal(turn.output, 'whole\n');
  });
});

describe('a failing service', () => {
  const cases = {
    'that refuses the key': {
      scripts: [fake.status(401, { error: { message: `Incorrect API key provided: ${KEY}` } })],
      status: 503, detail: /refused the key: check OPENAI_API_KEY/, requests: 1,
    },
    'that forbids': { scripts: [fake.status(403, { error: KEY })], status: 503, detail: /check OPENAI_API_KEY/, requests: 1 },
    'that does not know the model': {
      scripts: [fake.status(404, { error: { message: `model fake-1 not found for ${KEY}` } })],
      status: 502, detail: /answered 404: model fake-1 not found for \*+/, requests: 1,
    },
    'that limits for long': {
      scripts: [fake.status(429, { error: { message: 'quota' } }, { 'retry-after': '3600' })],
      status: 429, detail: /limits requests: quota/, requests: 1,
    },
    'that stays broken': {
      scripts: [fake.status(500), fake.status(502), fake.status(503, {}, { 'retry-after': '0' })],
      status: 502, detail: /answered 503/, requests: 3,
    },
    'that hangs up every time': {
      // libcurl sends a request again by itself when a kept connection turns out to be dead
      scripts: Array.from({ length: 8 }, () => fake.hangUp()), status: 502, detail: /broke the connection off/, requests: [3, 6],
    },
    'that answers with a page': { scripts: [fake.garbage()], status: 502, detail: /not a chat completion/, requests: 1 },
    'that answers with other JSON': {
      scripts: [fake.garbage('{"hello": 1}', 'application/json')], status: 502, detail: /not a chat completion/, requests: 1,
    },
    'that redirects': {
      scripts: [fake.status(302, {}, { location: 'http://127.0.0.1:1/steal' })], status: 503, detail: /redirect \(302\)/, requests: 1,
    },
    'that breaks off in the middle': {
      scripts: [fake.cutAfter(`Some words.\n<slipway-file path="index.js">\nhalf`)],
      status: 502, detail: /in the middle of its reply/, requests: 1,
    },
    'with an error in the middle': {
      scripts: [fake.errorAfter('Some words.', { message: `overloaded ${KEY}`, code: 503 })],
      status: 502, detail: /reported an error: overloaded \*+/, requests: 1,
    },
    'that cuts the reply by length': {
      scripts: [fake.reply(`Words ${HELLO}`, { finish: { reason: 'length' } })],
      status: 422, detail: /length limit/, requests: 1,
    },
    'that never stops talking': {
      scripts: [fake.reply(fake.file('index.js', 'x'.repeat(REPLY_MAX + 1)), { size: 8192 })],
      status: 413, detail: /reply is larger than 1048576 bytes/, requests: 1,
    },
    'that answers nothing': { scripts: [fake.reply('')], status: 502, detail: /answered nothing/, requests: 1 },
    'that falls silent': { scripts: [fake.silent()], status: 504, detail: /did not answer in time/, requests: 1 },
  };
  for (const [name, { scripts, status, detail, requests }] of Object.entries(cases)) {
    it(`${name} is an error event, and nothing is changed`, async () => {
      const project = await newProject({ 'index.js': 'console.log("before");' });
      model.next(...scripts);
      const turn = (await generate(project, { prompt: 'Fail' })).failed(status, detail);
      const [least, most] = [requests].flat();
      assert.ok(model.requests.length >= least && model.requests.length <= (most ?? least), `${model.requests.length} requests`);
      assert.equal(await currentVersion(project), 1);
      const id = turn.events[0].data.id;
      const stored = (await owner.expect(200, 'GET', `projects/${project.id}/generations/${id}`)).json;
      assert.equal(stored.state, 'failed');
      assert.equal(stored.error.status, status);
    });
  }

  it('that recovers is tried again while nothing was said', async () => {
    const project = await newProject();
    model.next(fake.hangUp(), fake.cutAfter(''), fake.reply(HELLO));
    assert.equal((await generate(project, { prompt: 'Again' })).succeeded().output, 'héllo 😀 42\n');
    assert.equal(model.requests.length, 3);
  });

  it('that says when to come back is obeyed', async () => {
    const project = await newProject();
    model.next(fake.status(429, {}, { 'retry-after': '1' }), fake.reply('Now.'));
    const begun = performance.now();
    (await generate(project, { prompt: 'Later' })).succeeded();
    assert.ok(performance.now() - begun >= 1000);
  });

  it('keeps what was said before it broke', async () => {
    const project = await newProject();
    model.next(fake.cutAfter('Half a sentence'));
    const turn = await generate(project, { prompt: 'Partial' });
    assert.equal(turn.words, 'Half a sentence');
    const id = turn.events[0].data.id;
    assert.equal(await instance.sql(`SELECT role, content FROM messages WHERE generation_id = '${id}' ORDER BY created_at`),
      'user|Partial\nassistant|Half a sentence');
  });

  it('never gets our key into logs or the database', async () => {
    assert.doesNotMatch(await instance.logs(), new RegExp(KEY.slice(0, 16)));
    assert.equal(await instance.sql(`SELECT count(*) FROM generation_events WHERE data LIKE '%${KEY.slice(0, 16)}%'`), '0');
    assert.equal(await instance.sql(`SELECT count(*) FROM messages WHERE content LIKE '%${KEY.slice(0, 16)}%'`), '0');
  });
});

// A turn held in the middle of the model's reply.
async function heldTurn(project, words = 'Working on it. ') {
  const hand = fake.byHand();
  model.next(hand.script);
  const abort = new AbortController();
  const events = start(project, { prompt: 'Hold' }, { signal: abort.signal });
  const id = (await events.next()).value.data.id;
  const stream = await hand.opened;
  await stream.text(words);
  assert.equal((await events.next()).value.data.delta, words);
  return { id, events, stream, abort };
}

async function rest(events) {
  const all = [];
  for await (const event of events) {
    all.push(event);
  }
  return all;
}

function storedEvents(project, id, headers = {}) {
  return owner.call('GET', `projects/${project.id}/generations/${id}/events`, { headers });
}

describe('a running turn', () => {
  it('is cancelled within a second, at the last whole version', async () => {
    const project = await newProject({ 'index.js': 'console.log("before");' });
    const held = await heldTurn(project);
    await held.stream.text('\n<slipway-file path="index.js">\nhalf');
    const asked = performance.now();
    await owner.expect(202, 'POST', `projects/${project.id}/generations/${held.id}/cancel`);
    const events = await rest(held.events);
    assert.ok(performance.now() - asked < 1000, `${performance.now() - asked} ms`);
    assert.deepEqual(events.at(-1).data, { state: 'cancelled', version: null });
    assert.ok(!events.some((e) => e.type === 'error'));
    await held.stream.closed;
    assert.equal(await currentVersion(project), 1);
  });

  it('is cancelled while its program runs', async () => {
    const project = await newProject();
    model.next(fake.reply(fake.file('index.js', 'console.log("on"); setInterval(() => {}, 1000);')));
    const events = start(project, { prompt: 'Endless' });
    let id;
    for await (const event of events) {
      id ??= event.data.id;
      if (event.type === 'output') {
        await owner.expect(202, 'POST', `projects/${project.id}/generations/${id}/cancel`);
      }
      if (event.type === 'done') {
        assert.deepEqual(event.data, { state: 'cancelled', version: 1 });
      }
    }
  });

  it('goes on when its client leaves, and is told whole to one that comes back', async () => {
    const project = await newProject();
    const held = await heldTurn(project);
    held.abort.abort();
    await assert.rejects(rest(held.events));
    await held.stream.text('Still here.\n');
    await held.stream.text(HELLO);
    await held.stream.finish();
    const state = async () =>
      (await owner.expect(200, 'GET', `projects/${project.id}/generations/${held.id}`)).json.state === 'done';
    await waitFor('the end of the turn', state, { ms: 20_000 });

    const all = new Turn(parseEvents((await storedEvents(project, held.id)).text));
    assert.equal(all.words, 'Working on it. Still here.\n');
    assert.equal(all.output, 'héllo 😀 42\n');
    assert.deepEqual(all.done, { state: 'done', version: 1 });
    const later = parseEvents((await storedEvents(project, held.id, { 'last-event-id': '3' })).text);
    assert.deepEqual(later, all.events.slice(3));
  });

  it('can be watched from elsewhere while it runs', async () => {
    const project = await newProject();
    const held = await heldTurn(project);
    const watched = rest(instance.sse(`projects/${project.id}/generations/${held.id}/events`, { method: 'GET' }));
    await held.stream.text('More. ');
    await held.stream.finish();
    const events = await rest(held.events);
    assert.deepEqual((await watched).slice(2), events);
  });

  it('keeps a second one in the same project out', async () => {
    const project = await newProject();
    const held = await heldTurn(project);
    const second = await owner.post(`projects/${project.id}/generate`, { prompt: 'Me too' });
    assertProblem(second, 409, { detail: /a generation is running in this project/ });
    await held.stream.finish();
    await rest(held.events);
  });

  it("makes its version on top of what was edited meanwhile, and says what it overwrote", async () => {
    const project = await newProject({ 'index.js': 'console.log("first");', 'other.js': '1;' });
    const held = await heldTurn(project);
    const put = (path, body) => owner.call('PUT', `projects/${project.id}/files/${path}`, { body });
    assert.ok((await put('index.js', 'console.log("mine");')).status < 300);
    assert.ok((await put('new.js', '2;')).status < 300);
    const head = await currentVersion(project);
    await held.stream.text('\n' + fake.file('index.js', 'console.log("model");') + fake.file('other.js', '3;'));
    await held.stream.finish();
    const turn = await rest(held.events);
    assert.deepEqual(turn.find((e) => e.type === 'version').data,
      { version: head + 1, parent: head, files: 2, overwrote: ['index.js'] });
    assert.equal(await readFile(project, 'new.js'), '2;');
    assert.equal(await readFile(project, 'index.js'), 'console.log("model");\n');
    await owner.expect(200, 'GET', `projects/${project.id}/versions/${head}`);
  });
});

describe('what stays of a turn', () => {
  const listed = async (project) => (await owner.expect(200, 'GET', `projects/${project.id}/generations`)).json.items;

  it('is in the list: words, files with their lines, steps, result', async () => {
    const project = await newProject({ 'index.js': "console.log('a');\nconsole.log('b');\n", 'old.js': '1\n' });
    model.next(
      fake.reply(`Two changes.\n\n${fake.file('index.js', "console.log('a');\nconsole.log('c');\nconsole.log('d');")}`
        + `<slipway-delete path="old.js"/>\n${fake.file('../x', '1')}Done.`),
      fake.reply(fake.file('index.js', 'process.exit(3);')));
    const turn = (await generate(project, { prompt: 'Change it' })).succeeded();
    (await generate(project, { prompt: 'Break it' })).succeeded();

    const [broken, changed] = await listed(project);
    assert.equal(changed.base_version, 2);
    assert.equal(changed.version, 3);
    assert.equal(changed.reply, turn.words);
    assert.deepEqual(changed.summary.files.map(({ path, state, additions, deletions }) => [path, state, additions, deletions]), [
      ['index.js', 'written', 2, 1],
      ['old.js', 'deleted', 0, 1],
      ['../x', 'refused', null, null],
    ]);
    assert.deepEqual(changed.summary.steps, [turn.run]);
    assert.ok(Math.abs(turn.run.at - Date.now()) < 60000, String(turn.run.at));
    assert.equal(changed.summary.preview, null);
    assert.equal(changed.summary.result, 'passed');
    assert.equal(broken.reply, null);
    assert.equal(broken.summary.result, 'failed');

    const versions = (await owner.expect(200, 'GET', `projects/${project.id}/versions`)).json.items;
    assert.deepEqual(versions.map((v) => [v.n, v.prompt, v.result]),
      [[4, 'Break it', 'failed'], [3, 'Change it', 'passed'], [2, null, null], [1, null, null]]);
    const restored = (await owner.expect(201, 'POST', `projects/${project.id}/versions/3/restore`)).json;
    assert.deepEqual([restored.n, restored.prompt, restored.result], [5, null, null]);
  });

  it('is nothing while it runs, and what there was when it is cancelled', async () => {
    const project = await newProject();
    const held = await heldTurn(project, 'Let me see.');
    await held.stream.text(`\n${fake.file('a.js', '1')}<slipway-file path="b.js">\nhalf`);
    for await (const event of held.events) {
      if (event.data.path === 'b.js') {
        break;
      }
    }
    const [running] = await listed(project);
    assert.deepEqual([running.state, running.reply, running.summary], ['running', null, null]);
    await owner.expect(202, 'POST', `projects/${project.id}/generations/${held.id}/cancel`);
    await held.stream.closed;
    const ended = async () => (await listed(project)).find((g) => g.state === 'cancelled');
    const cancelled = await waitFor('the end of the turn', ended);
    assert.match(cancelled.reply, /^Let me see\.\n/);
    assert.deepEqual(cancelled.summary.files.map((f) => [f.path, f.state, f.additions]),
      [['a.js', 'written', null], ['b.js', 'refused', null]]);
    assert.equal(cancelled.summary.result, null);
  });
});

describe('modes', () => {
  it('explain answers in words, changes and runs nothing', async () => {
    const project = await newProject({ 'index.js': 'console.log("x");' });
    model.next(fake.reply(`It prints x.\n${HELLO}`));
    const turn = (await generate(project, { prompt: 'What is it?', mode: 'explain' })).succeeded();
    assert.equal(turn.words, 'It prints x.\n');
    assert.deepEqual(turn.files, ['refused index.js']);
    assert.deepEqual(turn.of('step'), []);
    assert.deepEqual(turn.done, { state: 'done', version: null });
    assert.equal(await currentVersion(project), 1);
    assert.match(model.requests[0].body.messages[0].content, /You change nothing/);
  });

  it('fix is told what the last run printed, and needs no words', async () => {
    const project = await newProject();
    model.next(fake.reply(fake.file('index.js', 'null.x;')), fake.reply(fake.file('index.js', 'console.log("mended");')));
    assert.equal((await generate(project, { prompt: 'Break' })).run.state, 'failed');
    const turn = (await generate(project, { mode: 'fix' })).succeeded();
    assert.equal(turn.output, 'mended\n');
    const { messages } = model.requests[1].body;
    assert.match(messages[0].content, /Cannot read properties of null/);
    assert.match(messages[0].content, /"exit_code":1/);
    assert.match(messages.at(-1).content, /last run failed/);
  });
});

describe('what is asked for', () => {
  it('is checked before anything begins', async () => {
    const project = await newProject();
    const path = `projects/${project.id}/generate`;
    const other = await instance.createUser();
    const cases = [
      [{}, 400, /"prompt" is required/], [{ prompt: ' \n' }, 400, /"prompt" is required/],
      [{ prompt: 5 }, 400, /"prompt"/], [{ prompt: 'x'.repeat(32 * 1024 + 1) }, 413, /"prompt"/],
      [{ prompt: 'x', mode: 'destroy' }, 400, /"mode"/], [{ prompt: 'x', model: 'gpt-99' }, 422, /no model of that name/],
      [{ prompt: 'x', stream: true }, 400, /stream/],
    ];
    for (const [json, status, detail] of cases) {
      assertProblem(await owner.post(path, json), status, { detail }, JSON.stringify(json).slice(0, 60));
    }
    assertProblem(await owner.call('POST', path, { body: '{"prompt": "\u0000"}', headers: { 'content-type': 'application/json' } }), 400);
    assertProblem(await other.client.post(path, { prompt: 'x' }), 404);
    assertProblem(await owner.post('projects/00000000-0000-4000-8000-000000000000/generate', { prompt: 'x' }), 404);
    assert.equal(await instance.sql(`SELECT count(*) FROM generations WHERE project_id = '${project.id}'`), '0');
    assert.equal(model.requests.length, 0);
  });

  it('may be the longest prompt there is', async () => {
    const project = await newProject();
    model.next(fake.reply('Long.'));
    (await generate(project, { prompt: 'ü'.repeat(16 * 1024) })).succeeded();
    assert.equal(model.requests[0].body.messages.at(-1).content.length, 16 * 1024);
  });
});

describe('the catalogue', () => {
  it('lists models, the default first', async () => {
    const { json } = await owner.expect(200, 'GET', 'models');
    assert.deepEqual(json, {
      items: [{ id: 'fake-1', provider: 'openai', default: true }, { id: 'fake-2', provider: 'openai', default: false },
        { id: 'offline', provider: 'offline', default: false }],
      next: null,
    });
  });

  it('lists templates', async () => {
    const { items } = (await owner.expect(200, 'GET', 'templates')).json;
    assert.ok(items.some((t) => t.id === 'express'));
    for (const item of items) {
      assert.deepEqual(Object.keys(item).sort(), ['description', 'files', 'id', 'name', 'tags']);
      assert.ok(item.files >= 2, item.id);
    }
  });

  // Each template is real: asked for by its keywords, it runs.
  const prompts = {
    'node-script': ['a hello script', /The sum of 1 \+ 2/], 'cli-todo': ['a todo list', /Nothing to do/],
    express: ['Create a simple express server', /Hello from Express/],
    'http-server': ['a website with a button', /Hello from Node\.js/],
    'express-sqlite': ['notes in a database', /"notes":0/], 'websocket-chat': ['a websocket chat', /<h1>Chat<\/h1>/],
  };
  for (const [id, [prompt, wanted]] of Object.entries(prompts)) {
    it(`has ${id}, which runs`, async () => {
      const turn = (await generate(await newProject(), { prompt, model: 'offline' })).succeeded();
      assert.match(turn.words, /\*\*not a model\*\*/);
      if (turn.run) {
        assert.ok(['finished', 'listening'].includes(turn.run.state), JSON.stringify(turn.run));
        assert.match(turn.of('output').map((d) => d.data).join(''), wanted);
      } else {
        assert.equal(turn.of('preview')[0]?.status, 200, JSON.stringify(turn.of('step')));
      }
      assert.equal(model.requests.length, 0);
    });
  }

  it('is honest about what it cannot do', async () => {
    const project = await newProject({ 'index.js': '1;' });
    const fix = (await generate(project, { mode: 'fix', model: 'offline' })).succeeded();
    assert.match(fix.words, /takes a model, so nothing was changed/);
    const explain = (await generate(project, { prompt: 'What is it?', mode: 'explain', model: 'offline' })).succeeded();
    assert.match(explain.words, /`index\.js`: JavaScript/);
    const build = (await generate(project, { prompt: 'xyzzy', model: 'offline' })).succeeded();
    assert.match(build.words, /Nothing was changed/);
    assert.equal(await currentVersion(project), 1);
  });
});

describe('when something else is down', () => {
  it('the version stands without a sandbox, and the reason is told', async () => {
    const user = await instance.createUser();
    const project = (await user.client.expect(201, 'POST', 'projects', { json: { name: 'No sandbox' } })).json;
    await instance.service('sandboxd').stop();
    try {
      model.next(fake.reply(HELLO));
      const events = await rest(instance.sse(`projects/${project.id}/generate`, { json: { prompt: 'x' }, key: user.key }));
      const turn = new Turn(events);
      assert.equal(turn.run.state, 'failed');
      assert.equal(turn.run.kind, 'unavailable');
      assert.equal(turn.of('error')[0].status, 503);
      assert.match(turn.of('error')[0].detail, /sandboxd/);
      assert.deepEqual(turn.done, { state: 'done', version: 1 });
    } finally {
      await instance.service('sandboxd').start();
      await instance.waitReady();
    }
  });

  it('a killed worker leaves the turn interrupted within a minute, at the last whole version', async () => {
    const project = await newProject({ 'index.js': 'console.log("before");' });
    const held = await heldTurn(project, 'Then');
    for (const pid of instance.service('api').children) {
      process.kill(pid, 'SIGKILL');
    }
    await rest(held.events).catch(() => {});
    const state = async () => {
      const { json } = await owner.call('GET', `projects/${project.id}/generations/${held.id}`);
      return json.state === 'interrupted' && json;
    };
    const stored = await waitFor('the turn to be interrupted', state, { ms: 60_000, every: 500 });
    assert.equal(stored.version, null);
    assert.equal(stored.error.type, '/problems/interrupted');
    const events = new Turn(parseEvents((await storedEvents(project, held.id)).text));
    assert.deepEqual(events.done, { state: 'interrupted', version: null });
    assert.equal(await currentVersion(project), 1);
    model.next(fake.reply(HELLO));
    (await generate(project, { prompt: 'Again' })).succeeded();
  });

  it('a worker killed behind its version leaves the version, and the turn says which', async () => {
    const project = await newProject();
    model.next(fake.reply(fake.file('index.js', 'console.log("on"); setInterval(() => {}, 1000);')));
    const events = start(project, { prompt: 'Endless' });
    const { id } = (await events.next()).value.data;
    for await (const event of events) {
      if (event.type === 'output') {
        break;
      }
    }
    for (const pid of instance.service('api').children) {
      process.kill(pid, 'SIGKILL');
    }
    await instance.waitReady();
    await instance.sql(`UPDATE generations SET heartbeat_at = now() - interval '1 minute' WHERE id = '${id}'`);
    const state = async () => {
      const { json } = await owner.call('GET', `projects/${project.id}/generations/${id}`);
      return json.state === 'interrupted' && json;
    };
    assert.equal((await waitFor('the turn to be interrupted', state, { ms: 60_000, every: 500 })).version, 1);
    assert.equal(await currentVersion(project), 1);
    const { summary } = await waitFor('its summary', async () => {
      const stored = await state();
      return stored.summary && stored;
    });
    assert.deepEqual(summary.files, [{ path: 'index.js', state: 'written', additions: 1, deletions: 0 }]);
    assert.deepEqual(summary.steps.map((s) => [s.name, s.state]), [['run', 'started']]);
    assert.equal(summary.result, null);
  });

  it('a turn without PostgreSQL ends with an error, and the next one works', async () => {
    const project = await newProject();
    const held = await heldTurn(project);
    await instance.service('postgres').stop();
    await held.stream.text('lost');
    const events = await rest(held.events);
    assert.equal(events.at(-1).type, 'error');
    assert.equal(events.at(-1).id, null);
    assert.equal(events.at(-1).data.status, 503);
    await instance.service('postgres').start();
    await instance.waitReady();
    model.next(fake.reply('Fine.'));
    (await generate(await newProject(), { prompt: 'Again' })).succeeded();
  });
});

describe('an app', () => {
  const manifest = JSON.stringify({ private: true, type: 'module', scripts: { dev: 'node server.js' } });
  const server = (body) => `import http from 'node:http';
http.createServer((q, r) => {
  if (q.url === '/') { r.setHeader('content-type', 'text/html'); r.end(${JSON.stringify(body)}); }
  else if (q.url === '/a.js') { r.setHeader('content-type', 'text/javascript'); r.end('1'); }
  else { r.statusCode = 404; r.end('no such thing'); }
}).listen(process.env.PORT, 'localhost', () => console.log('up'));`; // as Vite does
  const steps = (turn) => turn.of('step').map((s) => `${s.name} ${s.state}`);

  it('is started, looked at and shown', async () => {
    const project = await newProject();
    model.next(fake.reply(fake.file('package.json', manifest) + fake.file('server.js', server('<script src="/a.js"></script>'))));
    const turn = (await generate(project, { prompt: 'An app' })).succeeded();
    assert.deepEqual(steps(turn).filter((s) => !s.startsWith('install')),
      ['start started', 'start listening', 'check started', 'check finished']);
    assert.deepEqual(turn.of('output').filter((d) => d.source === 'app' && d.stream === 'stdout').map((d) => d.data).join('').includes('up\n'), true);
    const [preview] = turn.of('preview');
    assert.match(preview.url, new RegExp(`^http://${project.slug}\\.preview\\.`));
    assert.equal(preview.status, 200);
    assert.equal(preview.checked, 2);
    const status = (await owner.expect(200, 'GET', `projects/${project.id}/status`)).json;
    assert.equal(status.state, 'running');
  });

  it('whose page does not load is told, and mended by fix', async () => {
    const project = await newProject();
    model.next(fake.reply(fake.file('package.json', manifest) + fake.file('server.js', server('<script src="/gone.js"></script>'))),
      fake.reply(fake.file('server.js', server('<h1>mended</h1>'))));
    const turn = (await generate(project, { prompt: 'A broken app' })).succeeded();
    const check = turn.of('step').at(-1);
    assert.equal(`${check.name} ${check.state}`, 'check failed');
    assert.deepEqual(check.failures.map((f) => [f.url, f.status]), [['/gone.js', 404]]);
    assert.deepEqual(turn.of('preview'), []);
    const fixed = (await generate(project, { mode: 'fix' })).succeeded();
    assert.match(model.requests.at(-1).body.messages[0].content, /gone\.js.*404|404.*gone\.js/s);
    assert.equal(`${fixed.of('step').at(-1).name} ${fixed.of('step').at(-1).state}`, 'check finished');
    assert.equal(fixed.of('preview').length, 1);
  });

  it('that crashes tells its error', async () => {
    const project = await newProject();
    model.next(fake.reply(fake.file('package.json', manifest) + fake.file('server.js', 'throw new Error("the real reason");')));
    const turn = (await generate(project, { prompt: 'A crash' })).succeeded();
    const last = turn.of('step').at(-1);
    assert.equal(`${last.name} ${last.state}`, 'start failed');
    assert.match(last.error, /the real reason/);
    assert.equal(last.exit_code, 1);
    assert.deepEqual(turn.done, { state: 'done', version: 1 });
  });
});
