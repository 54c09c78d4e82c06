// GET /api/v1/openapi.json describes what is really served.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { API, Client, assertProblem } from './lib/client.mjs';
import { ROOT, startInstance } from './lib/instance.mjs';

// What the contract promises (docs/API.md); "-" where no sign-in is wanted, "owner" where only one may.
const CONTRACT = `
  POST   /auth/login -
  POST   /auth/logout
  GET    /me
  POST   /me/password
  GET    /users owner
  POST   /users owner
  GET    /users/{id} owner
  PATCH  /users/{id} owner
  DELETE /users/{id} owner
  GET    /api-keys
  POST   /api-keys
  DELETE /api-keys/{id}
  POST   /execute
  GET    /projects
  POST   /projects
  GET    /projects/{id}
  PATCH  /projects/{id}
  DELETE /projects/{id}
  POST   /projects/{id}/undelete
  GET    /projects/{id}/export
  POST   /projects/{id}/generate
  GET    /projects/{id}/generations
  GET    /projects/{id}/generations/{gid}
  GET    /projects/{id}/generations/{gid}/events
  POST   /projects/{id}/generations/{gid}/cancel
  GET    /projects/{id}/files
  GET    /projects/{id}/files/{path}
  PUT    /projects/{id}/files/{path}
  DELETE /projects/{id}/files/{path}
  POST   /projects/{id}/changes
  GET    /projects/{id}/search
  POST   /projects/{id}/execute
  GET    /projects/{id}/versions
  GET    /projects/{id}/versions/{n}
  GET    /projects/{id}/versions/{a}/diff/{b}
  POST   /projects/{id}/versions/{n}/restore
  POST   /projects/{id}/start
  POST   /projects/{id}/stop
  POST   /projects/{id}/restart
  GET    /projects/{id}/status
  GET    /projects/{id}/logs
  GET    /projects/{id}/terminal
  POST   /projects/{id}/preview-tickets
  GET    /previews/{slug}/open
  GET    /projects/{id}/shares
  POST   /projects/{id}/shares
  GET    /projects/{id}/shares/{sid}
  PATCH  /projects/{id}/shares/{sid}
  DELETE /projects/{id}/shares/{sid}
  GET    /templates
  GET    /models
  GET    /openapi.json -
`.trim().split('\n').map((line) => {
  const [method, path, auth] = line.trim().split(/\s+/);
  return { method, path: API + path, auth };
});

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'];

let instance;
let owner;
let document;
let project;

before(async () => {
  instance = await startInstance();
  owner = new Client(instance.url, { key: instance.key });
  document = (await owner.expect(200, 'GET', 'openapi.json')).json;
  project = (await owner.expect(201, 'POST', 'projects', { json: { name: 'described' } })).json.id;
});
after(() => instance?.stop());

function operations() {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((m) => item[m]).map((m) => ({ path, method: m.toUpperCase(), op: item[m] })));
}

// Parameters named alike in two contracts' spelling are the same: /versions/{n}, /versions/{version}.
const shape = (path) => path.replace(/\{[^}]*\}/g, '{}');

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
function address(path, id = UNKNOWN) {
  return path.replace('/projects/{id}', `/projects/${id}`)
    .replace(/\{(id|gid|sid)\}/g, UNKNOWN).replace('{slug}', 'no-such-0123456789').replace(/\{(n|a|b)\}/g, '1').replace('{path}', 'a/b.txt');
}

function resolve(ref) {
  assert.match(ref, /^#\//);
  return ref.slice(2).split('/').reduce((at, name) => at?.[name], document);
}

function checkSchema(schema, where) {
  assert.equal(typeof schema, 'object', where);
  if (schema.$ref) {
    assert.ok(resolve(schema.$ref), `${where}: ${schema.$ref} leads nowhere`);
    return;
  }
  for (const [i, part] of (schema.anyOf ?? []).entries()) {
    checkSchema(part, `${where}.anyOf[${i}]`);
  }
  if (schema.type !== undefined) {
    for (const type of [schema.type].flat()) {
      assert.ok(TYPES.includes(type), `${where}: type ${type}`);
    }
  }
  for (const [low, high] of [['minimum', 'maximum'], ['minLength', 'maxLength'], ['minItems', 'maxItems']]) {
    assert.ok((schema[low] ?? -Infinity) <= (schema[high] ?? Infinity), `${where}: ${low} above ${high}`);
  }
  if (schema.enum) {
    assert.ok(schema.enum.length > 0 && new Set(schema.enum).size === schema.enum.length, where);
  }
  for (const name of schema.required ?? []) {
    assert.ok(schema.properties?.[name], `${where}: required ${name} is no property`);
  }
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    checkSchema(part, `${where}.${name}`);
  }
  if (schema.items) {
    checkSchema(schema.items, `${where}[]`);
  }
}

