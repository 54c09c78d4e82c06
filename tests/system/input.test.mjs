// Bad input: every answer is a clear problem+json, and no worker dies of it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';

import { API, Client, assertProblem } from './lib/client.mjs';
import { startInstance, waitFor } from './lib/instance.mjs';

const MIB = 1024 * 1024;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

let instance;
let owner;
let stranger; // no key
let project; // its path
let workersBefore;

// Who serves: nginx's processes and ours. nginx's cache loader ends by itself after a minute.
const isCacheProcess = (pid) => /cache (loader|manager)/.test(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
const workers = () => ['nginx', 'api'].flatMap((name) => instance.service(name).children)
  .filter((pid) => !isCacheProcess(pid)).sort((a, b) => a - b);

before(async () => {
  instance = await startInstance();
  owner = new Client(instance.url, { key: instance.key });
  stranger = new Client(instance.url);
  const { json } = await owner.expect(201, 'POST', 'projects', { json: { name: 'hit' } });
  project = `projects/${json.id}`;
  await owner.expect(201, 'PUT', `${project}/files/kept.txt`, { body: 'kept' });
  workersBefore = workers();
  stalled.push(stall(`POST ${API}/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"email"`));
  stalled.push(stall(`GET ${API}/me HTTP/1.1\r\nHost: x\r\nX-Sl`));
});
after(() => instance?.stop());

const json = { 'content-type': 'application/json' };

// A sender that stops in the middle and stays; resolves when the server has had enough.
const stalled = [];
function stall(bytes) {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port: new URL(instance.url).port });
    socket.on('error', () => {});
    socket.on('close', resolve);
    socket.resume();
    socket.write(bytes);
  });
}

describe('a JSON body', () => {
  // [what it is, bytes, words the answer must have]
  const malformed = [
    ['cut off', '{"name":"x"', /JSON/], ['a lone brace', '{', /JSON/], ['a comma too many', '{"name":"x",}', /JSON/],
    ['single quotes', "{'name':'x'}", /JSON/], ['a bare word', '{"name":x}', /JSON/], ['no value', '{"name":}', /JSON/],
    ['something after it', '{"name":"x"} {}', /JSON/], ['a comment', '{/* x */"name":"x"}', /JSON/],
    ['NaN', '{"name":NaN}', /JSON/], ['a leading zero', '{"name":01}', /JSON/], ['spaces only', '  \n ', /JSON/],
    ['a form', 'name=x', /JSON/], ['a number no double holds', '{"name":1e999}', /JSON/],
    ['a number no 64 bits hold', '{"name":99999999999999999999999999}', /JSON/],
    ['a line feed in a string', '{"name":"a\nb"}', /JSON/], ['a NUL byte', '{"name":"a\0b"}', /JSON/],
    ['an escaped NUL', '{"name":"a\\u0000b"}', /JSON/], ['an escaped NUL in a key', '{"na\\u0000me":"x"}', /JSON/],
    ['half a surrogate pair', '{"name":"\\ud800"}', /JSON/], ['the other half', '{"name":"\\udc00"}', /JSON/],
    ['a byte that is no UTF-8', Buffer.from('{"name":"\xff"}', 'latin1'), /JSON/],
    ['an overlong form', Buffer.from('{"name":"\xc0\xaf"}', 'latin1'), /JSON/],
    ['a surrogate in UTF-8', Buffer.from('{"name":"\xed\xa0\x80"}', 'latin1'), /JSON/],
    ['a byte order mark', '\ufeff{"name":"x"}', /JSON/], ['UTF-16', Buffer.from('{"name":"x"}', 'utf16le'), /JSON/],
    ['a key twice', '{"name":"x","name":"y"}', /JSON.*duplicate/],
    ['40 levels', `{"name":${'['.repeat(40)}${']'.repeat(40)}}`, /deeper than 32/],
    ['20 000 levels', '['.repeat(20_000), /deeper than 32/], ['20 000 objects', '{"a":'.repeat(10_000), /deeper than 32/],
    ['an array', '[]', /object/], ['null', 'null', /object/], ['a string', '"name"', /object/], ['a number', '7', /object/],
    ['true', 'true', /object/], ['a list of bodies', '[{"name":"x"}]', /object/],
    ['a field nobody knows', '{"name":"x","colour":"red"}', /unknown field "colour"/],
    ['a field of a prototype', '{"__proto__":{"name":"x"}}', /unknown field/], ['an empty key', '{"":1}', /unknown field/],
    ['the field in another case', '{"Name":"x"}', /unknown field "Name"/],
    ['a very long key', `{"${'k'.repeat(30_000)}":1}`, /unknown field/],
  ];
  for (const [what, body, detail] of malformed) {
    it(`that is ${what} is 400`, async () => {
      const answer = await owner.call('POST', 'projects', { body, headers: json });
      assertProblem(answer, 400, { type: 'invalid', detail }, what);
    });
  }

  it('says where it is broken', async () => {
    const answer = await owner.call('POST', 'projects', { body: '{\n  "name": "x",\n  "name\n}', headers: json });
    assertProblem(answer, 400, { detail: /line 3/ });
  });

  it('must come as application/json', async () => {
    const types = [undefined, '', 'text/plain', 'text/json', 'application/jsonp', 'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x', 'application/octet-stream', 'json', '*/*', 'application/problem+json'];
    for (const type of types) {
      for (const path of ['projects', 'execute', 'auth/login', 'me/password', 'api-keys', 'users', `${project}/generate`]) {
        const answer = await owner.call('POST', path, { body: '{}', headers: { 'content-type': type } });
        assertProblem(answer, 415, { type: 'unsupported-media-type', detail: /application\/json/ }, `${path} ${type}`);
      }
    }
    for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset=UTF-8']) {
      await owner.expect(201, 'POST', 'projects', { body: '{"name":"typed"}', headers: { 'content-type': type } });
    }
  });

  it('that is empty is an empty object', async () => {
    assertProblem(await owner.call('POST', 'execute', { body: '', headers: json }), 400, { detail: /"code" is missing/ });
    await owner.expect(201, 'POST', 'projects', { body: '', headers: json });
  });

  it('above its limit is 413, whoever notices', async () => {
    const sizes = { projects: 65_537, 'auth/login': 65_537, [`${project}/generate`]: 256 * 1024 + 1, execute: 8 * MIB };
    for (const [path, size] of Object.entries(sizes)) {
      for (const length of [size, size + 100_000, 20 * MIB]) {
        const answer = await owner.call('POST', path, { body: Buffer.alloc(length, ' '), headers: json });
        assertProblem(answer, 413, { type: 'too-large' }, `${path} ${length}`);
      }
    }
  });

  it('may come in chunks, but not above its limit', async () => {
    const chunked = { ...json, 'transfer-encoding': 'chunked' };
    await owner.expect(201, 'POST', 'projects', { body: '{"name":"in chunks"}', headers: chunked });
    const answer = await owner.call('POST', 'projects', { body: Buffer.alloc(MIB, ' '), headers: chunked });
    assertProblem(answer, 413);
  });
});

