// Exports: archives that every unpacker takes, and that cost nobody else anything.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { assertProblem } from './lib/client.mjs';
import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';

const run = promisify(execFile);
const MIB = 1024 * 1024;

// What the archive holds, read by Python's own modules: [{name, mode, time, sha256}…].
const READ_ZIP = `
import hashlib, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    print(json.dumps([{"name": i.filename, "mode": "%o" % (i.external_attr >> 16), "utf8": bool(i.flag_bits & 0x800),
        "sha256": hashlib.sha256(z.read(i)).hexdigest()} for i in z.infolist()]))`;
const READ_TAR = `
import hashlib, json, sys, tarfile
with tarfile.open(sys.argv[1]) as t:
    print(json.dumps([{"name": m.name, "mode": "%o" % m.mode, "time": m.mtime, "type": m.type.decode(),
        "sha256": hashlib.sha256(t.extractfile(m).read()).hexdigest()} for m in t]))`;

let instance;
let owner;
let directory;

before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-export-'));
  instance = await startInstance();
  owner = instance.client();
});
after(async () => {
  await instance?.stop();
  fs.rmSync(directory, { recursive: true, force: true });
});
afterEach(printLogsOnFailure(() => instance));

async function create(name) {
  const { json } = await owner.expect(201, 'POST', 'projects', { json: { name } });
  return { ...json, at: `projects/${json.id}` };
}

async function write(project, files) {
  const changes = Object.entries(files).map(([p, content]) => ({ op: 'write', path: p, content }));
  for (let i = 0; i < changes.length; i += 500) {
    await owner.expect(201, 'POST', `${project.at}/changes`, { json: { changes: changes.slice(i, i + 500) } });
  }
}

