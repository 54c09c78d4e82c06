// Projects, their files and versions, running them, and one generation at a time.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';

import { Client, assertProblem } from './lib/client.mjs';
import { byHand, file, reply, startFakeModel } from './lib/fake-model.mjs';
import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';

const MIB = 1024 * 1024;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const SLUG = /^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let instance;
let model;
let owner;

before(async () => {
  model = await startFakeModel();
  instance = await startInstance({
    env: { OPENAI_BASE_URL: model.baseUrl, OPENAI_API_KEY: 'sk-test', SLIPWAY_MODEL: 'fake-1' },
  });
  owner = instance.client();
});
after(async () => {
  await instance?.stop();
  await model?.close();
});
afterEach(printLogsOnFailure(() => instance));

async function create(body = {}, client = owner) {
  const { json } = await client.expect(201, 'POST', 'projects', { json: body });
  return { ...json, at: `projects/${json.id}` };
}

const encode = (path) => path.split('/').map(encodeURIComponent).join('/');

async function put(project, path, body, { status = 201, headers, client = owner } = {}) {
  const answer = await client.expect(status, 'PUT', `${project.at}/files/${encode(path)}`, { body, headers });
  return { ...answer.json, headers: answer.headers };
}

async function read(project, path, query = '') {
  return (await owner.expect(200, 'GET', `${project.at}/files/${encode(path)}${query}`)).bytes;
}

async function tree(project, query = '') {
  return (await owner.expect(200, 'GET', `${project.at}/files${query}`)).json;
}

const paths = async (project, query) => (await tree(project, query)).items.map((f) => f.path);

