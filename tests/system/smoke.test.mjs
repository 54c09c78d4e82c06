// The whole chain once: nginx, workers, sandboxd, an agent in a real container, PostgreSQL.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Client, assertProblem } from './lib/client.mjs';
import { printLogsOnFailure, startInstance } from './lib/instance.mjs';

let instance;
let owner;

before(async () => {
  instance = await startInstance();
  owner = instance.client();
});
after(() => instance?.stop());
afterEach(printLogsOnFailure(() => instance));

async function collect(events) {
  const all = [];
  for await (const event of events) {
    all.push(event);
  }
  return all;
}

describe('an installation', () => {
  it('is alive and ready, and says so of each dependency', async () => {
    const alive = await instance.client({ key: null }).expect(200, 'GET', '/healthz');
    assert.equal(alive.json.status, 'alive');
    const ready = await instance.client({ key: null }).expect(200, 'GET', '/readyz');
    for (const name of ['postgresql', 'sandboxd', 'docker', 'image']) {
      assert.equal(ready.json.dependencies[name].ok, true, `${name}: ${ready.text}`);
    }
  });

  it('lets its first owner sign in with the password in the file', async () => {
    const answer = await instance.client({ key: null }).expect(200, 'POST', 'auth/login', {
      json: { email: instance.adminEmail, password: instance.adminPassword },
    });
    const [name, cookie] = Object.entries(answer.cookies)[0];
    const me = await new Client(instance.url, { headers: { cookie: `${name}=${cookie.value}` } })
      .expect(200, 'GET', 'me');
    assert.equal(me.json.email, instance.adminEmail);
  });

  it('shows a page at / that links what there is', async () => {
    const page = await instance.client({ key: null }).expect(200, 'GET', '/');
    assert.match(page.headers['content-type'], /^text\/html/);
    assert.match(page.headers['content-security-policy'], /default-src 'none'/);
    for (const [, href] of page.text.matchAll(/href="([^"]+)"/g)) {
      await instance.client({ key: null }).expect(200, 'GET', href);
    }
  });

  it('keeps /metrics to itself', async () => {
    assertProblem(await owner.get('/metrics'), 404);
  });
});

describe('running code', () => {
  it('answers what it printed', async () => {
    const { json } = await owner.expect(200, 'POST', 'execute', { json: { code: 'console.log(1+1)' } });
    assert.equal(json.output, '2\n');
    assert.equal(json.error, '');
    assert.equal(json.exit_code, 0);
    assert.equal(json.timed_out, false);
  });

  it('streams it as it happens', async () => {
    const code = "console.log('one'); console.error('two'); process.exitCode = 3";
    const events = await collect(instance.sse('execute', { json: { code } }));
    const text = (type) => events.filter((e) => e.type === type).map((e) => e.data.text ?? e.data.data ?? e.data).join('');
    assert.match(text('stdout'), /one/);
    assert.match(text('stderr'), /two/);
    assert.equal(events.at(-1).type, 'exit');
    assert.equal(events.at(-1).data.exit_code, 3);
  });

  it('ends an endless loop at its limit', async () => {
    const { json } = await owner.expect(200, 'POST', 'execute', { json: { code: 'for(;;);', timeout_ms: 500 } });
    assert.equal(json.timed_out, true);
  });
});

describe('building', () => {
  it('goes from a prompt through a version to running output', async () => {
    const project = (await owner.expect(201, 'POST', 'projects', { json: { name: 'Smoke' } })).json;
    const events = await collect(
      instance.sse(`projects/${project.id}/generate`, { json: { prompt: 'Create a simple express server' } }),
    );
    const types = new Set(events.map((e) => e.type));
    for (const type of ['generation', 'message', 'file', 'version', 'step', 'output', 'done']) {
      assert.ok(types.has(type), `${type} is among ${[...types].join(' ')}`);
    }
    assert.ok(!types.has('error'), JSON.stringify(events.filter((e) => e.type === 'error')));
    const ids = events.map((e) => Number(e.id));
    assert.deepEqual(ids, ids.map((_, i) => i + 1), 'ids count up from 1');

    const after = (await owner.expect(200, 'GET', `projects/${project.id}`)).json;
    assert.ok(after.version >= 1);
    const tree = (await owner.expect(200, 'GET', `projects/${project.id}/files`)).json;
    assert.ok(tree.items.length > 0);
  });
});
