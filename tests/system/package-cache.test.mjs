// The package cache: what reaches the registry, how often, and what comes of it when it answers oddly or
// not at all; and npm, pnpm and both yarns behind it.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { createProject, inSandbox, startApp } from './lib/apps.mjs';
import { FakeRegistry } from './lib/package-registry.mjs';
import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';

const SHORT = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';

let registry;
let instance;
let cache; // its address

before(async () => {
  registry = await new FakeRegistry({ prefix: '/npm/all' }).listen();
  registry.add('alpha', '1.0.0');
  registry.add('@scope/beta', '2.1.0', { manifest: { dependencies: { alpha: '^1.0.0' } } });
  registry.add('semver', '7.0.0'); // what nginx-config asks for to see where tarballs are
  instance = await startInstance({ env: { SLIPWAY_NPM_REGISTRY: `${registry.url}/` } });
  const gateway = instance.env.SLIPWAY_APP_SUBNET.replace(/0\/\d+$/, '1');
  cache = `http://${gateway}:4873`;
});
after(async () => {
  await instance?.stop();
  await registry?.close();
});
afterEach(printLogsOnFailure(() => instance));
beforeEach(() => {
  registry.intercept = undefined;
  registry.headers = {};
  registry.take();
});

// A request as it is, over the cache's socket.
function ask(path, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({
      socketPath: `${instance.runDir}/nginx/cache.sock`, path, method, headers: { host: 'cache', ...headers }, agent: false, timeout: 60_000,
    }, (response) => {
      const chunks = [];
      response.on('data', (c) => chunks.push(c));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({
          status: response.statusCode, headers: response.headers, bytes, cached: response.headers['x-cache-status'],
          get json() {
            return JSON.parse(bytes.toString());
          },
        });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer to ${path}`)));
    request.on('error', reject);
    request.end(body);
  });
}

// A package no other test has asked for.
function fresh(options) {
  const name = `p${crypto.randomBytes(6).toString('hex')}`;
  registry.add(name, '1.0.0', options);
  return name;
}

// As if the metadata had been fetched long ago: the times are in the file's head (ngx_http_file_cache).
async function expire(name) {
  const old = Buffer.alloc(8);
  old.writeBigInt64LE(BigInt(Math.floor(Date.now() / 1000) - 7 * 86_400));
  const files = fs.readdirSync(`${instance.stateDir}/cache/npm`, { recursive: true })
    .map((f) => `${instance.stateDir}/cache/npm/${f}`).filter((f) => fs.statSync(f).isFile());
  const file = files.find((f) => fs.readFileSync(f).includes(`KEY: full:${name}\n`));
  assert.ok(file, `${name} is in the cache`);
  const bytes = fs.readFileSync(file);
  old.copy(bytes, 8); // valid_sec
  fs.writeFileSync(file, bytes);
  // Its memory knows better until it is started again.
  await instance.service('nginx').restart();
  await waitFor('nginx', async () => (await ask('/-/ping')).status === 200);
}

describe('what comes back', () => {
  it('metadata whose tarballs are the cache\'s own, short and full', async () => {
    for (const [accept, isShort] of [[SHORT, true], ['application/json', false], [undefined, false]]) {
      const { json, status } = await ask('/alpha', { headers: accept ? { accept } : {} });
      assert.equal(status, 200);
      assert.equal(json.versions['1.0.0'].dist.tarball, `${cache}/alpha/-/alpha-1.0.0.tgz`);
      assert.equal('readme' in json, !isShort, 'each form is kept by itself');
    }
  });

  it('a scoped package, its slash encoded or not', async () => {
    for (const path of ['/@scope%2fbeta', '/@scope%2Fbeta', '/@scope/beta']) {
      const { json } = await ask(path);
      assert.equal(json.versions['2.1.0'].dist.tarball, `${cache}/@scope/beta/-/beta-2.1.0.tgz`);
    }
    assert.equal(registry.take().length, 1);
  });

  it('tarballs byte for byte, fetched once, whatever form of their name', async () => {
    const first = await ask('/@scope/beta/-/beta-2.1.0.tgz');
    const again = await ask('/@scope%2fbeta/-/beta-2.1.0.tgz');
    assert.deepEqual(first.bytes, registry.packages.get('@scope/beta').get('2.1.0').tarball);
    assert.deepEqual(again.bytes, first.bytes);
    assert.equal(again.cached, 'HIT');
    assert.equal(registry.take().length, 1);
  });

  it('HEAD, without a body', async () => {
    const { status, bytes } = await ask('/alpha', { method: 'HEAD' });
    assert.equal(status, 200);
    assert.equal(bytes.length, 0);
  });

  it('404 for what the registry does not have, with its words', async () => {
    const { status, json } = await ask('/no-such-package');
    assert.equal(status, 404);
    assert.equal(json.error, 'not found');
  });
});

describe('what is refused, without asking the registry', () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
    it(`${method}: 405 at once`, async () => {
      const since = performance.now();
      const { status } = await ask('/-/npm/v1/security/advisories/bulk', { method, body: '{"alpha":["1.0.0"]}', headers: { 'content-length': 19 } });
      assert.equal(status, 405);
      assert.ok(performance.now() - since < 1000);
      assert.deepEqual(registry.take(), []);
    });
  }

  for (const path of ['/', '/-/v1/search?text=a', '/-/npm/v1/user', '/-/whoami', '/a/b/c', '/.git', '/alpha/-/alpha-1.0.0.tgz.sig',
    '/@scope', '/@scope/', '/alpha/../../etc/passwd/x/y', '/alpha/-/%00.tgz', '/alpha%0d%0aX-Evil:%201', '/%2e%2e/x/y/z', '/http://other.example/x.json']) {
    it(`${path}: not a package`, async () => {
      const { status } = await ask(path);
      assert.ok([400, 404].includes(status), `${status}`);
      assert.deepEqual(registry.take(), []);
    });
  }

  it('neighbours by address: the cache is for the sandboxes\' network only', async () => {
    const conf = fs.readFileSync(`${instance.stateDir}/nginx/cache.conf`, 'utf8');
    assert.match(conf, new RegExp(`allow ${instance.env.SLIPWAY_APP_SUBNET};\\s+allow unix:;\\s+deny all;`));
    await assert.rejects(fetch('http://127.0.0.1:4873/alpha', { signal: AbortSignal.timeout(2000) }));
  });
});

describe('what reaches the registry', () => {
  it('nothing of the caller: no header, no query, no body', async () => {
    const name = fresh();
    await ask(`/${name}?write=true&token=secret`, {
      body: 'a body', headers: {
        authorization: 'Bearer secret', cookie: 'session=secret', referer: 'http://secret.example/', 'user-agent': 'secret/1',
        'npm-session': 'secret', 'x-forwarded-for': '6.6.6.6', 'x-secret': 'secret', accept: 'text/secret',
        'if-none-match': '"secret"', range: 'bytes=0-1', 'content-length': 6, 'accept-encoding': 'gzip',
      },
    });
    const [{ url, headers, method, body }, ...more] = registry.take();
    assert.deepEqual(more, []);
    assert.equal(url, `/npm/all/${name}`);
    assert.equal(method, 'GET');
    assert.equal(body, '');
    assert.deepEqual(headers, {
      host: new URL(registry.url).host, accept: 'application/json, */*', 'user-agent': headers['user-agent'],
    });
    assert.doesNotMatch(headers['user-agent'], /secret/);
  });

  it('one fetch for many who wait', async () => {
    const name = fresh({ files: { 'big.bin': crypto.randomBytes(2_000_000) } });
    registry.intercept = async () => {
      await new Promise((resolve) => { setTimeout(resolve, 300); });
      return false;
    };
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(`/${name}/-/${name}-1.0.0.tgz`)));
    for (const { status, bytes } of answers) {
      assert.equal(status, 200);
      assert.ok(bytes.equals(registry.packages.get(name).get('1.0.0').tarball));
    }
    assert.equal(registry.take().length, 1);
  });

  it('a fetch goes on when the one who asked for it has gone', async () => {
    const name = fresh();
    let answer;
    const asked = new Promise((resolve) => {
      registry.intercept = async () => {
        resolve();
        await new Promise((go) => { answer = go; });
        return false;
      };
    });
    const gone = http.get({ socketPath: `${instance.runDir}/nginx/cache.sock`, path: `/${name}/-/${name}-1.0.0.tgz`, agent: false });
    gone.on('error', () => {});
    await asked;
    gone.destroy();
    answer();
    await waitFor('the tarball to be kept', async () => (await ask(`/${name}/-/${name}-1.0.0.tgz`)).cached === 'HIT');
    assert.equal(registry.take().length, 1);
  });

  it('metadata is asked for again when it is old, by its ETag', async () => {
    const name = fresh();
    await ask(`/${name}`);
    assert.equal((await ask(`/${name}`)).cached, 'HIT');
    registry.take();
    await expire(name);
    assert.equal((await ask(`/${name}`)).cached, 'REVALIDATED');
    assert.ok(registry.take()[0].headers['if-none-match']);
  });
});

describe('a registry in trouble', () => {
  const troubles = {
    'answers 500': (request, response) => response.writeHead(500).end('no'),
    'answers 503': (request, response) => response.writeHead(503).end('no'),
    'answers 429': (request, response) => response.writeHead(429).end('no'),
    'closes at once': (request) => request.socket.destroy(),
  };
  for (const [what, trouble] of Object.entries(troubles)) {
    it(`${what}: what was kept a week ago is good`, async () => {
      const name = fresh();
      await ask(`/${name}`);
      await expire(name);
      registry.intercept = (request, response) => {
        trouble(request, response);
        return true;
      };
      const { status, json, cached } = await ask(`/${name}`);
      assert.equal(status, 200);
      assert.equal(cached, 'STALE');
      assert.equal(json.name, name);
    });
  }

  it('answers no HTTP: of that nothing is kept', async () => {
    const name = fresh();
    registry.intercept = (request) => request.socket.end('ELEPHANT\r\n\r\n') && true;
    await ask(`/${name}`).catch(() => {});
    registry.intercept = undefined;
    assert.equal((await ask(`/${name}`)).json.name, name);
  });

  it('without anything kept: 502 that says why', async () => {
    registry.intercept = (request) => request.socket.destroy() && true;
    const { status, json } = await ask(`/${fresh()}`);
    assert.equal(status, 502);
    assert.match(json.error, /registry cannot be reached/);
  });

  it('a tarball that ends too early is not kept', async () => {
    const name = fresh();
    const { tarball } = registry.packages.get(name).get('1.0.0');
    registry.intercept = (request, response) => {
      response.writeHead(200, { 'content-length': tarball.length });
      response.write(tarball.subarray(0, 100), () => response.destroy());
      return true;
    };
    await ask(`/${name}/-/${name}-1.0.0.tgz`).catch(() => {});
    registry.intercept = undefined;
    assert.ok((await ask(`/${name}/-/${name}-1.0.0.tgz`)).bytes.equals(tarball));
  });

  it('a redirection is not followed', async () => {
    registry.intercept = (request, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
      return true;
    };
    const { status, headers, json } = await ask(`/${fresh()}`);
    assert.equal(status, 502);
    assert.equal(headers.location, undefined);
    assert.match(json.error, /elsewhere/);
  });

  it('headers meant for nginx or for browsers do nothing', async () => {
    const name = fresh();
    registry.headers = {
      'X-Accel-Redirect': '/-/ping', 'X-Accel-Expires': '0', 'X-Accel-Limit-Rate': '1', 'X-Accel-Buffering': 'no', 'Set-Cookie': 'a=b',
      'Cache-Control': 'no-store', Expires: '0', Vary: '*', 'Strict-Transport-Security': 'max-age=1', Refresh: '0; url=http://x', 'Alt-Svc': 'h3=":1"',
    };
    const { json, headers } = await ask(`/${name}`);
    assert.equal(json.name, name);
    for (const header of ['set-cookie', 'x-accel-redirect', 'strict-transport-security', 'refresh', 'alt-svc', 'vary']) {
      assert.equal(headers[header], undefined, header);
    }
    assert.equal((await ask(`/${name}`)).cached, 'HIT');
    assert.equal(registry.take().length, 1);
  });
});

// Lockfiles as each manager writes them, by another registry.
describe('package managers in a sandbox, each with its lockfile', () => {
  const server = "require('http').createServer((q, r) => r.end(require('@scope/beta') + ' ' + require('alpha'))).listen(process.env.PORT)";
  const manifest = (more = {}) => JSON.stringify({
    name: 'p', version: '1.0.0', scripts: { dev: 'node server.js', ...more.scripts },
    dependencies: { '@scope/beta': '^2.0.0', alpha: '^1.0.0' }, ...(more.packageManager && { packageManager: more.packageManager }),
  });
  const of = (name, version) => registry.packages.get(name).get(version);
  const elsewhere = 'https://registry.example';

  const lockfiles = {
    npm: () => registry.project({ '@scope/beta': '2.1.0', alpha: '1.0.0' }, {
      scripts: { dev: 'node server.js', postinstall: 'true' }, // keeps it from being shared
      change: ({ packages }) => {
        packages['node_modules/@scope/beta'].resolved = `${elsewhere}/@scope/beta/-/beta-2.1.0.tgz`;
        packages['node_modules/alpha'].resolved = `${elsewhere}/alpha/-/alpha-1.0.0.tgz`;
      },
    }),
    pnpm: () => ({
      'package.json': manifest(),
      'pnpm-lock.yaml': `lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false

importers:

  .:
    dependencies:
      '@scope/beta':
        specifier: ^2.0.0
        version: 2.1.0
      alpha:
        specifier: ^1.0.0
        version: 1.0.0

packages:

  '@scope/beta@2.1.0':
    resolution: {integrity: ${of('@scope/beta', '2.1.0').integrity}}

  alpha@1.0.0:
    resolution: {integrity: ${of('alpha', '1.0.0').integrity}}

snapshots:

  '@scope/beta@2.1.0':
    dependencies:
      alpha: 1.0.0

  alpha@1.0.0: {}
`,
    }),
    'yarn 1': () => ({
      'package.json': manifest(),
      'yarn.lock': `# yarn lockfile v1


"@scope/beta@^2.0.0":
  version "2.1.0"
  resolved "${elsewhere}/@scope/beta/-/beta-2.1.0.tgz#${of('@scope/beta', '2.1.0').shasum}"
  integrity ${of('@scope/beta', '2.1.0').integrity}
  dependencies:
    alpha "^1.0.0"

alpha@^1.0.0:
  version "1.0.0"
  resolved "${elsewhere}/alpha/-/alpha-1.0.0.tgz#${of('alpha', '1.0.0').shasum}"
  integrity ${of('alpha', '1.0.0').integrity}
`,
    }),
    'yarn 4': () => ({
      'package.json': manifest({ packageManager: 'yarn@4.0.0' }),
      'yarn.lock': `# This file is generated by running "yarn install" inside your project.

__metadata:
  version: 8
  cacheKey: 10c0

"@scope/beta@npm:^2.0.0":
  version: 2.1.0
  resolution: "@scope/beta@npm:2.1.0"
  dependencies:
    alpha: "npm:^1.0.0"
  languageName: node
  linkType: hard

"alpha@npm:^1.0.0":
  version: 1.0.0
  resolution: "alpha@npm:1.0.0"
  languageName: node
  linkType: hard

"p@workspace:.":
  version: 0.0.0-use.local
  resolution: "p@workspace:."
  dependencies:
    "@scope/beta": "npm:^2.0.0"
    alpha: "npm:^1.0.0"
  languageName: unknown
  linkType: soft
`,
    }),
  };

  for (const [manager, files] of Object.entries(lockfiles)) {
    it(manager, async () => {
      const project = await createProject(instance.client(), { ...files(), 'server.js': server });
      const app = await startApp(instance, project);
      assert.equal(app.state.state, 'running', JSON.stringify(app.state));
      assert.equal(app.row.tree_key, '');
      assert.equal(await inSandbox(instance, app.row, "process.stdout.write(require('@scope/beta') + ' ' + require('alpha'))"), '@scope/beta@2.1.0 alpha@1.0.0');
      assert.ok(registry.take().every((r) => r.method === 'GET' && !('npm-session' in r.headers)));
    });
  }
});