async function pages(client, path) {
  const items = [];
  let cursor = '';
  do {
    const page = (await client.expect(200, 'GET', `${path}${cursor && `&cursor=${cursor}`}`)).json;
    items.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}

describe('a project', () => {
  it('begins empty, private and with a slug of its own', async () => {
    const answer = await owner.expect(201, 'POST', 'projects', { json: { name: 'My first App!' } });
    const p = answer.json;
    assert.deepEqual(Object.keys(p).sort(), ['created_at', 'deleted_at', 'id', 'name', 'preview_url', 'slug', 'status', 'template',
      'updated_at', 'version', 'visibility']);
    assert.equal(answer.headers.location, `/api/v1/projects/${p.id}`);
    assert.match(p.slug, SLUG);
    assert.match(p.slug, /^my-first-app-[a-z0-9]{10}$/);
    assert.deepEqual({ name: p.name, template: p.template, visibility: p.visibility, status: p.status, version: p.version },
      { name: 'My first App!', template: null, visibility: 'private', status: 'stopped', version: 0 });
    assert.match(p.created_at, TIME);
    assert.match(p.updated_at, TIME);
    assert.deepEqual((await owner.expect(200, 'GET', `projects/${p.id}`)).json, p);
    assert.deepEqual(await paths({ at: `projects/${p.id}` }), []);
  });

  it('keeps any name, and makes a slug of what fits into one DNS label', async () => {
    const names = ['日本語のアプリ', '--', 'Ünïcödé', `${'long name '.repeat(10)}`, 'UPPER', '1', '💥', "Robert'); DROP TABLE projects;--", '<b>&"'];
    for (const name of names) {
      const p = await create({ name });
      assert.equal(p.name, name);
      assert.match(p.slug, SLUG, name);
      assert.ok(!p.slug.includes('--'), p.slug);
    }
    assert.equal((await create()).name, 'Untitled');
    assert.equal((await create({ name: null, template: null, visibility: null })).name, 'Untitled');
    assert.equal([...(await create({ name: '€'.repeat(100) })).name].length, 100);
  });

  it('never shares a slug, nor takes one that was used', async () => {
    const same = await Promise.all(Array.from({ length: 4 }, () => create({ name: 'same' })));
    assert.equal(new Set(same.map((p) => p.slug)).size, 4);
    await owner.expect(204, 'DELETE', same[0].at);
    assert.equal(await instance.sql(`SELECT count(*) FROM slugs WHERE slug = '${same[0].slug}'`), '1');
    await assert.rejects(instance.sql(`INSERT INTO slugs (slug) VALUES ('${same[0].slug}')`), /duplicate key/);
  });

  it('can be renamed and made public, and nothing else', async () => {
    const p = await create({ name: 'before' });
    const changed = (await owner.expect(200, 'PATCH', p.at, { json: { name: 'after', visibility: 'public' } })).json;
    assert.equal(changed.name, 'after');
    assert.equal(changed.visibility, 'public');
    assert.equal(changed.slug, p.slug);
    assert.ok(changed.updated_at > p.updated_at);
    const same = (await owner.expect(200, 'PATCH', p.at, { json: {} })).json;
    assert.equal(same.name, 'after');
  });

  it('is gone after deletion, with all that hangs on it', async () => {
    const p = await create({ name: 'gone' });
    await put(p, 'a.txt', 'x');
    await owner.expect(204, 'DELETE', p.at);
    for (const [method, path] of [['GET', ''], ['DELETE', ''], ['GET', '/files'], ['GET', '/files/a.txt'], ['GET', '/versions'],
      ['GET', '/versions/1'], ['POST', '/versions/1/restore'], ['GET', '/generations'], ['PUT', '/files/b.txt']]) {
      assertProblem(await owner.call(method, p.at + path), 404, { type: 'not-found' }, `${method} ${path}`);
    }
    assert.ok(!(await pages(owner, 'projects?limit=100')).some((q) => q.id === p.id));
  });

  it('of somebody else is as unknown as one that never was', async () => {
    const [a, b] = [await instance.createUser(), await instance.createUser()];
    const theirs = await create({ name: 'secret' }, a.client);
    await put(theirs, 'a.txt', 'secret', { client: a.client });
    const calls = [
      ['GET', ''], ['PATCH', '', { name: 'mine' }], ['DELETE', ''], ['GET', '/files'], ['GET', '/files/a.txt'], ['PUT', '/files/a.txt'],
      ['DELETE', '/files/a.txt'], ['GET', '/versions'], ['GET', '/versions/1'], ['POST', '/versions/1/restore', {}],
      ['GET', '/versions/1/diff/1'], ['POST', '/execute', { code: '1' }], ['POST', '/generate', { prompt: 'x' }], ['GET', '/generations'],
      ['GET', `/generations/${UNKNOWN}`], ['GET', `/generations/${UNKNOWN}/events`], ['POST', `/generations/${UNKNOWN}/cancel`, {}],
    ];
    for (const stranger of [b.client, owner]) {
      for (const [method, path, json] of calls) {
        const [one, other] = [await stranger.call(method, theirs.at + path, { json }), await stranger.call(method, `projects/${UNKNOWN}${path}`, { json })];
        const [known, unknown] = [assertProblem(one, 404, {}, `${method} ${path}`), assertProblem(other, 404, {}, `${method} ${path}`)];
        delete known.request_id;
        delete unknown.request_id;
        assert.deepEqual(known, unknown, `${method} ${path}`);
      }
      assert.ok(!(await pages(stranger, 'projects?limit=100')).some((p) => p.id === theirs.id));
    }
    assert.equal((await a.client.expect(200, 'GET', `${theirs.at}/files/a.txt`)).text, 'secret');
    assert.equal((await a.client.expect(200, 'GET', theirs.at)).json.name, 'secret');
  });

  it('s generation cannot be read through another project', async () => {
    const [a, b] = [await create(), await create()];
    model.next(reply('Hello.'));
    const events = await owner.expect(200, 'POST', `${a.at}/generate`, { json: { prompt: 'hi', mode: 'explain' } });
    const id = /"id":\s*"([0-9a-f-]{36})"/.exec(events.text)[1];
    await owner.expect(200, 'GET', `${a.at}/generations/${id}`);
    for (const [method, path] of [['GET', ''], ['GET', '/events'], ['POST', '/cancel']]) {
      assertProblem(await owner.call(method, `${b.at}/generations/${id}${path}`), 404, {}, `${method} ${path}`);
    }
  });
});

describe('the list of projects', () => {
  it('comes in pages, newest change first, without gaps or repeats', async () => {
    const { client } = await instance.createUser();
    const made = [];
    for (let i = 0; i < 7; i++) {
      made.unshift((await create({ name: `Project ${i}` }, client)).id);
    }
    for (const limit of [1, 2, 3, 7, 100]) {
      assert.deepEqual((await pages(client, `projects?limit=${limit}`)).map((p) => p.id), made, `limit ${limit}`);
    }
    assert.equal((await client.expect(200, 'GET', 'projects?limit=7')).json.next, null);
    await client.expect(200, 'PATCH', `projects/${made[3]}`, { json: { name: 'touched' } });
    assert.equal((await client.expect(200, 'GET', 'projects?limit=1')).json.items[0].id, made[3]);
  });

  it('keeps its place while others come and go', async () => {
    const { client } = await instance.createUser();
    const ids = [];
    for (let i = 0; i < 6; i++) {
      ids.unshift((await create({}, client)).id);
    }
    const first = (await client.expect(200, 'GET', 'projects?limit=3')).json;
    await create({}, client);
    await client.expect(204, 'DELETE', `projects/${ids[1]}`);
    const second = (await client.expect(200, 'GET', `projects?limit=3&cursor=${first.next}`)).json;
    assert.deepEqual(second.items.map((p) => p.id), ids.slice(3));
  });

  it('can be searched by name, letters only meaning themselves', async () => {
    const { client } = await instance.createUser();
    for (const name of ['Todo list', 'A TODO app', '100% sure', 'snake_case', 'Überblick']) {
      await create({ name }, client);
    }
    const found = async (q) => (await pages(client, `projects?limit=1&q=${encodeURIComponent(q)}`)).map((p) => p.name).sort();
    assert.deepEqual(await found('todo'), ['A TODO app', 'Todo list']);
    assert.deepEqual(await found('%'), ['100% sure']);
    assert.deepEqual(await found('_'), ['snake_case']);
    assert.deepEqual(await found('\\'), []);
    assert.deepEqual(await found('über'), ['Überblick']);
    assert.deepEqual(await found('nothing'), []);
    assert.equal((await found('')).length, 5);
    assert.deepEqual((await client.expect(200, 'GET', 'projects?q=Todo+list')).json.items.map((p) => p.name), ['Todo list']);
  });
});

describe('a template', () => {
  it('is listed by id with words about it', async () => {
    const { items, next } = (await owner.expect(200, 'GET', 'templates')).json;
    assert.equal(next, null);
    assert.ok(items.length >= 5);
    for (const t of items) {
      assert.deepEqual(Object.keys(t).sort(), ['description', 'files', 'id', 'name', 'tags']);
      assert.ok(t.files > 0, t.id);
    }
  });

  // Those with packages to install are started in templates.test.mjs.
  const programs = ['cli-todo', 'http-server', 'node-script'];

  it('is the first version of a project, and starts', async () => {
    for (const { id, files } of (await owner.expect(200, 'GET', 'templates')).json.items) {
      const p = await create({ template: id });
      assert.deepEqual({ name: p.name, template: p.template, version: p.version }, { name: id, template: id, version: 1 });
      const version = (await owner.expect(200, 'GET', `${p.at}/versions/1`)).json;
      assert.equal(version.kind, 'template');
      assert.equal(version.files.length, files, id);
      if (!programs.includes(id)) {
        continue;
      }
      const run = (await owner.expect(200, 'POST', `${p.at}/execute`, { json: { timeout_ms: 1500, stdin: '' } })).json;
      assert.ok(run.exit_code === 0 || run.timed_out, `${id}: ${JSON.stringify(run)}`);
      assert.doesNotMatch(run.error, /Error|Cannot find/, id);
    }
  });
});

describe('a file', () => {
  let p;
  before(async () => {
    p = await create({ name: 'files' });
  });

  it('is made, read, replaced and deleted, each change a version', async () => {
    const made = await put(p, 'a.txt', 'one');
    assert.deepEqual({ path: made.path, size: made.size }, { path: 'a.txt', size: 3 });
    assert.equal(made.headers.etag, made.etag);
    const got = await owner.expect(200, 'GET', `${p.at}/files/a.txt`);
    assert.equal(got.text, 'one');
    assert.equal(got.headers.etag, made.etag);
    assert.equal(got.headers['content-length'], '3');
    const replaced = await put(p, 'a.txt', 'two', { status: 200 });
    assert.equal(replaced.version, made.version + 1);
    assert.notEqual(replaced.etag, made.etag);
    assert.equal(String(await read(p, 'a.txt')), 'two');
    assert.equal(String(await read(p, 'a.txt', `?version=${made.version}`)), 'one');
    const deleted = (await owner.expect(200, 'DELETE', `${p.at}/files/a.txt`)).json;
    assert.deepEqual(deleted, { version: replaced.version + 1, path: 'a.txt' });
    assertProblem(await owner.get(`${p.at}/files/a.txt`), 404);
    assertProblem(await owner.call('DELETE', `${p.at}/files/a.txt`), 404);
    assert.equal(String(await read(p, 'a.txt', `?version=${replaced.version}`)), 'two');
    assert.equal((await owner.expect(200, 'GET', p.at)).json.version, deleted.version);
  });

  it('makes no version when it is saved unchanged', async () => {
    const made = await put(p, 'same.txt', 'same');
    const again = await put(p, 'same.txt', 'same', { status: 200 });
    assert.deepEqual([again.version, again.etag], [made.version, made.etag]);
  });

  it('comes back byte for byte, whatever is in it', async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const bodies = {
      'every-byte.bin': Buffer.concat([all, all.reverse()]), 'empty.txt': Buffer.alloc(0), 'crlf.txt': Buffer.from('a\r\nb\rc\n'),
      'bom.txt': Buffer.from('\ufefftext'), 'latin1.txt': Buffer.from('caf\xe9', 'latin1'), 'noise.png': randomBytes(100_000),
      'long-line.js': Buffer.alloc(300_000, 'x'), 'nul.dat': Buffer.alloc(70_000),
    };
    for (const [name, body] of Object.entries(bodies)) {
      assert.equal((await put(p, name, body)).size, body.length, name);
      assert.ok((await read(p, name)).equals(body), name);
    }
  });

  it('holds 10 MiB and not a byte more, announced or not', async () => {
    const body = randomBytes(10 * MIB);
    await put(p, 'big.bin', body);
    assert.ok((await read(p, 'big.bin')).equals(body));
    const more = Buffer.concat([body, Buffer.from('x')]);
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      assertProblem(await owner.call('PUT', `${p.at}/files/big.bin`, { body: more, headers }), 413, { type: 'too-large' });
    }
    assertProblem(await owner.call('PUT', `${p.at}/files/big.bin`, { body: Buffer.alloc(30 * MIB) }), 413);
    assert.equal((await read(p, 'big.bin')).length, 10 * MIB);
    await owner.expect(200, 'DELETE', `${p.at}/files/big.bin`);
  });

  it('that is large comes one at a time, so that sign-ins find a worker', async () => {
    const [uploader, other] = [await instance.createUser(), await instance.createUser()];
    const q = await create({ name: 'uploads' }, uploader.client);
    const large = [{}, { 'transfer-encoding': 'chunked' }].flatMap((headers) =>
      Array.from({ length: 4 }, () => ({ headers, body: randomBytes(10 * MIB) })));
    let busy = true;
    const uploads = (async () => {
      const answers = [];
      for (let round = 0; round < 3; round++) {
        answers.push(...await Promise.all(large.map((options, i) =>
          uploader.client.call('PUT', `${q.at}/files/${round}-${i}.bin`, options))));
      }
      return answers;
    })().finally(() => (busy = false));

    const slowest = { me: 0, login: 0 };
    const time = async (name, call) => {
      const start = performance.now();
      assert.equal((await call()).status, 200, name);
      slowest[name] = Math.max(slowest[name], performance.now() - start);
    };
    for (let i = 0; busy; i++) {
      const browser = new Client(instance.url, { from: `127.2.${i >> 8}.${i & 255}` });
      await time('me', () => other.client.get('me'));
      await time('login', () => browser.post('auth/login', { email: other.email, password: other.password }));
    }
    const answers = await uploads;
    for (const answer of answers.filter((a) => a.status !== 201)) {
      assertProblem(answer, 429, { type: 'rate-limited' });
    }
    const taken = answers.filter((a) => a.status === 201).length;
    assert.ok(taken >= 3 && taken < answers.length, `${taken} of ${answers.length} were taken`);
    assert.ok(slowest.me < 2000 && slowest.login < 2000, JSON.stringify(slowest));
  });

  it('of 1 MiB or less may come beside others', async () => {
    const q = await create({ name: 'small uploads' });
    const bodies = [1, 1000, 100_000, MIB, MIB, 0].map((n) => randomBytes(n));
    await Promise.all(bodies.map((body, i) => put(q, `${i}.bin`, body)));
    assert.deepEqual((await tree(q)).items.map((f) => f.size), bodies.map((b) => b.length));
  });

  it('may have any name a file may have', async () => {
    const q = await create({ name: 'names' });
    const names = [
      'a b.txt', ' lead', 'trail ', 'ünï/cödé.txt', '日本語/ファイル.md', '💥.js', '100%.txt', '%41', 'a+b', 'a&b=c?d#e', "it's \"quoted\"", '.env',
      '...', '..a', 'a..', '-rf', '--help', 'CON', 'con:aux', '$HOME', '`id`', '*', '[a]', '{b}', '<script>', 'a;b', 'a,b', 'a@b', '~', 'UPPER', 'upper',
      'e\u0301', '\u00e9', '\u202etxt.exe', 'my_node_modules/node_modules.js', 'a/b/c/d/e/f/g/h/i/j.txt', `${'d'.repeat(255)}`, '__proto__', 'constructor',
    ];
    for (const name of names) {
      await put(q, name, `content of ${name}`);
    }
    for (const name of names) {
      assert.equal(String(await read(q, name)), `content of ${name}`, name);
    }
    const bytewise = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
    assert.deepEqual(await paths(q), [...names].sort(bytewise));
    for (const name of names) {
      await owner.expect(200, 'DELETE', `${q.at}/files/${encode(name)}`);
    }
    assert.deepEqual(await paths(q), []);
  });

  it('is not stored in node_modules', async () => {
    const q = await create({ name: 'packages' });
    for (const name of ['node_modules', 'node_modules/x/index.js', 'lib/node_modules/x.js', 'node%5fmodules/x.js']) {
      const at = `${q.at}/files/${name}`;
      assertProblem(await owner.call('PUT', at, { body: 'x' }), 422, { type: 'unprocessable', detail: /node_modules/ });
      assertProblem(await owner.call('DELETE', at), 404);
    }
    assert.equal((await tree(q)).version, 0);
  });

  it('is only ever a download', async () => {
    const types = { 'x.html': /^text\/html/, 'x.svg': /^image\/svg/, 'x.js': /^text\/javascript/, 'x.json': /^application\/json/, x: /^application\/octet-stream$/ };
    for (const [name, type] of Object.entries(types)) {
      await put(p, name, '<script>alert(1)</script>');
      const { headers } = await owner.expect(200, 'GET', `${p.at}/files/${name}`);
      assert.match(headers['content-type'], type);
      assert.match(headers['content-disposition'], /^attachment/);
      assert.match(headers['content-security-policy'], /sandbox/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
    }
  });

  it('is listed with size, mode and tag', async () => {
    const q = await create({ name: 'listed' });
    const { etag, version } = await put(q, 'b/c.txt', '12345');
    const list = await tree(q);
    assert.deepEqual(list, { version, items: [{ path: 'b/c.txt', size: 5, mode: '0644', etag }], next: null });
    assert.deepEqual((await tree(q, '?version=1')).version, 1);
    assertProblem(await owner.get(`${q.at}/files?version=2`), 404);
    assertProblem(await owner.get(`${q.at}/files?version=x`), 404);
  });

  it('cannot be a directory too', async () => {
    await put(p, 'dir/file', 'x');
    for (const path of ['dir', 'dir/file/below']) {
      assertProblem(await owner.call('PUT', `${p.at}/files/${path}`, { body: 'x' }), 400, { detail: /file and a directory/ }, path);
    }
    assertProblem(await owner.get(`${p.at}/files/dir`), 404);
    assert.equal(String(await read(p, 'dir/file')), 'x');
  });
});

