// Several changes as one version, searching them, and taking a deletion back.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { assertProblem } from './lib/client.mjs';
import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';
import { Previews } from './lib/preview.mjs';

const MIB = 1024 * 1024;

let instance;
let owner;
let previews;

before(async () => {
  instance = await startInstance();
  owner = instance.client();
  previews = new Previews(instance);
});
after(() => instance?.stop());
afterEach(printLogsOnFailure(() => instance));

async function create(files = {}, client = owner) {
  const { json } = await client.expect(201, 'POST', 'projects', { json: {} });
  const project = { ...json, at: `projects/${json.id}` };
  if (Object.keys(files).length > 0) {
    await change(project, writes(files), { client });
  }
  return project;
}

const write = (path, content) => ({ op: 'write', path, content });
const writes = (files) => Object.entries(files).map(([path, content]) => write(path, content));
const move = (path, to) => ({ op: 'move', path, to });
const remove = (path) => ({ op: 'delete', path });

const ask = (project, changes, { client = owner, ...more } = {}) =>
  client.call('POST', `${project.at}/changes`, { json: { changes, ...more } });

async function change(project, changes, options) {
  const answer = await ask(project, changes, options);
  assert.equal(answer.status, 201, answer.text.slice(0, 500));
  return answer.json;
}

async function tree(project) {
  const { items } = (await owner.expect(200, 'GET', `${project.at}/files`)).json;
  return items.map((f) => f.path);
}

async function read(project, path) {
  return (await owner.expect(200, 'GET', `${project.at}/files/${path}`)).text;
}

async function search(project, query, client = owner) {
  return (await client.expect(200, 'GET', `${project.at}/search?${query}`)).json;
}