describe('a field', () => {
  const N = 'projects';
  // [method, path, body, status, words]
  const table = [
    ['POST', N, { name: 7 }, 400, /"name" must be a string/], ['POST', N, { name: '' }, 400, /"name" must not be empty/],
    ['POST', N, { name: ['x'] }, 400, /"name" must be a string/], ['POST', N, { name: { a: 1 } }, 400, /"name"/],
    ['POST', N, { name: '   ' }, 400, /blank/], ['POST', N, { name: 'a\u0007b' }, 400, /control/],
    ['POST', N, { name: 'é'.repeat(101) }, 400, /100/], ['POST', N, { name: 'x'.repeat(401) }, 413, /"name"/],
    ['POST', N, { visibility: 'secret' }, 400, /"visibility"/], ['POST', N, { visibility: true }, 400, /"visibility"/],
    ['POST', N, { template: 'no-such-template' }, 422, /template/], ['POST', N, { template: '../express' }, 422, /template/],
    ['POST', N, { template: '/etc' }, 422, /template/], ['POST', N, { template: 'x'.repeat(41) }, 413, /"template"/],
    ['PATCH', '@', { name: null }, 400, /"name"/], ['PATCH', '@', { slug: 'mine' }, 400, /unknown field "slug"/],
    ['PATCH', '@', { version: 1 }, 400, /unknown field/], ['PATCH', '@', { id: UNKNOWN }, 400, /unknown field/],
    ['POST', 'execute', { code: '' }, 400, /"code" must not be empty/], ['POST', 'execute', {}, 400, /"code" is missing/],
    ['POST', 'execute', { code: null }, 400, /"code"/], ['POST', 'execute', { code: 1 }, 400, /"code" must be a string/],
    ['POST', 'execute', { code: ['1'] }, 400, /"code" must be a string/],
    ['POST', 'execute', { code: '1', timeout_ms: 0 }, 400, /"timeout_ms"/],
    ['POST', 'execute', { code: '1', timeout_ms: -1 }, 400, /"timeout_ms"/],
    ['POST', 'execute', { code: '1', timeout_ms: 10_001 }, 400, /timeout_ms.*10000/],
    ['POST', 'execute', { code: '1', timeout_ms: 1e15 }, 400, /"timeout_ms"/],
    ['POST', 'execute', { code: '1', timeout_ms: 1.5 }, 400, /"timeout_ms" must be a whole number/],
    ['POST', 'execute', { code: '1', timeout_ms: '10' }, 400, /"timeout_ms"/],
    ['POST', 'execute', { code: '1', timeout_ms: true }, 400, /"timeout_ms"/],
    ['POST', 'execute', { code: '1', stdin: 5 }, 400, /"stdin"/], ['POST', 'execute', { code: '1', argv: [] }, 400, /"argv"/],
    ['POST', 'execute', { code: '1', stdin: 'x'.repeat(MIB + 1) }, 413, /"stdin"/],
    ['POST', 'execute', { code: 'x'.repeat(MIB + 1) }, 413, /code.*1048576/],
    ['POST', '@/execute', { code: '1', entry: 'a.js' }, 400, /not both/],
    ['POST', '@/execute', { entry: '../../etc/passwd' }, 400, /entry/], ['POST', '@/execute', { entry: '/etc/passwd' }, 400, /entry/],
    ['POST', '@/execute', { entry: 'no-such.js' }, 422, /entry/], ['POST', '@/execute', {}, 422, /nothing to start/],
    ['POST', '@/execute', { entry: '' }, 400, /"entry"/], ['POST', '@/execute', { code: 'x'.repeat(MIB + 1) }, 413, /code/],
    ['POST', '@/generate', {}, 400, /"prompt"/], ['POST', '@/generate', { prompt: '' }, 400, /"prompt"/],
    ['POST', '@/generate', { prompt: 7 }, 400, /"prompt"/], ['POST', '@/generate', { prompt: 'x', mode: 'destroy' }, 400, /"mode"/],
    ['POST', '@/generate', { prompt: 'x', model: 5 }, 400, /"model"/], ['POST', '@/generate', { prompt: 'x', url: 'y' }, 400, /"url"/],
    ['POST', 'auth/login', { email: 'a@b.c' }, 400, /"password" is missing/],
    ['POST', 'auth/login', { email: 7, password: 'x' }, 400, /"email"/],
    ['POST', 'auth/login', { email: 'not an address', password: 'x' }, 400, /email/],
    ['POST', 'auth/login', { email: 'a@b.c', password: 'x'.repeat(1025) }, 413, /"password"/],
    ['POST', 'auth/login', { email: 'a@b.c', password: '' }, 400, /"password"/],
    ['POST', 'auth/login', { email: "' OR '1'='1'--@x", password: 'x' }, 400, /email/],
    ['POST', 'auth/login', { email: "'or'1'='1'--@x", password: "' OR '1'='1" }, 401, /wrong/],
  ];
  for (const [method, path, body, status, detail] of table) {
    it(`${method} ${path} ${JSON.stringify(body).slice(0, 60)} is ${status}`, async () => {
      const client = path === 'auth/login' ? stranger : owner;
      const answer = await client.call(method, path.replace('@', project), { json: body });
      assertProblem(answer, status, { detail });
    });
  }

  it('is checked before a stream begins', async () => {
    for (const path of ['execute', `${project}/execute`, `${project}/generate`]) {
      const answer = await owner.post(path, { code: '', prompt: '' }, { headers: { accept: 'text/event-stream' } });
      assertProblem(answer, 400, { type: 'invalid' }, path);
    }
  });

  it('of exactly 1 MiB of code runs', async () => {
    const code = 'console.log(1+1)//'.padEnd(MIB, 'x');
    assert.equal((await owner.expect(200, 'POST', 'execute', { json: { code } })).json.output, '2\n');
    const wide = 'console.log(1+1)//'.padEnd(MIB - 3 * 300_000, 'x') + '€'.repeat(300_000);
    assert.equal((await owner.expect(200, 'POST', 'execute', { json: { code: wide } })).json.output, '2\n');
  });
});

