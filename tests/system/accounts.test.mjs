// Signing in and out, users, API keys, and who may use somebody's session.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Client, assertProblem } from './lib/client.mjs';
import { startInstance } from './lib/instance.mjs';

const PASSWORD = 'correct horse battery';
const COOKIE = '__Host-slipway';
const PLAIN_COOKIE = 'slipway';

let instance;
let owner; // by API key

before(async () => {
  instance = await startInstance();
  owner = new Client(instance.url, { key: instance.key });
});
after(() => instance?.stop());

// nginx counts logins by address; 127.0.0.0/8 has plenty.
let addresses = 0;
function freshAddress() {
  addresses += 1;
  return `127.1.${addresses >> 8}.${addresses & 255}`;
}

function browser(headers = {}) {
  return new Client(instance.url, { from: freshAddress(), headers });
}

let users = 0;
async function makeUser(role = 'member') {
  users += 1;
  const email = `user${users}@example.com`;
  const { json } = await owner.expect(201, 'POST', 'users', { json: { email, password: PASSWORD, role } });
  return { id: json.id, email, password: PASSWORD };
}

function login(email, password = PASSWORD, client = browser()) {
  return client.post('auth/login', { email, password });
}

// A client that has the session cookie, and sends an Origin as our pages do.
async function signIn(user, name = COOKIE) {
  const answer = await login(user.email, user.password);
  assert.equal(answer.status, 200, answer.text);
  return browser({ cookie: `${name}=${answer.cookies[name].value}`, origin: instance.url });
}

async function keyOf(session) {
  const { json } = await session.expect(201, 'POST', 'api-keys', { json: { name: 'test' } });
  return json;
}

const sqlText = (value) => `'${value.replaceAll("'", "''")}'`;