describe('a condition', () => {
  let p;
  before(async () => {
    p = await create({ name: 'conditions' });
  });
  const call = (method, path, headers, body) => owner.call(method, `${p.at}/files/${path}`, { headers, body });

  it('of If-Match keeps one from overwriting what one has not seen', async () => {
    const first = await put(p, 'm', '1');
    const second = await put(p, 'm', '2', { status: 200, headers: { 'if-match': first.etag } });
    for (const tag of [first.etag, `W/${second.etag}`, '"x"', second.etag.replaceAll('"', ''), '', `${first.etag}, "y"`].filter(Boolean)) {
      assertProblem(await call('PUT', 'm', { 'if-match': tag }, '3'), 412, { type: 'precondition-failed' }, tag);
      assertProblem(await call('DELETE', 'm', { 'if-match': tag }), 412, {}, tag);
    }
    assert.equal(String(await read(p, 'm')), '2');
    await put(p, 'm', '3', { status: 200, headers: { 'if-match': `"a", ${second.etag},"b"` } });
    await put(p, 'm', '4', { status: 200, headers: { 'if-match': '*' } });
    const { etag } = await put(p, 'm', '5', { status: 200 });
    assert.equal((await call('DELETE', 'm', { 'if-match': etag })).status, 200);
    assertProblem(await call('PUT', 'm', { 'if-match': '*' }, '6'), 412);
    assertProblem(await call('PUT', 'm', { 'if-match': etag }, '6'), 412);
    assertProblem(await owner.get(`${p.at}/files/m`), 404);
  });

  it('of If-None-Match makes a file only where there is none', async () => {
    await put(p, 'n', '1', { headers: { 'if-none-match': '*' } });
    assertProblem(await call('PUT', 'n', { 'if-none-match': '*' }, '2'), 412);
    assert.equal(String(await read(p, 'n')), '1');
  });

  it('of If-None-Match spares the bytes of what one has', async () => {
    const { etag } = await put(p, 'g', 'cached');
    for (const tag of [etag, `W/${etag}`, '*', `"x", ${etag}`]) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await call(method, 'g', { 'if-none-match': tag });
        assert.equal(answer.status, 304, tag);
        assert.equal(answer.bytes.length, 0);
        assert.equal(answer.headers.etag, etag);
        assert.notEqual(answer.headers['content-length'], '0', 'a 304 speaks of the file\'s length or of none');
      }
    }
    for (const tag of ['"x"', etag.replaceAll('"', '')]) {
      assert.equal((await call('GET', 'g', { 'if-none-match': tag })).status, 200, tag);
    }
  });

  it('lets one of many at once win, and only one', async () => {
    const { etag, version } = await put(p, 'race', 'start');
    const answers = await Promise.all(Array.from({ length: 4 }, (_, i) => call('PUT', 'race', { 'if-match': etag }, `writer ${i}`)));
    assert.deepEqual(answers.map((a) => a.status).sort(), [200, 412, 412, 412]);
    const won = answers.findIndex((a) => a.status === 200);
    assert.equal(String(await read(p, 'race')), `writer ${won}`);
    assert.equal((await owner.expect(200, 'GET', p.at)).json.version, version + 1);
  });
});