async function list(script, bytes) {
  const file = path.join(directory, randomBytes(4).toString('hex'));
  fs.writeFileSync(file, bytes);
  const { stdout } = await run('python3', ['-c', script, file], { maxBuffer: 16 * MIB });
  fs.rmSync(file);
  return JSON.parse(stdout);
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

// The answer's head, with its body not read yet.
function begin(project, query = '') {
  return new Promise((resolve, reject) => {
    http.get(`${instance.url}/api/v1/${project.at}/export${query}`, {
      headers: owner.headers, agent: false, highWaterMark: 1024,
    }, resolve).on('error', reject);
  });
}

// A project of `n` files of 10 MiB that no compression makes smaller.
async function heavy(n) {
  const project = await create('Heavy');
  const hashes = [];
  for (let i = 0; i < n; i += 1) {
    const body = randomBytes(10 * MIB);
    hashes.push(sha256(body));
    await owner.expect(201, 'PUT', `${project.at}/files/${i}.bin`, { body });
  }
  return { ...project, hashes };
}

// Requests to export that have ended, from the workers' log.
async function ended() {
  return (await instance.logs('api', 1000)).split('\n').filter((line) => line.includes('"event":"request"') && line.includes('/export"'));
}

describe('an export', () => {
  it('holds every file in both formats, and is always the same', async () => {
    const project = await create('My App');
    const files = { 'package.json': '{}', 'src/größe 日本.js': '1', 'empty': '', 'a/b/c/d.txt': 'deep\n'.repeat(1000) };
    for (let i = 0; i < 1996; i += 1) {
      files[`many/${i % 20}/${i}.txt`] = `file ${i}\n`;
    }
    await write(project, files);
    await owner.expect(200, 'GET', project.at);
    const { version } = (await owner.expect(200, 'GET', project.at)).json;
    const wanted = Object.fromEntries(Object.entries(files).map(([p, text]) => [`${project.slug}/${p}`, sha256(text)]));

    const zip = await owner.expect(200, 'GET', `${project.at}/export`);
    assert.equal(zip.headers['content-type'], 'application/zip');
    assert.equal(zip.headers['content-disposition'], `attachment; filename="${project.slug}-v${version}.zip"`);
    const entries = await list(READ_ZIP, zip.bytes);
    assert.deepEqual(Object.fromEntries(entries.map((f) => [f.name, f.sha256])), wanted);
    assert.equal(entries.length, 2000);
    assert.deepEqual([...new Set(entries.map((f) => f.mode))], ['100644']);
    assert.ok(entries.find((f) => f.name.includes('größe')).utf8);

    const tar = await owner.expect(200, 'GET', `${project.at}/export?format=tar.gz&version=${version}`);
    assert.equal(tar.headers['content-type'], 'application/gzip');
    assert.equal(tar.headers['content-disposition'], `attachment; filename="${project.slug}-v${version}.tar.gz"`);
    const members = await list(READ_TAR, tar.bytes);
    assert.deepEqual(Object.fromEntries(members.map((f) => [f.name, f.sha256])), wanted);
    const made = (await owner.expect(200, 'GET', `${project.at}/versions/${version}`)).json.created_at;
    assert.deepEqual([...new Set(members.map((f) => f.time))], [Math.floor(Date.parse(made) / 1000)]);

    await write(project, { 'package.json': '{"changed":true}' });
    for (const [format, first] of [['zip', zip], ['tar.gz', tar]]) {
      const again = await owner.expect(200, 'GET', `${project.at}/export?format=${format}&version=${version}`);
      assert.ok(again.bytes.equals(first.bytes), format);
    }
  });

  it('keeps what may be executed', async () => {
    const { json } = await owner.expect(201, 'POST', 'projects', { json: {} });
    const project = { ...json, at: `projects/${json.id}` };
    await write(project, { 'run.sh': '#!/bin/sh\n' });
    await instance.psql(`UPDATE version_files SET mode = 493 WHERE project_id = '${project.id}'`);
    const entries = await list(READ_ZIP, (await owner.expect(200, 'GET', `${project.at}/export`)).bytes);
    assert.deepEqual(entries.map((f) => f.mode), ['100755']);
  });

  it('is refused in plain words', async () => {
    const project = await create('Nothing');
    assertProblem(await owner.call('GET', `${project.at}/export`), 422, { detail: /no files/ });
    await write(project, { a: '1' });
    assertProblem(await owner.call('GET', `${project.at}/export?format=7z`), 400, { detail: /zip or tar\.gz/ });
    assertProblem(await owner.call('GET', `${project.at}/export?version=2`), 404);
    const bob = (await instance.createUser()).client;
    assertProblem(await bob.call('GET', `${project.at}/export`), 404);
    const head = await owner.expect(200, 'HEAD', `${project.at}/export`);
    assert.equal(head.headers['content-type'], 'application/zip');
    assert.equal(head.bytes.length, 0);
  });

  it('of 80 MiB holds no worker for a client that does not read', async () => {
    const project = await heavy(8);
    const had = (await ended()).length;
    const slow = await begin(project);
    const [line] = (await waitFor('the worker to be done', async () => {
      const lines = await ended();
      return lines.length > had && lines;
    }, { ms: 100_000 })).slice(had);
    const entry = JSON.parse(line.slice(line.indexOf('{')));
    assert.equal(entry.client_gone, false, line);
    assert.ok(entry.bytes_out > 80 * MIB, line);
    const pieces = [];
    for await (const piece of slow) {
      pieces.push(piece);
    }
    assert.deepEqual((await list(READ_ZIP, Buffer.concat(pieces))).map((f) => f.sha256), project.hashes);
  });

  it('takes disk while it is read, so one address has no more than four', async () => {
    const project = await heavy(2); // more than what lies in the kernel's buffers
    const slow = [];
    while (slow.length < 4) {
      const answer = await begin(project);
      if (answer.statusCode === 200) {
        slow.push(answer);
      } else {
        assert.equal(answer.statusCode, 429); // two of one user are being made
        answer.resume();
      }
    }
    await waitFor('the limit of the address', async () => {
      const answer = await owner.call('GET', `${project.at}/export`);
      return /from this address/.test(assertProblem(answer, 429).detail);
    });
    slow.forEach((answer) => answer.destroy());
    await waitFor('a place', async () => (await owner.call('GET', `${project.at}/export`)).status === 200);
  });

  it('ends with its client', async () => {
    const project = await heavy(6);
    const had = (await ended()).length;
    const answer = await begin(project, '?format=tar.gz');
    answer.destroy();
    const [line] = (await waitFor('the worker to notice', async () => {
      const lines = await ended();
      return lines.length > had && lines;
    })).slice(had);
    const entry = JSON.parse(line.slice(line.indexOf('{')));
    assert.equal(entry.client_gone, true, line);
    assert.ok(entry.bytes_out < 60 * MIB, line);
  });
});