describe('signing in', () => {
  it('answers with the account and sets the session cookie', async () => {
    const user = await makeUser();
    const answer = await login(user.email);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(Object.keys(answer.json).sort(), ['created_at', 'email', 'id', 'role']);
    assert.equal(answer.json.id, user.id);
    assert.equal(answer.json.email, user.email);
    assert.equal(answer.json.role, 'member');
    assert.match(answer.json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(answer.headers['cache-control'], 'no-store');
  });

  it('gives the cookies the attributes that protect them', async () => {
    const user = await makeUser();
    const { cookies } = await login(user.email);
    assert.deepEqual(Object.keys(cookies).sort(), [COOKIE, PLAIN_COOKIE].sort());
    const { 'max-age': age, ...host } = cookies[COOKIE].attributes;
    assert.deepEqual(host, { path: '/', secure: true, httponly: true, samesite: 'Lax' });
    assert.equal(Number(age), 30 * 24 * 3600);
    // For browsers that refuse Secure on http://localhost.
    const { 'max-age': plainAge, ...plain } = cookies[PLAIN_COOKIE].attributes;
    assert.deepEqual(plain, { path: '/', httponly: true, samesite: 'Lax' });
    assert.equal(plainAge, age);
    assert.match(cookies[COOKIE].value, /^[A-Za-z0-9_-]{40,}$/);
  });

  it('takes either cookie on http', async () => {
    const user = await makeUser();
    for (const name of [COOKIE, PLAIN_COOKIE]) {
      const me = await (await signIn(user, name)).expect(200, 'GET', 'me');
      assert.equal(me.json.id, user.id);
    }
  });

  it('does not care for the case of the address', async () => {
    const user = await makeUser();
    assert.equal((await login(user.email.toUpperCase())).status, 200);
  });

  it('tells a wrong password and an unknown account in the same words', async () => {
    const user = await makeUser();
    const wrong = assertProblem(await login(user.email, 'not the password'), 401, { type: 'unauthenticated' });
    const unknown = assertProblem(await login('nobody@example.com'), 401, { type: 'unauthenticated' });
    delete wrong.request_id;
    delete unknown.request_id;
    assert.deepEqual(wrong, unknown);
  });

  it('takes as long for an unknown account as for a wrong password', async () => {
    const user = await makeUser();
    const time = async (email) => {
      const start = performance.now();
      assert.equal((await login(email, 'not the password')).status, 401);
      return performance.now() - start;
    };
    const [known, unknown] = [[], []];
    for (let i = 0; i < 4; i++) {
      known.push(await time(user.email));
      unknown.push(await time(`nobody${i}@example.com`));
    }
    // Without the same work it is a fraction; the fastest of each is free of the machine's other cares.
    assert.ok(Math.min(...unknown) > Math.min(...known) / 2, `${unknown} ms against ${known} ms`);
  });

  it('sets no cookie when it fails', async () => {
    const answer = await login('nobody@example.com');
    assert.equal(answer.headers['set-cookie'], undefined);
  });

  it('gives every sign-in a session of its own', async () => {
    const user = await makeUser();
    const [a, b] = [await login(user.email), await login(user.email)];
    assert.notEqual(a.cookies[COOKIE].value, b.cookies[COOKIE].value);
  });

  it('ends with logout, on the server too', async () => {
    const user = await makeUser();
    const [one, other] = [await signIn(user), await signIn(user)];
    const answer = await one.expect(204, 'POST', 'auth/logout');
    for (const name of [COOKIE, PLAIN_COOKIE]) {
      assert.equal(answer.cookies[name].value, '');
      assert.equal(answer.cookies[name].attributes['max-age'], '0');
    }
    assertProblem(await one.get('me'), 401, { type: 'unauthenticated' });
    await other.expect(200, 'GET', 'me');
  });

  it('ends when the session expires', async () => {
    const user = await makeUser();
    const session = await signIn(user);
    await instance.sql(`UPDATE sessions SET expires_at = now() WHERE user_id = ${sqlText(user.id)}`);
    assertProblem(await session.get('me'), 401, { type: 'unauthenticated', detail: /sign in again/ });
  });

  it('lets an API key win over a cookie', async () => {
    const [one, other] = [await makeUser(), await makeUser()];
    const session = await signIn(one);
    const { key } = await keyOf(await signIn(other));
    const both = session.with({ authorization: `Bearer ${key}` });
    assert.equal((await both.expect(200, 'GET', 'me')).json.id, other.id);
    assertProblem(await session.with({ authorization: 'Bearer slw_wrong' }).get('me'), 401);
  });
});

describe('guessing passwords', () => {
  it('locks the account for a while, and the owner can open it', async () => {
    const user = await makeUser();
    for (let i = 0; i < 5; i++) {
      assertProblem(await login(user.email, `guess ${i}`), 401);
    }
    const locked = await login(user.email);
    assertProblem(locked, 429, { type: 'rate-limited', detail: /try again in \d+ s/ });
    const seconds = Number(locked.headers['retry-after']);
    assert.ok(seconds >= 1 && seconds <= 30, `Retry-After: ${seconds}`);
    assert.equal(locked.headers['set-cookie'], undefined);

    await owner.expect(200, 'PATCH', `users/${user.id}`, { json: { password: `${PASSWORD} 2` } });
    assert.equal((await login(user.email, `${PASSWORD} 2`)).status, 200);
  });

  it('locks longer each time, and a right password ends it', async () => {
    const user = await makeUser();
    for (let i = 0; i < 5; i++) {
      await login(user.email, `guess ${i}`);
    }
    const expire = () =>
      instance.sql(`UPDATE password_failures SET locked_until = now() WHERE email = ${sqlText(user.email)}`);
    await expire();
    assertProblem(await login(user.email, 'guess 6'), 401);
    const seconds = Number((await login(user.email)).headers['retry-after']);
    assert.ok(seconds > 30 && seconds <= 60, `Retry-After: ${seconds}`);
    await expire();
    assert.equal((await login(user.email)).status, 200);
    assertProblem(await login(user.email, 'guess 7'), 401);
    assert.equal((await login(user.email)).status, 200, 'one mistake after a success locks nothing');
  });

  it('tells an address without an account by nothing from one with', async () => {
    const user = await makeUser();
    const gone = await makeUser();
    await owner.expect(204, 'DELETE', `users/${gone.id}`);
    const seen = {};
    for (const email of [user.email, 'stranger@example.com', 'Stranger2@Example.com', gone.email]) {
      seen[email] = [];
      for (let i = 0; i < 6; i++) {
        const answer = await login(email, `guess ${i}`);
        const body = assertProblem(answer, i < 5 ? 401 : 429);
        delete body.request_id;
        body.detail = body.detail.replace(/\d+ s$/, 'n s');
        assert.equal('retry-after' in answer.headers, i === 5);
        const { date, 'x-request-id': id, 'retry-after': after, 'content-length': length, ...headers } = answer.headers;
        seen[email].push({ body, headers, waits: i === 5 && Number(after) > 0 && Number(after) <= 30 });
      }
    }
    const [known, ...others] = Object.values(seen);
    assert.ok(known[5].waits);
    for (const other of others) {
      assert.deepEqual(other, known);
    }
    // The case of the address does not start the count anew.
    assertProblem(await login('STRANGER2@example.com'), 429);
  });

  it('does not lock out a user who is made later', async () => {
    const email = 'later@example.com';
    for (let i = 0; i < 6; i++) {
      await login(email, `guess ${i}`);
    }
    await owner.expect(201, 'POST', 'users', { json: { email, password: PASSWORD } });
    assert.equal((await login(email)).status, 200);
  });

  it('counts wrong current passwords as well, and a changed one forgets them', async () => {
    const user = await makeUser();
    const session = await signIn(user);
    const change = (current) => session.post('me/password', { current_password: current, new_password: PASSWORD });
    for (let i = 0; i < 4; i++) {
      assertProblem(await change(`guess ${i}`), 403);
    }
    await session.expect(204, 'POST', 'me/password', { json: { current_password: PASSWORD, new_password: PASSWORD } });
    for (let i = 0; i < 5; i++) {
      assertProblem(await change(`guess ${i}`), 403);
    }
    const locked = await change(PASSWORD);
    assertProblem(locked, 429, { type: 'rate-limited' });
    assert.ok(Number(locked.headers['retry-after']) > 0);
    assertProblem(await login(user.email), 429);
  });

  it('leaves other accounts and running sessions alone', async () => {
    const [victim, other] = [await makeUser(), await makeUser()];
    const session = await signIn(victim);
    for (let i = 0; i < 6; i++) {
      await login(victim.email, `guess ${i}`);
    }
    assert.equal((await login(other.email)).status, 200);
    await session.expect(200, 'GET', 'me');
  });

  it('is slowed down by address', async () => {
    const address = browser();
    const answers = [];
    // A few at a time, as many as the workers take.
    for (let i = 0; i < 260; i += 4) {
      answers.push(...await Promise.all([0, 1, 2, 3].map((j) =>
        address.post('auth/login', { email: `guess${i + j}@example.com`, password: 'whatever' }))));
    }
    const refused = answers.filter((a) => a.status === 429);
    assert.ok(refused.length >= 20, `only ${refused.length} of ${answers.length} were refused`);
    assertProblem(refused[0], 429, { type: 'rate-limited' });
    assert.deepEqual([...new Set(answers.map((a) => a.status))].sort(), [401, 429]);
    // Only signing in, only that address.
    assertProblem(await address.get('me'), 401);
    const user = await makeUser();
    assert.equal((await login(user.email)).status, 200);
  });
});

describe('changing the password', () => {
  it('ends every other session and keeps this one and the keys', async () => {
    const user = await makeUser();
    const [mine, other] = [await signIn(user), await signIn(user)];
    const { key } = await keyOf(mine);
    const next = 'a new and better one';
    await mine.expect(204, 'POST', 'me/password',
      { json: { current_password: PASSWORD, new_password: next } });
    await mine.expect(200, 'GET', 'me');
    assertProblem(await other.get('me'), 401);
    await new Client(instance.url, { key }).expect(200, 'GET', 'me');
    assertProblem(await login(user.email), 401);
    assert.equal((await login(user.email, next)).status, 200);
  });

  it('wants the current one', async () => {
    const session = await signIn(await makeUser());
    const answer = await session.post('me/password', { current_password: 'wrong', new_password: 'long enough' });
    assertProblem(answer, 403, { type: 'forbidden', detail: /current_password/ });
  });

  it('refuses one that is too short or too long', async () => {
    const session = await signIn(await makeUser());
    for (const [next, status] of [['short', 400], ['', 400], ['x'.repeat(1025), 413]]) {
      const answer = await session.post('me/password', { current_password: PASSWORD, new_password: next });
      assertProblem(answer, status, { detail: /new_password/ });
    }
  });

  it('by the owner ends all sessions of that user', async () => {
    const user = await makeUser();
    const session = await signIn(user);
    await owner.expect(200, 'PATCH', `users/${user.id}`, { json: { password: 'set by the owner' } });
    assertProblem(await session.get('me'), 401);
  });
});

describe('users', () => {
  it('can be made, read, listed, changed and deleted by an owner', async () => {
    const made = await owner.expect(201, 'POST', 'users',
      { json: { email: 'Ada@Example.com', password: PASSWORD } });
    const user = made.json;
    assert.deepEqual(Object.keys(user).sort(), ['created_at', 'email', 'id', 'role']);
    assert.equal(user.email, 'ada@example.com');
    assert.equal(user.role, 'member');
    assert.deepEqual((await owner.expect(200, 'GET', `users/${user.id}`)).json, user);

    const { items } = (await owner.expect(200, 'GET', 'users?limit=100')).json;
    assert.deepEqual(items.find((u) => u.id === user.id), user);
    assert.ok(!JSON.stringify(items).includes('password'));

    const changed = await owner.expect(200, 'PATCH', `users/${user.id}`,
      { json: { email: 'lovelace@example.com', role: 'owner' } });
    assert.deepEqual(changed.json, { ...user, email: 'lovelace@example.com', role: 'owner' });

    await owner.expect(204, 'DELETE', `users/${user.id}`);
    assertProblem(await owner.get(`users/${user.id}`), 404);
    assertProblem(await owner.call('DELETE', `users/${user.id}`), 404);
    assertProblem(await owner.call('PATCH', `users/${user.id}`, { json: { role: 'member' } }), 404);
    const after = (await owner.expect(200, 'GET', 'users?limit=100')).json.items;
    assert.ok(!after.some((u) => u.id === user.id));
  });

  it('are listed in pages without gaps or repeats', async () => {
    await Promise.all(Array.from({ length: 5 }, () => makeUser()));
    const all = (await owner.expect(200, 'GET', 'users?limit=100')).json;
    assert.equal(all.next, null);
    const seen = [];
    let next = '';
    do {
      const page = (await owner.expect(200, 'GET', `users?limit=3${next && `&cursor=${next}`}`)).json;
      assert.ok(page.items.length <= 3);
      seen.push(...page.items);
      next = page.next;
    } while (next);
    assert.deepEqual(seen, all.items);
  });

  it('have an address of their own, whatever its case, free again after deletion', async () => {
    const user = await makeUser();
    const again = { json: { email: user.email.toUpperCase(), password: PASSWORD } };
    assertProblem(await owner.call('POST', 'users', again), 409, { type: 'conflict', detail: /email/ });
    const other = await makeUser();
    assertProblem(await owner.call('PATCH', `users/${other.id}`, { json: { email: user.email } }), 409);
    await owner.expect(204, 'DELETE', `users/${user.id}`);
    const reborn = await owner.expect(201, 'POST', 'users', again);
    assert.notEqual(reborn.json.id, user.id);
  });

  it('are none of a member\'s business', async () => {
    const [member, other] = [await makeUser(), await makeUser()];
    const session = await signIn(member);
    const attempts = [
      ['GET', 'users'], ['GET', `users/${other.id}`], ['GET', `users/${member.id}`],
      ['POST', 'users', { email: 'x@example.com', password: PASSWORD, role: 'owner' }],
      ['PATCH', `users/${member.id}`, { role: 'owner' }], ['PATCH', `users/${other.id}`, { password: PASSWORD }],
      ['DELETE', `users/${other.id}`], ['DELETE', `users/${member.id}`],
      ['GET', 'users/00000000-0000-4000-8000-000000000000'],
    ];
    for (const [method, path, json] of attempts) {
      assertProblem(await session.call(method, path, { json }), 403, { type: 'forbidden' }, `${method} ${path}`);
    }
    await session.expect(200, 'GET', 'me');
    assert.equal((await login(other.email)).status, 200);
  });

  it('always have an owner among them', async () => {
    const owners = (await owner.expect(200, 'GET', 'users?limit=100')).json.items.filter((u) => u.role === 'owner');
    assert.equal(owners.length, 1);
    const me = `users/${owners[0].id}`;
    assertProblem(await owner.call('DELETE', me), 409, { type: 'conflict', detail: /last owner/ });
    assertProblem(await owner.call('PATCH', me, { json: { role: 'member' } }), 409, { detail: /last owner/ });
    await owner.expect(200, 'PATCH', me, { json: { role: 'owner' } });
  });

  it('cannot lose both owners to two of them at once', async () => {
    const [a, b] = [await makeUser('owner'), await makeUser('owner')];
    const first = (await owner.expect(200, 'GET', 'me')).json;
    const [asA, asB] = [await signIn(a), await signIn(b)];
    // a takes b's and the first owner's role away while b takes a's.
    await asA.expect(200, 'PATCH', `users/${first.id}`, { json: { role: 'member' } });
    const answers = await Promise.all([
      asA.call('PATCH', `users/${b.id}`, { json: { role: 'member' } }),
      asB.call('PATCH', `users/${a.id}`, { json: { role: 'member' } }),
    ]);
    assert.deepEqual(answers.map((r) => r.status).filter((s) => s !== 409 && s !== 403), [200]);
    const left = answers[0].status === 200 ? asA : asB;
    await left.expect(200, 'PATCH', `users/${first.id}`, { json: { role: 'owner' } });
    for (const user of [a, b]) {
      await owner.expect(204, 'DELETE', `users/${user.id}`);
    }
  });

  it('lose their rights with their role, at once', async () => {
    const second = await makeUser('owner');
    const session = await signIn(second);
    await session.expect(200, 'GET', 'users');
    await owner.expect(200, 'PATCH', `users/${second.id}`, { json: { role: 'member' } });
    assertProblem(await session.get('users'), 403);
    assert.equal((await session.expect(200, 'GET', 'me')).json.role, 'member');
  });

  it('lose keys, sessions and password with their account, at once', async () => {
    const user = await makeUser();
    const session = await signIn(user);
    const { key } = await keyOf(session);
    const byKey = new Client(instance.url, { key });
    await byKey.expect(200, 'GET', 'me');
    await owner.expect(204, 'DELETE', `users/${user.id}`);
    assertProblem(await byKey.get('me'), 401);
    assertProblem(await session.get('me'), 401);
    assertProblem(await login(user.email), 401);
  });

  it('must have an address and a password of the right form', async () => {
    const bad = [
      [{ password: PASSWORD }, 400, /"email" is missing/], [{ email: 'ok@example.com' }, 400, /"password" is missing/],
      [{ email: 'no at', password: PASSWORD }, 400, /email/], [{ email: 'a@b@c', password: PASSWORD }, 400, /email/],
      [{ email: '@example.com', password: PASSWORD }, 400, /email/], [{ email: 'me@', password: PASSWORD }, 400, /email/],
      [{ email: 'sp ace@example.com', password: PASSWORD }, 400, /email/],
      [{ email: 'müller@example.com', password: PASSWORD }, 400, /email/],
      [{ email: `${'x'.repeat(250)}@example.com`, password: PASSWORD }, 413, /email/],
      [{ email: 'ok@example.com', password: 'seven77' }, 400, /password/],
      [{ email: 'ok@example.com', password: PASSWORD, role: 'admin' }, 400, /role/],
      [{ email: 'ok@example.com', password: PASSWORD, role: null }, 400, /role/],
      [{ email: 'ok@example.com', password: PASSWORD, id: 'x' }, 400, /unknown field "id"/],
    ];
    for (const [json, status, detail] of bad) {
      assertProblem(await owner.call('POST', 'users', { json }), status, { detail }, JSON.stringify(json).slice(0, 80));
    }
  });
});

describe('API keys', () => {
  it('are shown once and recognised later by name and prefix', async () => {
    const session = await signIn(await makeUser());
    const made = await keyOf(session);
    assert.deepEqual(Object.keys(made).sort(), ['created_at', 'id', 'key', 'name', 'prefix']);
    assert.match(made.key, /^slw_[A-Za-z0-9_-]{43}$/);
    assert.equal(made.prefix, made.key.slice(0, 8));
    const list = await session.expect(200, 'GET', 'api-keys');
    assert.deepEqual(list.json.items.map((k) => k.id), [made.id]);
    assert.deepEqual(Object.keys(list.json.items[0]).sort(), ['created_at', 'id', 'last_used_at', 'name', 'prefix']);
    assert.equal(list.json.items[0].last_used_at, null);
    assert.ok(!list.text.includes(made.key.slice(8)));
  });

  it('sign their owner in and say when they last did', async () => {
    const user = await makeUser();
    const session = await signIn(user);
    const { key } = await keyOf(session);
    const byKey = new Client(instance.url, { key });
    assert.equal((await byKey.expect(200, 'GET', 'me')).json.id, user.id);
    const [item] = (await session.expect(200, 'GET', 'api-keys')).json.items;
    assert.ok(Math.abs(Date.parse(item.last_used_at) - Date.now()) < 60_000, item.last_used_at);
  });

  it('are dead the moment they are deleted', async () => {
    const session = await signIn(await makeUser());
    const { id, key } = await keyOf(session);
    const byKey = new Client(instance.url, { key });
    await byKey.expect(200, 'GET', 'me');
    await session.expect(204, 'DELETE', `api-keys/${id}`);
    assertProblem(await byKey.get('me'), 401, { type: 'unauthenticated' });
    assertProblem(await session.call('DELETE', `api-keys/${id}`), 404);
  });

  it('of others can be neither seen nor deleted, not by an owner either', async () => {
    const session = await signIn(await makeUser());
    const { id, key } = await keyOf(session);
    for (const stranger of [await signIn(await makeUser()), owner]) {
      const unknown = assertProblem(await stranger.call('DELETE', 'api-keys/00000000-0000-4000-8000-000000000000'), 404);
      const theirs = assertProblem(await stranger.call('DELETE', `api-keys/${id}`), 404);
      delete unknown.request_id;
      delete theirs.request_id;
      assert.deepEqual(theirs, unknown);
      assert.ok(!(await stranger.expect(200, 'GET', 'api-keys')).text.includes(id));
    }
    await new Client(instance.url, { key }).expect(200, 'GET', 'me');
  });

  it('want a name', async () => {
    const session = await signIn(await makeUser());
    for (const [json, status] of [[{}, 400], [{ name: '' }, 400], [{ name: 7 }, 400], [{ name: 'x'.repeat(101) }, 413]]) {
      assertProblem(await session.call('POST', 'api-keys', { json }), status, { detail: /"name"/ });
    }
  });

  it('are listed in pages', async () => {
    const session = await signIn(await makeUser());
    const made = [];
    for (let i = 0; i < 5; i++) {
      made.push((await keyOf(session)).id);
    }
    const first = (await session.expect(200, 'GET', 'api-keys?limit=3')).json;
    const second = (await session.expect(200, 'GET', `api-keys?limit=3&cursor=${first.next}`)).json;
    assert.equal(second.next, null);
    assert.deepEqual([...first.items, ...second.items].map((k) => k.id), made);
  });
});

describe('secrets', () => {
  it('are nowhere in the database or in the logs', async () => {
    const password = 'a password nobody else has 4711';
    const user = await makeUser();
    await owner.expect(200, 'PATCH', `users/${user.id}`, { json: { password } });
    const answer = await login(user.email, password);
    const token = answer.cookies[COOKIE].value;
    const session = browser({ cookie: `${COOKIE}=${token}`, origin: instance.url });
    const { key } = await keyOf(session);
    await new Client(instance.url, { key }).expect(200, 'GET', 'me');
    const tables = ['users', 'api_keys', 'sessions', 'audit_log'];
    const dump = (await Promise.all(tables.map((t) => instance.sql(`SELECT t::text FROM ${t} t`)))).join('\n');
    assert.ok(dump.includes(user.email), 'the dump holds the rows');
    const logs = await instance.logs();
    for (const secret of [password, token, key, token.slice(8), key.slice(8)]) {
      assert.ok(!dump.includes(secret), 'a secret is in the database');
      assert.ok(!logs.includes(secret), 'a secret is in a log');
    }
    assert.match(dump, /\$argon2id\$/);
  });
});

describe('origins', () => {
  const port = () => new URL(instance.url).port;

  it('must be exactly ours when a session is used to change something', async () => {
    const user = await makeUser();
    const session = await signIn(user);
    const foreign = [
      undefined, 'null', '', 'http://localhost', `http://localhost:${Number(port()) + 1}`, `https://localhost:${port()}`,
      `http://preview.localhost:${port()}`, `http://x.preview.localhost:${port()}`, `http://localhost:${port()}.evil.example`,
      `http://localhost:${port()}/`, `http://evil.example#http://localhost:${port()}`, 'http://evil.example',
      `http://localhost.:${port()}`, `http://user@localhost:${port()}`,
    ];
    const calls = [
      ['POST', 'auth/logout'], ['POST', 'api-keys', { name: 'stolen' }], ['POST', 'projects', { name: 'stolen' }],
      ['POST', 'execute', { code: '1' }], ['DELETE', 'api-keys/00000000-0000-4000-8000-000000000000'],
      ['PATCH', 'projects/00000000-0000-4000-8000-000000000000', { name: 'x' }],
      ['PUT', 'projects/00000000-0000-4000-8000-000000000000/files/x'],
    ];
    for (const origin of foreign) {
      for (const [method, path, json] of calls) {
        const answer = await session.call(method, path, { json, headers: { origin } });
        assertProblem(answer, 403, { type: 'forbidden', detail: /[Oo]rigin/ }, `${method} ${path} from ${origin}`);
      }
    }
    await session.expect(200, 'GET', 'me');
    assert.equal((await session.expect(200, 'GET', 'api-keys')).json.items.length, 0);
  });

  it('of ours, by each of its names, are let through', async () => {
    const session = await signIn(await makeUser());
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      await session.expect(201, 'POST', 'api-keys',
        { json: { name: host }, headers: { origin: `http://${host}:${port()}` } });
    }
  });

  it('do not matter for reading, but no other page can read the answer', async () => {
    const session = await signIn(await makeUser());
    for (const origin of [undefined, 'https://evil.example', instance.url]) {
      const answer = await session.expect(200, 'GET', 'me', { headers: { origin } });
      assertNoCors(answer);
      assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin');
    }
  });

  it('do not matter for an API key, which no page has by itself', async () => {
    const answer = await owner.call('POST', 'users', { json: {}, headers: { origin: 'https://evil.example' } });
    assertProblem(answer, 400);
    assertNoCors(answer);
  });

  it('of others cannot sign a visitor in', async () => {
    const user = await makeUser();
    const foreign = browser({ origin: 'https://evil.example' });
    const answer = await login(user.email, PASSWORD, foreign);
    assertProblem(answer, 403, { type: 'forbidden' });
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.equal((await login(user.email, PASSWORD, browser({ origin: instance.url }))).status, 200);
  });

  it('get no leave by a preflight', async () => {
    for (const path of ['execute', 'me', 'projects', 'auth/login']) {
      const answer = await browser().call('OPTIONS', path, {
        headers: {
          origin: 'https://evil.example', 'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization, content-type',
        },
      });
      assertProblem(answer, 405, { type: 'method-not-allowed' }, path);
      assertNoCors(answer);
    }
  });

  function assertNoCors(answer) {
    const cors = Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'));
    assert.deepEqual(cors, []);
  }
});