describe('versions', () => {
  it('of writers at the same time all survive', async () => {
    const p = await create({ name: 'at once' });
    const n = 12;
    const answers = [];
    for (let i = 0; i < n; i += 4) {
      answers.push(...await Promise.all([0, 1, 2, 3].map((j) =>
        owner.call('PUT', `${p.at}/files/${j % 2 ? 'shared' : `own-${i + j}`}`, { body: `writer ${i + j}` }))));
    }
    assert.ok(answers.every((a) => a.status === 201 || a.status === 200), answers.map((a) => a.text).join());
    assert.deepEqual(answers.map((a) => a.json.version).sort((a, b) => a - b), Array.from({ length: n }, (_, i) => i + 1));
    for (const [i, { json }] of answers.entries()) {
      assert.equal(String(await read(p, json.path, `?version=${json.version}`)), `writer ${i}`);
    }
    assert.equal((await paths(p)).length, n / 2 + 1);
  });

  it('are listed newest first, and read with their files', async () => {
    const p = await create({ name: 'listed' });
    for (let i = 1; i <= 5; i++) {
      await put(p, `f${i}`, 'x'.repeat(i));
    }
    await owner.expect(200, 'DELETE', `${p.at}/files/f1`);
    const all = await pages(owner, `${p.at}/versions?limit=100`);
    assert.deepEqual(all.map((v) => v.n), [6, 5, 4, 3, 2, 1]);
    assert.deepEqual(await pages(owner, `${p.at}/versions?limit=2`), all);
    assert.deepEqual(Object.keys(all[0]).sort(), ['created_at', 'file_count', 'generation_id', 'kind', 'message', 'n', 'parent',
      'prompt', 'restored_from', 'result', 'size_bytes']);
    assert.deepEqual(all.map((v) => [v.parent, v.kind, v.file_count, v.size_bytes]),
      [[5, 'edit', 4, 14], [4, 'edit', 5, 15], [3, 'edit', 4, 10], [2, 'edit', 3, 6], [1, 'edit', 2, 3], [null, 'edit', 1, 1]]);
    assert.deepEqual(all.map((v) => v.message), ['Delete f1', 'Add f5', 'Add f4', 'Add f3', 'Add f2', 'Add f1']);
    const { files, ...head } = (await owner.expect(200, 'GET', `${p.at}/versions/3`)).json;
    assert.deepEqual(head, all[3]);
    assert.deepEqual(files.map((f) => f.path), ['f1', 'f2', 'f3']);
  });

  it('can be restored as a new one, and nothing is lost', async () => {
    const p = await create({ name: 'restored' });
    await put(p, 'kept', 'kept');
    await put(p, 'changed', 'old');
    await put(p, 'changed', 'new', { status: 200 });
    await put(p, 'added', 'added');
    await owner.expect(200, 'DELETE', `${p.at}/files/kept`);
    const before = [];
    for (let n = 1; n <= 5; n++) {
      before.push((await owner.expect(200, 'GET', `${p.at}/versions/${n}`)).json);
    }
    const made = (await owner.expect(201, 'POST', `${p.at}/versions/2/restore`)).json;
    assert.deepEqual({ n: made.n, parent: made.parent, kind: made.kind, restored_from: made.restored_from },
      { n: 6, parent: 5, kind: 'restore', restored_from: 2 });
    assert.deepEqual(made.files, before[1].files);
    assert.deepEqual(await paths(p), ['changed', 'kept']);
    assert.equal(String(await read(p, 'changed')), 'old');
    for (let n = 1; n <= 5; n++) {
      assert.deepEqual((await owner.expect(200, 'GET', `${p.at}/versions/${n}`)).json, before[n - 1], `version ${n}`);
    }
    await owner.expect(201, 'POST', `${p.at}/versions/5/restore`, { json: {} });
    assert.deepEqual(await paths(p), ['added', 'changed']);
    assert.equal(String(await read(p, 'changed')), 'new');
    // A tag from before still stands for the same content, and one of another content does not.
    await put(p, 'changed', 'newer', { status: 200, headers: { 'if-match': before[4].files.find((f) => f.path === 'changed').etag } });
  });

  it('can be compared, in either direction', async () => {
    const p = await create({ name: 'compared' });
    await put(p, 'text.txt', 'one\ntwo\nthree\n');
    await put(p, 'gone.txt', 'gone\n');
    await put(p, 'binary', Buffer.from([0, 1, 2]));
    await put(p, 'text.txt', 'one\n2\nthree\nfour', { status: 200 });
    await put(p, 'binary', Buffer.from([0, 1, 3]), { status: 200 });
    await owner.expect(200, 'DELETE', `${p.at}/files/gone.txt`);
    await put(p, 'new <b>.txt', 'hello\n');
    const diff = async (a, b) => (await owner.expect(200, 'GET', `${p.at}/versions/${a}/diff/${b}`)).json;
    const forth = await diff(3, 7);
    assert.deepEqual([forth.from, forth.to], [3, 7]);
    assert.deepEqual(forth.files.map((f) => [f.path, f.status, f.binary, f.additions, f.deletions]), [
      ['binary', 'modified', true, null, null], ['gone.txt', 'removed', false, 0, 1], ['new <b>.txt', 'added', false, 1, 0],
      ['text.txt', 'modified', false, 2, 1],
    ]);
    assert.equal(forth.files[3].diff,
      '--- a/text.txt\n+++ b/text.txt\n@@ -1,3 +1,4 @@\n one\n-two\n+2\n three\n+four\n\\ No newline at end of file\n');
    assert.equal(forth.files[2].diff, '--- /dev/null\n+++ b/new <b>.txt\n@@ -0,0 +1 @@\n+hello\n');
    assert.equal(forth.files[0].diff, null);
    const back = await diff(7, 3);
    assert.deepEqual(back.files.map((f) => [f.path, f.status, f.additions, f.deletions]), [
      ['binary', 'modified', null, null], ['gone.txt', 'added', 1, 0], ['new <b>.txt', 'removed', 0, 1], ['text.txt', 'modified', 1, 2],
    ]);
    assert.deepEqual((await diff(4, 4)).files, []);
    assertProblem(await owner.get(`${p.at}/versions/1/diff/99`), 404);
  });
});