describe('several changes', () => {
  it('are one version, made in order', async () => {
    const project = await create({ 'src/a.js': 'a', 'src/lib/b.js': 'b', 'README.md': '# x' });
    const made = await change(project, [
      move('src', 'app'), write('app/a.js', 'changed'), remove('README.md'), write('docs/ß ü.md', '# ü'),
    ], { base_version: 1, message: 'Tidy up' });
    assert.deepEqual({ version: made.version, parent: made.parent }, { version: 2, parent: 1 });
    assert.deepEqual(made.files.map((f) => [f.path, f.size, f.mode, f.etag]), [
      ['app/a.js', 7, '0644', '"v2"'], ['app/lib/b.js', 1, '0644', '"v2"'], ['docs/ß ü.md', 4, '0644', '"v2"'],
    ]);
    assert.deepEqual(await tree(project), ['app/a.js', 'app/lib/b.js', 'docs/ß ü.md']);
    const version = (await owner.expect(200, 'GET', `${project.at}/versions/2`)).json;
    assert.equal(version.message, 'Tidy up');
    assert.equal(version.kind, 'edit');
  });

  it('that change nothing make no version', async () => {
    const project = await create({ a: '1' });
    const answer = await ask(project, [move('a', 'b'), move('b', 'a')]);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, { version: 1, parent: null, files: [] });
  });

  it('reach the project as it runs', async () => {
    const project = await create({ 'index.js': 'console.log(require("./lib/word"))', 'lib/word.js': 'module.exports = "one"' });
    const run = async () => (await owner.expect(200, 'POST', `${project.at}/execute`, { json: {} })).json;
    assert.equal((await run()).output, 'one\n');
    await change(project, [move('lib', 'words'), write('words/word.js', 'module.exports = "two"'), write('index.js', 'console.log(require("./words/word"), require("fs").existsSync("lib/word.js"))')]);
    assert.equal((await run()).output, 'two false\n');
  });

  it('on the same base and file: exactly one is made', async () => {
    const project = await create({ 'a.txt': '0', 'b.txt': '0' });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) =>
      ask(project, [write('a.txt', `from ${i}`), write('b.txt', `from ${i}`)], { base_version: 1 })));
    const won = answers.filter((a) => a.status === 201);
    assert.equal(won.length, 1, answers.map((a) => a.status).join(' '));
    for (const lost of answers.filter((a) => a !== won[0])) {
      assert.equal(lost.status, 412, lost.text);
      assert.match(lost.headers['content-type'], /^application\/problem\+json/);
      assert.equal(lost.json.type, '/problems/precondition-failed');
      assert.deepEqual(lost.json.conflicts, ['a.txt', 'b.txt']);
      assert.equal(lost.json.version, 2);
    }
    assert.equal(await read(project, 'a.txt'), await read(project, 'b.txt'));
  });

  it('on the same base and other files: all are made', async () => {
    const project = await create({ 'a.txt': '0' });
    const answers = await Promise.all(Array.from({ length: 4 }, (_, i) =>
      ask(project, [write(`${i}.txt`, String(i))], { base_version: 1 })));
    assert.deepEqual(answers.map((a) => a.status), [201, 201, 201, 201]);
    assert.equal((await tree(project)).length, 5);
  });

  it('take 500 at once, and large ones', async () => {
    const project = await create();
    const many = Array.from({ length: 500 }, (_, i) => write(`d${i % 10}/f${i}`, String(i)));
    assert.equal((await change(project, many)).files.length, 500);
    assertProblem(await ask(project, [...many, write('x', '')]), 400, { detail: /"changes" must have 1 to 500/ });
    await change(project, [write('large', 'x'.repeat(9 * MIB))]);
    assertProblem(await ask(project, [write('larger', 'x'.repeat(10 * MIB))]), 413);
    // Directories on directories, each move of everything there is.
    const started = performance.now();
    const round = [];
    for (let i = 0; i < 499; i += 1) {
      round.push(move(i % 2 ? 'y' : 'd1', i % 2 ? 'd1' : 'y'));
    }
    await change(project, round);
    assert.ok(performance.now() - started < 5000);
  });

  it('that are not possible leave everything as it was', async () => {
    const project = await create({ a: '1', 'd/b': '2' });
    const refused = [
      [404, [remove('nothing')]], [404, [move('nothing', 'x')]],
      [409, [move('a', 'd/b')], /there is a \\?"d\/b\\?" already/], [409, [move('d', 'a')]], [409, [move('a', 'a')]],
      [400, [move('d', 'd/in/itself')], /into itself/], [400, [move('d', 'a/d')], /a file and a directory/],
      [400, [write('d', '')]], [400, [write('a/b', '')]],
      [400, [write('../x', '')]], [400, [move('a', '../x')]], [400, [remove('/etc/passwd')]], [400, [write('x\u0000', '')]],
      [400, [write('x\n', '')]], [400, [write('x//y', '')]], [400, [write('./x', '')]], [400, [write('x\\y', '')]],
      [422, [write('node_modules/x', '')]], [422, [move('a', 'node_modules/a')]],
      [400, []], [400, 'no array'], [400, [null]], [400, [{ op: 'chmod', path: 'a' }], /changes\[0\]: "op"/],
      [400, [write('ok', ''), { op: 'write', path: 'x' }], /changes\[1\]: "content" is missing/],
      [400, [{ ...remove('a'), to: 'b' }], /only a move has "to"/],
    ];
    for (const [status, changes, detail] of refused) {
      assertProblem(await ask(project, changes), status, { detail }, JSON.stringify(changes));
    }
    assertProblem(await ask(project, [write('a', '')], { base_version: 2 }), 404);
    assertProblem(await ask(project, [write('a', '')], { base_version: -1 }), 400);
    assertProblem(await ask(project, [write('a', '')], { message: 'two\nlines' }), 400);
    assertProblem(await ask(project, [write('a', '')], { message: 'x'.repeat(201) }), 400);
    assertProblem(await owner.call('POST', `${project.at}/changes`, { body: 'x', headers: { 'content-type': 'text/plain' } }), 415);
    const bob = (await instance.createUser()).client;
    assertProblem(await ask(project, [write('a', '')], { client: bob }), 404);
    assert.equal((await owner.expect(200, 'GET', project.at)).json.version, 1);
  });
});