// TLS ends somewhere before this nginx; what people see is https.
describe('behind a public https address', () => {
  const PUBLIC = 'https://build.example.com';
  let secure;
  let token;

  before(async () => {
    secure = await startInstance({ env: { SLIPWAY_PUBLIC_URL: PUBLIC, SLIPWAY_BIND: '127.0.0.1' } });
    const answer = await secure.client({ key: null }).expect(200, 'POST', 'auth/login',
      { json: { email: secure.adminEmail, password: secure.adminPassword }, headers: { origin: PUBLIC } });
    assert.deepEqual(Object.keys(answer.cookies), [COOKIE], 'no cookie that a preview beside us could set');
    token = answer.cookies[COOKIE].value;
  });
  after(() => secure?.stop());

  const visitor = (cookie, origin) => secure.client({ key: null, headers: { cookie, ...(origin && { origin }) } });

  it('only the __Host- cookie is believed', async () => {
    await visitor(`${COOKIE}=${token}`).expect(200, 'GET', 'me');
    assertProblem(await visitor(`${PLAIN_COOKIE}=${token}`).get('me'), 401);
    await visitor(`${PLAIN_COOKIE}=sws_planted; ${COOKIE}=${token}`).expect(200, 'GET', 'me');
  });

  it('only that origin is ours', async () => {
    const cookie = `${COOKIE}=${token}`;
    const port = new URL(secure.url).port;
    for (const origin of [`http://localhost:${port}`, 'http://build.example.com', `${PUBLIC}:8443`, 'https://x.build.example.com',
      'https://build.example.com.evil.example', 'https://example.com', `${PUBLIC}/`]) {
      assertProblem(await visitor(cookie, origin).post('api-keys', { name: 'x' }), 403, { type: 'forbidden' }, origin);
    }
    await visitor(cookie, PUBLIC).expect(201, 'POST', 'api-keys', { json: { name: 'x' } });
  });
});