describe('running a project', { timeout: 60_000 }, () => {
  const run = async (p, json, status = 200) => (await owner.expect(status, 'POST', `${p.at}/execute`, { json })).json;

  it('starts its main file, a file by name, or code beside its files', async () => {
    const p = await create({ name: 'runs' });
    await put(p, 'lib/who.js', "module.exports = 'lib';");
    await put(p, 'index.js', "console.log('index', require('./lib/who'));");
    await put(p, 'other file.js', "console.log('other', process.argv.length); process.exitCode = 4;");
    const main = await run(p, {});
    assert.deepEqual(main, { ...main, output: 'index lib\n', error: '', exit_code: 0, signal: null, timed_out: false, truncated: false });
    assert.ok(main.duration_ms >= 0);
    const entry = await run(p, { entry: 'other file.js' });
    assert.deepEqual([entry.output, entry.exit_code], ['other 2\n', 4]);
    assert.equal((await run(p, { entry: 'lib/who.js' })).exit_code, 0);
    assert.equal((await run(p, { code: "console.log(require('./lib/who'))" })).output, 'lib\n');
    assert.equal((await run(p, { code: "process.stdin.pipe(process.stdout)", stdin: 'häĺlo' })).output, 'häĺlo');
    await put(p, 'package.json', '{"main":"./lib/start.js"}');
    await put(p, 'lib/start.js', "console.log('start')");
    assert.equal((await run(p, {})).output, 'start\n');
    assert.equal((await owner.expect(200, 'GET', p.at)).json.version, 5, 'running makes no version');
  });

  it('has the files as they are now, not as they were', async () => {
    const p = await create({ name: 'fresh' });
    await put(p, 'index.js', "console.log(1)");
    await put(p, 'data.txt', 'x');
    assert.equal((await run(p, {})).output, '1\n');
    await put(p, 'index.js', "console.log(2, require('fs').existsSync('data.txt'))", { status: 200 });
    await owner.expect(200, 'DELETE', `${p.at}/files/data.txt`);
    assert.equal((await run(p, {})).output, '2 false\n');
    await owner.expect(201, 'POST', `${p.at}/versions/2/restore`);
    assert.equal((await run(p, {})).output, '1\n');
  });

  it('is refused with words when there is nothing to start', async () => {
    const p = await create({ name: 'nothing' });
    assertProblem(await owner.post(`${p.at}/execute`, {}), 422, { type: 'unprocessable', detail: /nothing to start/ });
    assertProblem(await owner.post(`${p.at}/execute`, { entry: 'x.js' }), 422, { detail: /entry/ });
    assertProblem(await owner.post(`${p.at}/execute`, { entry: 'x.js', code: '1' }), 400, { detail: /not both/ });
  });

  it('streams when asked to', async () => {
    const p = await create({ name: 'streams' });
    const events = [];
    for await (const event of instance.sse(`${p.at}/execute`, { json: { code: "console.log('out'); console.error('err')" } })) {
      events.push(event);
    }
    assert.deepEqual(events.map((e) => Number(e.id)), events.map((_, i) => i + 1));
    const text = (type) => events.filter((e) => e.type === type).map((e) => e.data.data).join('');
    assert.deepEqual([text('stdout'), text('stderr')], ['out\n', 'err\n']);
    assert.equal(events.at(-1).type, 'exit');
    assert.equal(events.at(-1).data.exit_code, 0);
  });
});