describe('a file\'s path', () => {
  // As it goes out: nothing tidies it up on its way to nginx.
  const bad = [
    '..', '.', '../x', 'a/../b', 'a/..', './a', 'a/./b', 'a//b', '/etc/passwd', '//etc/passwd', 'a/', '%2e%2e/x', '%2e%2e%2fx',
    '..%2fx', 'a%2fb', '%2Fetc%2Fpasswd', '..%5cx', 'a%5Cb', 'a\\b', '%00', 'a%00b', 'a%0ab', 'a%0db', 'a%7fb', 'a%1bb',
    '%', '%zz', '%f', 'a%', '%ff', '%c0%af', '%ed%a0%80', '%c3', `${'x'.repeat(256)}`, `a/${'x'.repeat(256)}/b`,
    `${'a/'.repeat(32)}b`, `${'é'.repeat(128)}`, 'x/'.repeat(513), '../../../../../../../../etc/passwd',
    '%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd', '..;/x', '.%00./x',
  ].filter((p) => p !== '..;/x');
  for (const path of bad) {
    it(`${path.slice(0, 40)} is refused, and writes nothing`, async () => {
      const encoded = path.includes('é') ? encodeURIComponent(path) : path;
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await owner.call(method, `${project}/files/${encoded}`, { body: method === 'PUT' ? 'x' : undefined });
        assert.ok([400, 404, 405].includes(answer.status), `${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
        assertProblem(answer, answer.status, {}, `${method} ${path}`);
      }
      await onlyTheKeptFile();
    });
  }

  async function onlyTheKeptFile() {
    const { items } = (await owner.expect(200, 'GET', `${project}/files`)).json;
    assert.deepEqual(items.map((f) => f.path), ['kept.txt']);
  }

  it('that leaves its project by dots reaches no other call', async () => {
    for (const way of ['files/../../../me', 'files/%2e%2e/%2e%2e/%2e%2e/me', '../../me', './files', '/files', 'files/..']) {
      const answer = await owner.get(`${project}/${way}`);
      assert.ok(answer.status === 400 || answer.status === 404, `${way}: ${answer.status}`);
      assertProblem(answer, answer.status, {}, way);
    }
  });
});

describe('an id', () => {
  const ids = [UNKNOWN, 'x', '1', '-1', '0', 'null', 'undefined', '..%20', '%20', "'", "';DROP%20TABLE%20users;--", '%E2%82%AC',
    UNKNOWN.slice(1), `${UNKNOWN}0`, `{${UNKNOWN}}`, UNKNOWN.replaceAll('-', ''), 'x'.repeat(1000), '*', '%25'];
  const routes = [
    ['GET', 'projects/@'], ['PATCH', 'projects/@', {}], ['DELETE', 'projects/@'], ['GET', 'projects/@/files'],
    ['GET', 'projects/@/files/x'], ['PUT', 'projects/@/files/x'], ['DELETE', 'projects/@/files/x'],
    ['POST', 'projects/@/execute', {}], ['POST', 'projects/@/generate', { prompt: 'x' }], ['GET', 'projects/@/generations'],
    ['GET', `projects/@/generations/${UNKNOWN}`], ['GET', '$/generations/@'], ['GET', '$/generations/@/events'],
    ['POST', '$/generations/@/cancel', {}], ['GET', 'projects/@/versions'], ['GET', 'projects/@/versions/1'],
    ['POST', 'projects/@/versions/1/restore', {}], ['GET', 'projects/@/versions/1/diff/1'], ['GET', 'users/@'],
    ['PATCH', 'users/@', {}], ['DELETE', 'users/@'], ['DELETE', 'api-keys/@'],
  ];
  for (const [method, path, body] of routes) {
    it(`that does not exist is 404 for ${method} ${path}, whatever its form`, async () => {
      for (const id of ids) {
        const address = path.replace('@', id).replace('$', project);
        const answer = await owner.call(method, address, { json: body });
        assertProblem(answer, 404, { type: 'not-found' }, `${method} ${address.slice(0, 120)}`);
      }
    });
  }

  it('of a version that is none is 404 or 400', async () => {
    for (const n of ['2', '-1', 'x', '1.0', '1e3', '99999999999', '9'.repeat(40), '%31%00', '+1', '%201']) {
      for (const [method, path] of [['GET', n], ['GET', `${n}/diff/1`], ['GET', `1/diff/${n}`], ['POST', `${n}/restore`]]) {
        const answer = await owner.call(method, `${project}/versions/${path}`, { json: method === 'POST' ? {} : undefined });
        assert.ok([400, 404].includes(answer.status), `${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
        assertProblem(answer, answer.status, {}, `${method} ${path}`);
      }
    }
    // 0 is nothing to read or go back to, but something to compare with.
    assertProblem(await owner.get(`${project}/versions/0`), 404);
    assertProblem(await owner.post(`${project}/versions/0/restore`, {}), 404);
    await owner.expect(200, 'GET', `${project}/versions/0/diff/1`);
  });
});

describe('a list call', () => {
  const lists = () => ['projects', 'users', 'api-keys', `${project}/versions`, `${project}/generations`];
  const b64 = (text) => Buffer.from(text, 'latin1').toString('base64url');

  it('refuses a limit that is not 1 to 100', async () => {
    for (const list of lists()) {
      for (const limit of ['0', '101', '-1', 'x', '', '1.5', '%201', '+1', '1e1', '0x10', '99999999999999999999', '%00', '1%0a']) {
        const answer = await owner.get(`${list}?limit=${limit}`);
        assertProblem(answer, 400, {}, `${list} limit=${limit}`);
      }
    }
  });

  it('refuses a cursor it did not give', async () => {
    const cursors = [
      'x', '!!!!', '%00', '%ff', 'AAAA', 'x'.repeat(199), 'x'.repeat(500), b64('a'), b64('a\x1fb'), b64('a\x1fb\x1fc'), b64('\x1f'),
      b64(`2020-01-01\x1f${UNKNOWN.slice(1)}`), b64(`notatime\x1f${UNKNOWN}`), b64(`\xff\xfe\x1f${UNKNOWN}`),
      b64(`1' OR '1'='1\x1f${UNKNOWN}`), b64('99999999999999999999'), b64('-5x'), b64('1\x002'), `${b64('a\x1fb')}=`,
    ];
    for (const list of lists()) {
      for (const cursor of cursors) {
        const answer = await owner.get(`${list}?cursor=${cursor}`);
        assertProblem(answer, 400, {}, `${list} cursor=${cursor}`);
      }
    }
  });

  it('refuses a broken query', async () => {
    for (const query of ['q=%', 'q=%ff', 'q=%00', `q=${'x'.repeat(401)}`, 'limit=%zz']) {
      assertProblem(await owner.get(`projects?${query}`), 400, {}, query);
    }
    for (const query of ['', '&', '&&&', '=', '=x', 'unknown=1', 'q', 'q=', 'q=%25_', 'limit=1&cursor=']) {
      await owner.expect(200, 'GET', `projects?${query}`);
    }
  });
});

describe('an API key', () => {
  it('that is missing, malformed or unknown is 401', async () => {
    const key = instance.key;
    const bad = [
      undefined, 'Bearer', 'Bearer ', key, `Basic ${Buffer.from(`x:${key}`).toString('base64')}`, `Token ${key}`, 'Bearer slw_',
      'Bearer slw_wrong', `Bearer ${key}x`, `Bearer ${key.slice(0, -1)}`, `Bearer ${key.toUpperCase()}`, `Bearer x${key}`,
      `Bearer ${key} ${key}`, `Bearer ${key},Bearer ${key}`, `Bearer "${key}"`, `Bearer sws_${key.slice(4)}`, `Bearer slw_${'x'.repeat(2000)}`,
      "Bearer slw_' OR '1'='1", 'Bearer slw_%00', 'Bearer slw_\xff\xfe', `Bearer\t${key}`, 'Bearer null', 'Digest username="x"',
    ];
    for (const authorization of bad) {
      for (const [method, path] of [['GET', 'me'], ['POST', 'execute'], ['GET', project], ['DELETE', project], ['GET', 'users']]) {
        const answer = await stranger.call(method, path, { headers: { authorization } });
        assertProblem(answer, 401, { type: 'unauthenticated', detail: /API key|sign in/ }, `${method} ${path}: ${authorization}`);
      }
    }
    await stranger.expect(200, 'GET', 'me', { headers: { authorization: `bearer ${key}` } }); // the scheme has no case
  });

  it('is looked at before the body is', async () => {
    assertProblem(await stranger.call('POST', 'execute', { body: '{', headers: json }), 401);
    assertProblem(await stranger.call('PUT', `${project}/files/x`, { body: 'x' }), 401);
  });

  it('cannot come in the address or a cookie', async () => {
    assertProblem(await stranger.get(`me?key=${instance.key}&access_token=${instance.key}`), 401);
    for (const name of ['slipway', '__Host-slipway', 'key']) {
      assertProblem(await stranger.get('me', { headers: { cookie: `${name}=${instance.key}` } }), 401, {}, name);
    }
  });

  it('of a session cookie\'s sort is no cookie', async () => {
    for (const cookie of ['slipway', 'slipway=', '=', ';;;', 'slipway="', '__Host-slipway=sws_wrong', `slipway=${'x'.repeat(3000)}`,
      'slipway=\xff', "slipway=' OR 1=1", 'a=b; slipway=sws_x; slipway=sws_y']) {
      assertProblem(await stranger.get('me', { headers: { cookie } }), 401, {}, cookie.slice(0, 40));
    }
  });
});

describe('a method', () => {
  it('that a call does not take is 405 with Allow', async () => {
    const table = [
      ['POST', 'me', 'GET, HEAD'], ['GET', 'execute', 'POST'], ['PUT', 'projects', 'GET, HEAD, POST'], ['DELETE', 'users', 'GET, HEAD, POST'],
      ['POST', project, 'DELETE, GET, HEAD, PATCH'], ['PATCH', `${project}/files/x`, 'DELETE, GET, HEAD, PUT'],
      ['GET', `${project}/generate`, 'POST'], ['GET', 'auth/login', 'POST'], ['HEAD', 'execute', 'POST'], ['OPTIONS', 'projects', 'GET, HEAD, POST'],
      ['DELETE', '/healthz', 'GET, HEAD'],
    ];
    for (const [method, path, allow] of table) {
      const answer = await owner.call(method, path);
      assert.equal(answer.status, 405, `${method} ${path}: ${answer.text}`);
      assert.equal(answer.headers.allow.split(', ').sort().join(', '), allow, `${method} ${path}`);
      if (method !== 'HEAD') {
        assertProblem(answer, 405, { type: 'method-not-allowed' }, `${method} ${path}`);
      }
    }
  });

  it('that nobody serves is 405', async () => {
    for (const method of ['TRACE', 'PROPFIND', 'SEARCH', 'PURGE', 'LOCK']) {
      assertProblem(await owner.call(method, 'me'), 405, {}, method);
    }
  });

  it('HEAD is GET without the body', async () => {
    for (const path of ['me', 'projects', `${project}/files/kept.txt`, '/healthz', 'openapi.json']) {
      const [get, head] = [await owner.get(path), await owner.call('HEAD', path)];
      assert.equal(head.status, 200, path);
      assert.equal(head.bytes.length, 0, path);
      for (const name of ['content-type', 'content-length', 'etag']) {
        assert.equal(head.headers[name], get.headers[name], `${path} ${name}`);
      }
    }
    for (const [path, status] of [['nowhere', 404], [`projects/${UNKNOWN}`, 404]]) {
      const head = await owner.call('HEAD', path);
      assert.equal(head.status, status);
      assert.equal(head.bytes.length, 0);
    }
  });
});

describe('an address', () => {
  it('where nothing is answers 404', async () => {
    const paths = ['', 'x', 'me/', 'me/x', '/api/v1', '/api/v1/', '/api', '/api/', '/api/v2/me', '/API/V1/me', '/api/v1/ME', '/api/v1//me',
      '/api/v1/%6de', '/api/v1/me%20', '/api/v1/me;x=1', '/api/v1/me.json', '/.git/config', '/.env', '/metrics', '/_agent/x', '/index.php',
      '/healthz/', '/cgi-bin/x', 'projects/', 'auth', 'auth/', 'openapi'];
    for (const path of paths) {
      assertProblem(await owner.get(path), 404, { type: 'not-found' }, path);
    }
  });

  it('that is too long is 414 or 400', async () => {
    for (const length of [4097, 6000, 9000, 60_000]) {
      for (const path of [`projects/${'x'.repeat(length)}`, `projects?q=${'x'.repeat(length)}`]) {
        const answer = await owner.get(path);
        assert.ok([400, 404, 414].includes(answer.status), `${length}: ${answer.status}`);
        assertProblem(answer, answer.status, {}, `${length} bytes`);
      }
    }
  });
});

describe('HTTP itself', () => {
  const head = (line, ...headers) => [line, ...headers, '', ''].join('\r\n');
  const host = () => `Host: localhost:${new URL(instance.url).port}`;
  const close = 'Connection: close';
  const auth = () => `Authorization: Bearer ${instance.key}`;

  it('refuses what it cannot read with 400', async () => {
    const broken = {
      'no host': head(`GET ${API}/me HTTP/1.1`, close), 'two hosts': head(`GET ${API}/me HTTP/1.1`, host(), host(), close),
      'no slash': head('GET api HTTP/1.1', host(), close), 'an asterisk': head('OPTIONS * HTTP/1.1', host(), close),
      'a space in the address': head(`GET ${API}/m e HTTP/1.1`, host(), close), 'no version': head(`GET ${API}/me HTTP`, host(), close),
      'above the root': head('GET /../../etc/passwd HTTP/1.1', host(), close), 'a NUL in the address': head(`GET ${API}/me%00 HTTP/1.1`, host(), close),
      'two lengths': `${head(`POST ${API}/projects HTTP/1.1`, host(), 'Content-Length: 2', 'Content-Length: 3', close)}{}x`,
      'a negative length': head(`POST ${API}/projects HTTP/1.1`, host(), 'Content-Length: -1', close),
      'a huge length': head(`POST ${API}/projects HTTP/1.1`, host(), `Content-Length: ${'9'.repeat(30)}`, close),
      'a length that is no number': head(`POST ${API}/projects HTTP/1.1`, host(), 'Content-Length: x', close),
      'length and chunks': `${head(`POST ${API}/projects HTTP/1.1`, host(), 'Content-Length: 2', 'Transfer-Encoding: chunked', close)}0\r\n\r\n`,
      'a bad chunk': `${head(`POST ${API}/projects HTTP/1.1`, host(), auth(), 'Content-Type: application/json', 'Transfer-Encoding: chunked', close)}zz\r\n{}\r\n`,
      'a tunnel': head('CONNECT example.com:443 HTTP/1.1', 'Host: example.com:443', close),
      'noise': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 'a lower-case method': head(`get ${API}/me HTTP/1.1`, host(), close),
    };
    for (const [what, bytes] of Object.entries(broken)) {
      const answer = await stranger.raw(bytes);
      assertProblem(answer, 400, {}, what);
    }
  });

  it('refuses what it does not serve by a fitting status', async () => {
    const table = [
      ['a version to come', head(`GET ${API}/me HTTP/3.0`, host(), close), 505],
      ['a coding nobody has', head(`POST ${API}/projects HTTP/1.1`, host(), 'Transfer-Encoding: gzip', close), 501],
      ['one huge header', head(`GET ${API}/me HTTP/1.1`, host(), `X-Huge: ${'x'.repeat(100_000)}`, close), 431],
      ['a thousand headers', head(`GET ${API}/me HTTP/1.1`, host(), ...Array.from({ length: 1000 }, (_, i) => `X-${i}: ${'x'.repeat(50)}`), close), 431],
    ];
    for (const [what, bytes, status] of table) {
      assertProblem(await stranger.raw(bytes), status, {}, what);
    }
  });

  it('is spoken in its older form too', async () => {
    const old = await stranger.raw(head('GET /healthz HTTP/1.0'));
    assert.equal(old.status, 200, old.text);
    const posted = await stranger.raw(`${head(`POST ${API}/projects HTTP/1.0`, auth(), 'Content-Type: application/json', 'Content-Length: 14')}{"name":"1.0"}`);
    assert.equal(posted.status, 201, posted.text);
    assert.equal(posted.headers['transfer-encoding'], undefined);
    assertProblem(await stranger.raw(head(`GET ${API}/me HTTP/1.0`)), 401);
  });

  it('takes an absolute address and one request after the other', async () => {
    const absolute = await stranger.raw(head(`GET http://localhost${API}/me HTTP/1.1`, host(), auth(), close));
    assert.equal(absolute.status, 200, absolute.text);
    const two = head(`GET ${API}/me HTTP/1.1`, host(), auth()) + head(`GET ${API}/nowhere HTTP/1.1`, host(), auth(), close);
    const answers = await stranger.raw(two);
    assert.equal(answers.status, 200);
    assert.match(answers.text, /HTTP\/1\.1 404/);
  });

  it('does not believe a client about itself', async () => {
    const answer = await stranger.get('me', {
      headers: {
        'x-forwarded-for': '10.0.0.1', 'x-forwarded-proto': 'https', 'x-real-ip': '10.0.0.1', 'x-request-id': 'mine', 'request-id': 'mine',
        'x-accel-redirect': '/metrics', 'x-http-method-override': 'DELETE', 'x-original-url': '/metrics', proxy: 'http://evil.example', https: 'on',
        'remote-user': 'owner', 'content-length': '0',
      },
    });
    assertProblem(answer, 401);
    assert.notEqual(answer.headers['x-request-id'], 'mine');
    const { cookies } = await stranger.post('auth/login', { email: instance.adminEmail, password: instance.adminPassword }, { headers: { 'x-forwarded-proto': 'https' } });
    assert.ok(cookies.slipway, 'still http');
  });

  it('lets no slow sender hold a worker', async () => {
    const slow = [];
    for (let i = 0; i < 40; i++) {
      const socket = net.connect({ host: '127.0.0.1', port: new URL(instance.url).port });
      socket.on('error', () => {});
      socket.write(i % 2 === 0 ? `POST ${API}/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"email"`
        : `GET ${API}/me HTTP/1.1\r\nHost: x\r\nX-Slow`);
      slow.push(socket);
    }
    try {
      const times = [];
      for (let i = 0; i < 20; i++) {
        const start = performance.now();
        await owner.expect(200, 'GET', 'me');
        times.push(performance.now() - start);
      }
      times.sort((a, b) => a - b);
      assert.ok(times[18] < 1000 && times[19] < 5000, `a call waited for slow senders: ${times}`);
    } finally {
      slow.forEach((socket) => socket.destroy());
    }
  });

  it('outlives clients that go away in the middle', async () => {
    for (let i = 0; i < 30; i++) {
      await new Promise((resolve) => {
        const socket = net.connect({ host: '127.0.0.1', port: new URL(instance.url).port });
        socket.on('error', () => {});
        socket.on('close', resolve);
        const body = JSON.stringify({ name: 'gone' });
        const bytes = `${head(`POST ${API}/projects HTTP/1.1`, host(), auth(), 'Content-Type: application/json', `Content-Length: ${body.length + (i % 3)}`)}${body}`;
        socket.write(bytes, () => (i % 2 ? socket.resetAndDestroy() : socket.end()));
        socket.resume();
      });
    }
    await owner.expect(200, 'GET', 'me');
  });
});

describe('a position in a stream', () => {
  it('that is no event\'s number is refused', async () => {
    const events = await owner.expect(200, 'POST', `${project}/generate`, { json: { prompt: 'A node script', mode: 'explain' } });
    const id = /"id":"([0-9a-f-]{36})"/.exec(events.text)[1];
    for (const position of ['x', '-1', '1.5', '1e3', '99999999999', ' 1x', '0x1', '1;DROP TABLE users', '%31', '9'.repeat(100)]) {
      const answer = await owner.get(`${project}/generations/${id}/events`, { headers: { 'last-event-id': position } });
      assertProblem(answer, 400, { type: 'invalid', detail: /Last-Event-ID/ }, position);
      const query = await owner.get(`${project}/generations/${id}/events?after=${encodeURIComponent(position)}`);
      assertProblem(query, 400, {}, position);
    }
    await owner.expect(204, 'GET', `${project}/generations/${id}/events`, { headers: { 'last-event-id': '2147483647' } });
  });
});

// Reproducible noise: a failure names its seed.
function generator(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('noise', () => {
  const seeds = ['{"name":"x","template":"express","visibility":"private"}', '{"code":"1","timeout_ms":10,"stdin":"x"}', '{"prompt":"x","mode":"explain"}'];

  it('in bodies is answered by a problem or not at all harmful', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const next = generator(seed);
      const bytes = Buffer.from(seeds[next(seeds.length)]);
      for (let i = 0; i <= next(4); i++) {
        bytes[next(bytes.length)] = next(256);
      }
      const answer = await owner.call('POST', 'projects', { body: bytes.subarray(0, 1 + next(bytes.length)), headers: json });
      if (answer.status !== 201) {
        assertProblem(answer, [400, 413, 422].includes(answer.status) ? answer.status : 400, {}, `seed ${seed}: ${bytes.toString('latin1')}`);
      }
    }
  });

  it('in addresses is answered by a problem or by what is there', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const next = generator(seed);
      const alphabet = '/.%20ab-_~;=&?:@!$(),*+2eEfF\\\'"<>[]{}|^`';
      let tail = '';
      for (let i = 0; i < 1 + next(24); i++) {
        tail += alphabet[next(alphabet.length)];
      }
      const answer = await owner.get(`${API}${['/', '/projects/', `/${project}/files/`, '/me'][next(4)]}${tail}`);
      assert.ok(answer.status < 500, `seed ${seed}: ${tail}: ${answer.status} ${answer.text}`);
      if (answer.status >= 400) {
        assertProblem(answer, answer.status, {}, `seed ${seed}: ${tail}`);
      }
    }
  });
});

describe('after all that', () => {
  // client_header_timeout and client_body_timeout began before the file's first test.
  it('those who stopped in the middle have been let go', { timeout: 30_000 }, () => Promise.all(stalled));

  it('every request has one number, in its answer and in both logs', async () => {
    for (const path of ['me', 'nowhere']) {
      const id = (await owner.get(path)).headers['x-request-id'];
      for (const service of ['nginx', 'api']) {
        await waitFor(`${path} in the log of ${service}`, async () => (await instance.logs(service)).includes(id), { ms: 10_000 });
      }
    }
  });

  it('everything still works, by the same workers', async () => {
    assert.equal((await owner.expect(200, 'GET', `${project}/files/kept.txt`)).text, 'kept');
    assert.equal((await owner.expect(200, 'POST', 'execute', { json: { code: 'console.log(1+1)' } })).json.output, '2\n');
    assert.equal((await owner.expect(200, 'GET', '/readyz')).json.ready, true);
    assert.deepEqual(workers(), workersBefore);
  });

  it('no answer was an internal error', async () => {
    const failed = (await instance.logs('api')).split('\n').filter((line) => /"status":\s?500|AddressSanitizer|runtime error/.test(line));
    assert.deepEqual(failed, []);
  });
});