function checkContent(content, where) {
  assert.ok(Object.keys(content).length > 0, where);
  for (const [type, media] of Object.entries(content)) {
    assert.match(type, /^[a-z]+\/[a-z0-9.+-]+$/, where);
    if (media.schema) {
      checkSchema(media.schema, `${where} ${type}`);
    }
  }
}

describe('the document', () => {
  it('is OpenAPI 3.1, served to anybody as JSON', async () => {
    const answer = await new Client(instance.url).expect(200, 'GET', 'openapi.json');
    assert.match(answer.headers['content-type'], /^application\/json/);
    assert.match(document.openapi, /^3\.1\.\d+$/);
    assert.ok(document.info.title && /^\d+\.\d+/.test(document.info.version));
    assert.ok(document.servers.every((s) => typeof s.url === 'string'));
    const allowed = ['openapi', 'info', 'jsonSchemaDialect', 'servers', 'paths', 'webhooks', 'components', 'security',
      'tags', 'externalDocs'];
    assert.deepEqual(Object.keys(document).filter((k) => !allowed.includes(k)), []);
  });

  it('describes each operation wholly', () => {
    const ids = new Set();
    for (const { path, method, op } of operations()) {
      const where = `${method} ${path}`;
      assert.match(path, /^\/[^?#]*$/, where);
      assert.match(op.operationId, /^[A-Za-z][A-Za-z0-9_]*$/, where);
      assert.ok(!ids.has(op.operationId), `${where}: operationId ${op.operationId} twice`);
      ids.add(op.operationId);
      assert.ok(op.summary?.length > 4, where);
      const statuses = Object.keys(op.responses);
      assert.ok(statuses.some((s) => /^(2\d\d|101|303)$/.test(s)), `${where}: no success`);
      assert.ok(statuses.every((s) => /^([1-5]\d\d|[1-5]XX|default)$/.test(s)), where);
      for (const [status, response] of Object.entries(op.responses)) {
        assert.ok(response.description?.length > 0, `${where} ${status}`);
        if (response.content) {
          checkContent(response.content, `${where} ${status}`);
        }
      }
      assert.ok(op.responses.default?.content?.['application/problem+json'], `${where}: no problem+json`);
    }
  });

  it('describes each parameter, and no other', () => {
    for (const { path, method, op } of operations()) {
      const where = `${method} ${path}`;
      const named = [...path.matchAll(/\{([^}]+)\}/g)].map((m) => m[1]);
      const parameters = op.parameters ?? [];
      assert.deepEqual(parameters.filter((p) => p.in === 'path').map((p) => p.name).sort(), named.sort(), where);
      for (const p of parameters) {
        assert.ok(['path', 'query', 'header', 'cookie'].includes(p.in), where);
        assert.ok(p.in !== 'path' || p.required === true, `${where}: ${p.name} must be required`);
        checkSchema(p.schema, `${where} ${p.name}`);
      }
      const keys = parameters.map((p) => `${p.in} ${p.name}`);
      assert.equal(new Set(keys).size, keys.length, `${where}: a parameter twice`);
    }
  });

  it('describes each body', () => {
    for (const { path, method, op } of operations()) {
      const where = `${method} ${path}`;
      if (method === 'GET' || method === 'DELETE') {
        assert.equal(op.requestBody, undefined, where);
      } else if (op.requestBody) {
        checkContent(op.requestBody.content, where);
      }
    }
  });

  it('names security schemes that it defines', () => {
    const schemes = document.components.securitySchemes;
    for (const scheme of Object.values(schemes)) {
      assert.ok(['http', 'apiKey', 'oauth2', 'openIdConnect', 'mutualTLS'].includes(scheme.type));
    }
    const used = [document.security, ...operations().map(({ op }) => op.security)].flat().filter(Boolean);
    for (const requirement of used) {
      for (const name of Object.keys(requirement)) {
        assert.ok(schemes[name], `no security scheme ${name}`);
      }
    }
    for (const schema of Object.values(document.components.schemas)) {
      checkSchema(schema, 'components');
    }
  });
});

describe('the contract', () => {
  for (const { method, path } of CONTRACT) {
    it(`has ${method} ${path}`, () => {
      assert.ok(operations().some((o) => o.method === method && shape(o.path) === shape(path)));
    });
  }

  it('has /healthz and /readyz outside /api/v1', () => {
    for (const path of ['/healthz', '/readyz']) {
      assert.ok(document.paths[path]?.get, path);
    }
  });
});

describe('docs/API.md', () => {
  const text = (path) => fs.readFileSync(`${ROOT}/${path}`, 'utf8');

  it('names every call', () => {
    const docs = text('docs/API.md');
    for (const { method, path } of operations()) {
      const call = `${method} ${path === `${API}/openapi.json` ? path : path.replace(API, '')}`;
      assert.ok(docs.includes(`\`${call}\``), call);
    }
  });

  it('names every type of problem, with its status', () => {
    const docs = text('docs/API.md');
    const sources = ['fcgi-app/http/problem.c', 'fcgi-app/http/edge.c', 'fcgi-app/janitor.c'].map(text).join('\n');
    const types = new Set([...sources.matchAll(/\/problems\/([a-z-]+)/g)].map((m) => m[1]));
    const [, map] = /map \$status \$problem_type \{([^}]*)\}/.exec(text('nginx/problem-texts.conf.in'));
    for (const [, status, type] of map.matchAll(/(\w+) ([a-z-]+);/g)) {
      types.add(type);
      assert.ok(status === 'default' || docs.includes(`| \`/problems/${type}\` | ${status} |`), `${type} ${status}`);
    }
    for (const type of types) {
      assert.match(docs, new RegExp(`^\\| \`/problems/${type}\` \\| \\d{3} \\|`, 'm'));
    }
  });
});

