// An npm registry with packages made up by the test, which remembers every request it got.

import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

const SHORT = 'application/vnd.npm.install-v1+json';

const base = (name) => name.split('/').at(-1);

function pack(name, version, manifest, files) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-package-'));
  try {
    const all = { 'index.js': `module.exports = '${name}@${version}';\n`, ...files,
      'package.json': JSON.stringify({ name, version, main: 'index.js', ...manifest }) };
    for (const [file, content] of Object.entries(all)) {
      fs.mkdirSync(path.dirname(path.join(dir, 'package', file)), { recursive: true });
      fs.writeFileSync(path.join(dir, 'package', file), content, { mode: 0o755 });
    }
    return execFileSync('tar', ['-C', dir, '-czf', '-', 'package'], { maxBuffer: 256 * 1024 * 1024 });
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

export class FakeRegistry {
  constructor({ prefix = '' } = {}) {
    this.prefix = prefix; // registries may live beneath a path
    this.packages = new Map();
    this.requests = [];
    this.headers = {}; // added to every answer
    this.intercept = undefined; // (request, response) => true when it has answered; may be async
    this.server = http.createServer((request, response) => {
      this.#serve(request, response).catch((e) => response.destroy(e));
    });
  }

  // `manifest`: more of package.json. Returns the version as a lockfile has it.
  add(name, version = '1.0.0', { manifest = {}, files = {} } = {}) {
    const tarball = pack(name, version, manifest, files);
    const integrity = `sha512-${crypto.createHash('sha512').update(tarball).digest('base64')}`;
    const shasum = crypto.createHash('sha1').update(tarball).digest('hex');
    if (!this.packages.has(name)) {
      this.packages.set(name, new Map());
    }
    this.packages.get(name).set(version, { manifest, tarball, integrity, shasum });
    return integrity;
  }

  async listen() {
    await new Promise((resolve) => { this.server.listen(0, '127.0.0.1', resolve); });
    this.url = `http://127.0.0.1:${this.server.address().port}${this.prefix}`;
    return this;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => { this.server.close(resolve); });
  }

  // What was asked for since the last call.
  take() {
    return this.requests.splice(0);
  }

  #packument(name, short) {
    const versions = this.packages.get(name);
    return {
      name,
      'dist-tags': { latest: [...versions.keys()].at(-1) },
      versions: Object.fromEntries([...versions].map(([version, v]) => [version, {
        name, version, main: 'index.js', ...v.manifest,
        ...(v.manifest.scripts?.postinstall || v.manifest.scripts?.install ? { hasInstallScript: true } : {}),
        dist: { tarball: `${this.url}/${name}/-/${base(name)}-${version}.tgz`, integrity: v.integrity, shasum: v.shasum },
      }])),
      ...(short ? { modified: '2026-01-01T00:00:00.000Z' } : { readme: 'All there is to say.', time: {} }),
    };
  }

  async #serve(request, response) {
    let body = '';
    for await (const piece of request) {
      body += piece;
    }
    this.requests.push({ method: request.method, url: request.url, headers: request.headers, body });
    if (await this.intercept?.(request, response)) {
      return;
    }
    for (const [name, value] of Object.entries(this.headers)) {
      response.setHeader(name, value);
    }
    const target = decodeURIComponent(request.url).slice(this.prefix.length + 1);
    const tarball = /^(.+)\/-\/.+?-(\d+\.\d+\.\d+[^/]*)\.tgz$/.exec(target);
    const found = tarball && this.packages.get(tarball[1])?.get(tarball[2]);
    if (found) {
      response.setHeader('content-type', 'application/octet-stream');
      response.end(found.tarball);
    } else if (this.packages.has(target)) {
      const short = request.headers.accept?.includes(SHORT) ?? false;
      const text = JSON.stringify(this.#packument(target, short));
      response.setHeader('content-type', short ? SHORT : 'application/json');
      response.setHeader('etag', `"${crypto.createHash('sha1').update(text).digest('hex')}"`);
      if (request.headers['if-none-match'] === response.getHeader('etag')) {
        response.writeHead(304).end();
      } else {
        response.end(text);
      }
    } else {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    }
  }

  #entry(name, version, more) {
    const v = this.packages.get(name).get(version);
    const { scripts, dependencies, optionalDependencies, bin, bundleDependencies } = v.manifest;
    return {
      version, integrity: v.integrity,
      ...(dependencies && { dependencies }), ...(optionalDependencies && { optionalDependencies }),
      ...(bin && { bin }), ...(bundleDependencies && { bundleDependencies }),
      ...(scripts?.postinstall && { hasInstallScript: true }), ...more,
    };
  }

  // The two files of a project that wants these packages: {name: version}. `others` are in the lockfile
  // without being asked for; `change` may spoil what came out.
  project(wanted, { others = {}, scripts = {}, change, ...manifest } = {}) {
    const entries = Object.entries({ ...wanted, ...others })
      .map(([name, version]) => [`node_modules/${name}`, this.#entry(name, version)]);
    const packageJson = { name: 'p', version: '1.0.0', scripts, dependencies: wanted, ...manifest };
    const lock = {
      name: 'p', version: '1.0.0', lockfileVersion: 3, requires: true,
      packages: { '': { name: 'p', version: '1.0.0', dependencies: wanted }, ...Object.fromEntries(entries) },
    };
    change?.(lock, packageJson);
    return { 'package.json': JSON.stringify(packageJson, null, 2), 'package-lock.json': JSON.stringify(lock, null, 2) };
  }
}