describe('generating', { timeout: 60_000 }, () => {
  async function collect(events) {
    const all = [];
    for await (const event of events) {
      all.push(event);
    }
    return all;
  }

  it('makes one version of all files, and its events can be had again', async () => {
    const p = await create({ name: 'generated' });
    model.next(reply(`Here it is.\n${file('index.js', "console.log('generated');")}${file('README.md', '# Hi')}Done.`));
    const events = await collect(instance.sse(`${p.at}/generate`, { json: { prompt: 'say something' } }));
    assert.deepEqual(events.map((e) => Number(e.id)), events.map((_, i) => i + 1));
    assert.equal(events[0].type, 'generation');
    assert.equal(events.at(-1).type, 'done');
    assert.deepEqual({ state: events.at(-1).data.state, version: events.at(-1).data.version }, { state: 'done', version: 1 });
    assert.match(events.filter((e) => e.type === 'output').map((e) => e.data.data).join(''), /generated/);
    assert.deepEqual(await paths(p), ['README.md', 'index.js']);
    const version = (await owner.expect(200, 'GET', `${p.at}/versions/1`)).json;
    const { id } = events[0].data;
    assert.deepEqual([version.kind, version.generation_id], ['generate', id]);

    const row = (await owner.expect(200, 'GET', `${p.at}/generations/${id}`)).json;
    assert.deepEqual([row.state, row.version, row.mode, row.model, row.prompt], ['done', 1, 'build', 'fake-1', 'say something']);
    const again = await collect(instance.sse(`${p.at}/generations/${id}/events`, { method: 'GET' }));
    assert.deepEqual(again, events);
    const rest = await collect(instance.sse(`${p.at}/generations/${id}/events`, { method: 'GET', headers: { 'last-event-id': '2' } }));
    assert.deepEqual(rest, events.slice(2));
    await owner.expect(204, 'GET', `${p.at}/generations/${id}/events`, { headers: { 'last-event-id': events.at(-1).id } });
    assert.deepEqual((await pages(owner, `${p.at}/generations?limit=1`)).map((g) => g.id), [id]);
  });

  it('tells fix what the program printed, its NULs included', async () => {
    const p = await create({ name: 'prints a NUL' });
    model.next(reply(file('index.js', "process.stdout.write('before\\0after'); process.exit(1);")));
    const built = await collect(instance.sse(`${p.at}/generate`, { json: { prompt: 'fail' } }));
    assert.equal(built.filter((e) => e.type === 'output').map((e) => e.data.data).join(''), 'before\0after');
    model.next(reply(file('index.js', 'console.log(1);')));
    await collect(instance.sse(`${p.at}/generate`, { json: { mode: 'fix' } }));
    assert.match(JSON.stringify(model.requests.at(-1).body.messages), /before after/);
  });

  it('happens once at a time in a project, and can be cancelled', async () => {
    const p = await create({ name: 'one at a time' });
    await put(p, 'index.js', '1');
    const held = byHand();
    model.next(held.script);
    const events = instance.sse(`${p.at}/generate`, { json: { prompt: 'take your time' } });
    const { data: { id } } = (await events.next()).value;
    const stream = await held.opened;
    assertProblem(await owner.post(`${p.at}/generate`, { prompt: 'me too' }), 409, { type: 'conflict', detail: /cancel/ });
    // What others change meanwhile is not in the way.
    await put(p, 'index.js', '2', { status: 200 });
    await stream.text('Half a sen');

    const cancelled = await owner.expect(202, 'POST', `${p.at}/generations/${id}/cancel`);
    assert.equal(cancelled.json.cancel_requested, true);
    const last = (await collect(events)).at(-1);
    assert.deepEqual([last.type, last.data.state, last.data.version], ['done', 'cancelled', null]);
    await waitFor('the row', async () => (await owner.expect(200, 'GET', `${p.at}/generations/${id}`)).json.state === 'cancelled', { ms: 5000 });
    assert.equal((await owner.expect(200, 'GET', p.at)).json.version, 2);
    assert.equal((await owner.expect(202, 'POST', `${p.at}/generations/${id}/cancel`)).json.state, 'cancelled');

    model.next(reply('Now I may.'));
    const next = await collect(instance.sse(`${p.at}/generate`, { json: { prompt: 'and now', mode: 'explain' } }));
    assert.equal(next.at(-1).data.state, 'done');
  });

  it('of two at the very same time lets exactly one begin', async () => {
    const p = await create({ name: 'two at once' });
    const held = byHand();
    model.next(held.script);
    const calls = [1, 2].map((i) => owner.call('POST', `${p.at}/generate`, { json: { prompt: `number ${i}`, mode: 'explain' } }));
    const stream = await held.opened;
    const refused = await Promise.race(calls);
    assertProblem(refused, 409, { type: 'conflict' });
    await stream.text('Yes.');
    await stream.finish();
    assert.deepEqual((await Promise.all(calls)).map((a) => a.status).sort(), [200, 409]);
  });

  it('ends when its project is deleted', async () => {
    const p = await create({ name: 'deleted meanwhile' });
    const held = byHand();
    model.next(held.script);
    const events = instance.sse(`${p.at}/generate`, { json: { prompt: 'take your time' } });
    await events.next();
    await held.opened;
    await owner.expect(204, 'DELETE', p.at);
    assert.equal((await collect(events)).at(-1).data.state, 'cancelled');
  });

  it('refuses a model nobody has', async () => {
    const p = await create();
    assertProblem(await owner.post(`${p.at}/generate`, { prompt: 'x', model: 'gpt-none' }), 422, { detail: /models/ });
    const { items } = (await owner.expect(200, 'GET', 'models')).json;
    assert.deepEqual(items[0], { id: 'fake-1', provider: 'openai', default: true });
  });
});