describe('what is described', () => {
  it('is routed', async () => {
    for (const { path, method } of operations().filter((o) => o.path !== '/metrics')) {
      for (const m of method === 'GET' ? ['GET', 'HEAD'] : [method]) {
        const answer = await owner.call(m, address(path));
        assert.notEqual(answer.status, 405, `${m} ${path}`);
        assert.ok(answer.status < 500, `${m} ${path} → ${answer.status} ${answer.text.slice(0, 300)}`);
        if (m !== 'HEAD' && answer.status === 404) {
          assert.doesNotMatch(answer.json.detail, /at this address/, `${m} ${path}`);
        }
      }
    }
    assertProblem(await owner.get('there/is/no/such/route'), 404, { detail: /at this address/ });
  });

  it('wants a sign-in exactly where it says so', async () => {
    const stranger = new Client(instance.url, { from: '127.2.0.1' });
    const open = operations().filter(({ op }) => op.security?.length === 0 && op.operationId);
    for (const { path, method } of operations().filter((o) => o.path !== '/metrics')) {
      const answer = await stranger.call(method, address(path), { json: method === 'GET' ? undefined : {} });
      if (open.some((o) => o.path === path && o.method === method)) {
        assert.notEqual(answer.status, 401, `${method} ${path}`);
      } else {
        assertProblem(answer, 401, { type: 'unauthenticated' }, `${method} ${path}`);
      }
    }
    const promised = CONTRACT.filter((c) => c.auth === '-').map((c) => `${c.method} ${c.path}`);
    const described = open.filter((o) => o.path.startsWith(API)).map((o) => `${o.method} ${o.path}`);
    assert.deepEqual(described.sort(), promised.sort());
  });

  it('is all that is taken: other methods are 405 with the right Allow', async () => {
    for (const [path, item] of Object.entries(document.paths)) {
      if (path === '/metrics') {
        continue;
      }
      const there = METHODS.filter((m) => item[m]).map((m) => m.toUpperCase());
      const allowed = there.includes('GET') ? [...there, 'HEAD'] : there;
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((m) => !there.includes(m))) {
        const answer = await owner.call(method, address(path, project));
        assertProblem(answer, 405, { type: 'method-not-allowed' }, `${method} ${path}`);
        assert.deepEqual(answer.headers.allow.split(', ').sort(), [...allowed].sort(), `${method} ${path}`);
      }
    }
  });

  it('is all of a body that is taken: other fields are refused by name', async () => {
    for (const { path, method, op } of operations()) {
      const schema = op.requestBody?.content['application/json']?.schema;
      if (!schema) {
        continue;
      }
      assert.equal(schema.additionalProperties, false, `${method} ${path}`);
      // A path that needs more than a project is looked up before its body is read.
      if (/\{(gid|sid|n)\}|\/(users|api-keys)\/\{id\}/.test(path)) {
        continue;
      }
      const client = path.endsWith('/auth/login') ? new Client(instance.url) : owner;
      const answer = await client.call(method, address(path, project), { json: { 'no-such-field': 1 } });
      assertProblem(answer, 400, { detail: /no-such-field|is missing/ }, `${method} ${path}`);
      for (const name of schema.required ?? []) {
        const whole = Object.fromEntries(schema.required.map((n) => [n, sample(schema.properties[n])]));
        delete whole[name];
        const missing = await client.call(method, address(path, project), { json: whole });
        assertProblem(missing, 400, { detail: new RegExp(`"${name}" is missing`) }, `${method} ${path}`);
      }
    }
  });

  function sample(schema) {
    const plain = schema.anyOf?.[0] ?? schema;
    switch (plain.type) {
      case 'string': return plain.enum?.[0] ?? 'sample-text-1';
      case 'integer': return plain.minimum ?? 1;
      case 'boolean': return false;
      default: return {};
    }
  }
});