describe('the search', () => {
  it('finds lines by path, with their places', async () => {
    const project = await create({ 'b.js': 'let x;\nconst Größe = 1; // größe\n', 'a/c.md': 'GRÖSSE\ngröße 😀 größe\n' });
    assert.deepEqual(await search(project, `q=${encodeURIComponent('größe')}`), {
      version: 1,
      items: [
        { path: 'a/c.md', line: 2, column: 1, text: 'größe 😀 größe' },
        { path: 'b.js', line: 2, column: 7, text: 'const Größe = 1; // größe' },
      ],
      truncated: false,
      next: null,
    });
    const exact = await search(project, `q=${encodeURIComponent('größe')}&case=true&version=1`);
    assert.deepEqual(exact.items.map((i) => [i.path, i.column]), [['a/c.md', 1], ['b.js', 21]]);
  });

  it('goes through 2000 files in a moment', async () => {
    const project = await create();
    for (let i = 0; i < 4; i += 1) {
      await change(project, Array.from({ length: 500 }, (_, k) => write(`${i}/${k}.js`, `${'// filler\n'.repeat(100)}needle ${k}\n`)));
    }
    const started = performance.now();
    const found = await search(project, 'q=NEEDLE%20499');
    const ms = performance.now() - started;
    assert.deepEqual(found.items.map((i) => i.path), ['0/499.js', '1/499.js', '2/499.js', '3/499.js']);
    assert.ok(ms < 5000, `${ms} ms`); // a tenth of it on a machine at rest
    const all = await search(project, 'q=needle');
    assert.equal(all.items.length, 1000);
    assert.equal(all.truncated, true);
  });

  it('takes a text, and nothing else', async () => {
    const project = await create({ a: 'a' });
    for (const query of ['', 'q=', 'q=%00', 'q=%ff%fe', `q=${'x'.repeat(201)}`, 'q=x&case=yes', 'q=%']) {
      assertProblem(await owner.call('GET', `${project.at}/search?${query}`), 400, {}, query);
    }
    assertProblem(await owner.call('GET', `${project.at}/search?q=x&version=2`), 404);
    const bob = (await instance.createUser()).client;
    assertProblem(await bob.call('GET', `${project.at}/search?q=a`), 404);
  });
});

describe('a deleted project', () => {
  it('comes back as it was, stopped, with its preview and its links', async () => {
    const project = await create({ 'index.html': '<h1>Still here</h1>' });
    await previews.start(project);
    const share = (await owner.expect(201, 'POST', `${project.at}/shares`, { json: {} })).json;
    const before = (await owner.expect(200, 'GET', project.at)).json;
    assert.equal(before.status, 'running');

    await owner.expect(204, 'DELETE', project.at);
    assertProblem(await owner.call('GET', project.at), 404);
    const deleted = (await owner.expect(200, 'GET', 'projects?deleted=true')).json.items;
    assert.equal(deleted[0].id, project.id);
    assert.match(deleted[0].deleted_at, /^\d{4}-\d\d-\d\dT/);
    assert.equal(deleted[0].status, 'stopped');
    assert.ok(!(await owner.expect(200, 'GET', 'projects')).json.items.some((p) => p.id === project.id));
    await waitFor('the preview to be gone', async () => (await previews.get(share.url)).status === 404);

    const back = (await owner.expect(200, 'POST', `${project.at}/undelete`)).json;
    assert.deepEqual(back, { ...before, status: 'stopped' });
    assert.deepEqual((await owner.expect(200, 'POST', `${project.at}/undelete`)).json, back);
    assert.deepEqual((await owner.expect(200, 'GET', 'projects?deleted=true')).json.items.filter((p) => p.id === project.id), []);
    assert.equal((await previews.get(share.url)).status, 303);
    await previews.start(project);
    const cookie = await previews.cookie(project);
    const page = await waitFor('the page', async () => {
      const answer = await previews.get(project.preview_url, { headers: { cookie } });
      return answer.status === 200 && answer;
    });
    assert.match(page.text, /Still here/);
  });

  it('is somebody else\'s to nobody, and gone when it is purged', async () => {
    const project = await create({ a: '1' });
    await owner.expect(204, 'DELETE', project.at);
    const bob = (await instance.createUser()).client;
    assertProblem(await bob.call('POST', `${project.at}/undelete`), 404);
    assert.deepEqual((await bob.expect(200, 'GET', 'projects?deleted=true')).json.items, []);
    await instance.psql(`UPDATE projects SET deleted_at = now() - interval '7 days' WHERE id = '${project.id}'`);
    assertProblem(await owner.call('POST', `${project.at}/undelete`), 404);
    assertProblem(await owner.call('GET', 'projects?deleted=yes'), 400);
  });
});
