// A sandboxd of its own: private instance name, directories, PostgreSQL cluster and sandbox image.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { testLane } from './test-lane.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const BUILD = path.resolve(ROOT, process.env.BUILD_DIR ?? 'build/release');
export const IMAGE = process.env.SLIPWAY_TEST_IMAGE ?? 'slipway-sandboxd-test:latest';
const ANSWER_MS = 60_000;
const LOG_LINES_SHOWN = 60;

export function run(command, args, options = {}) {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

// Like run, but "" when the command fails: for asking about what may not be there.
export function ask(command, args) {
  try {
    return run(command, args);
  } catch {
    return '';
  }
}

// Looks until `what` gives something truthy. The only waiting these tests do.
export async function until(what, explanation, deadline_ms = 15_000) {
  const end = performance.now() + deadline_ms;
  for (;;) {
    const found = await what();
    if (found) {
      return found;
    }
    assert.ok(performance.now() < end, `not within ${deadline_ms} ms: ${explanation}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

export const NOTHING = { containers: [], mounts: [], loops: [], images: [], directories: [] };

export function mountOptions(target) {
  const line = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n').find((l) => l.split(' ')[1] === target);
  return { type: line.split(' ')[2], options: line.split(' ')[3].split(',') };
}

export function callSocket(socketPath, method, target, body) {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = http.request({
      socketPath, method, path: target, agent: false, timeout: ANSWER_MS,
      headers: payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) },
    }, (response) => {
      const chunks = [];
      response.on('data', (c) => chunks.push(c));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode, text,
          get json() {
            return text === '' ? null : JSON.parse(text);
          },
        });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer to ${method} ${target}`)));
    request.on('error', reject);
    request.end(payload);
  });
}

function postgresBin(name) {
  const versions = fs.readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
  return `/usr/lib/postgresql/${versions[0]}/bin/${name}`;
}

export class Cluster {
  constructor(dir) {
    this.dir = dir;
    this.data = path.join(dir, 'data');
  }

  #asPostgres(args) {
    return run('runuser', ['-u', 'postgres', '--', ...args], { cwd: '/' });
  }

  create() {
    fs.mkdirSync(this.dir, { mode: 0o755 });
    run('chown', ['postgres', this.dir]);
    this.#asPostgres([postgresBin('initdb'), '-D', this.data, '--auth=trust', '-U', 'postgres', '--no-sync']);
    this.start();
    run('psql', ['-qh', this.dir, '-U', 'postgres', '-c', 'CREATE DATABASE slipway']);
    run('psql', ['-qh', this.dir, '-U', 'postgres', 'slipway', '-v', 'ON_ERROR_STOP=1',
      ...fs.readdirSync(path.join(ROOT, 'migrations')).sort().flatMap((f) => ['-f', path.join(ROOT, 'migrations', f)])]);
  }

  start() {
    this.#asPostgres([postgresBin('pg_ctl'), '-D', this.data, '-w', '-l', path.join(this.dir, 'log'), '-o',
      `-k ${this.dir} -c listen_addresses='' -c fsync=off -c max_connections=60`, 'start']);
  }

  stop() {
    this.#asPostgres([postgresBin('pg_ctl'), '-D', this.data, '-w', '-m', 'immediate', 'stop']);
  }

  get url() {
    return `host=${this.dir} dbname=slipway user=postgres`;
  }

  // Whoever is about to write this phase into a row waits until the function it returns is called.
  async holdPhase(phase) {
    this.query(`CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
      CREATE TRIGGER hold BEFORE UPDATE ON sandboxes FOR EACH ROW WHEN (NEW.phase = '${phase}') EXECUTE FUNCTION hold()`);
    const session = spawn('psql', ['-qAtXh', this.dir, '-U', 'postgres', 'slipway', '-v', 'ON_ERROR_STOP=1'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => { session.on('exit', resolve); });
    session.stdin.write("SELECT pg_advisory_lock(1), 'held';\n");
    await new Promise((resolve) => { session.stdout.once('data', resolve); });
    return async () => {
      session.stdin.end();
      await ended;
      this.query('DROP TRIGGER hold ON sandboxes; DROP FUNCTION hold');
    };
  }

  // How many sessions wait for a lock.
  waiting() {
    return Number(this.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0][0]);
  }

  // Rows as arrays of strings.
  query(sql) {
    const text = run('psql', ['-qAtXh', this.dir, '-F', '\t', '-U', 'postgres', 'slipway', '-v', 'ON_ERROR_STOP=1', '-c', sql]);
    return text.split('\n').filter((line) => line !== '').map((line) => line.split('\t'));
  }
}

export class SandboxdFixture {
  constructor() {
    this.tag = `t${crypto.randomBytes(4).toString('hex')}`;
    this.state = fs.mkdtempSync(path.join(os.tmpdir(), `slipway-${this.tag}-`));
    this.run = `/run/slipway-${this.tag}`;
    this.db = new Cluster(path.join(this.state, 'pg'));
    this.children = new Set();
    this.log = [];
    // Beside other instances: a network and ports of its own.
    const [net, ports] = [...crypto.randomBytes(2)].map(testLane);
    this.subnet = `10.215.${net}.0/24`;
    this.gateway = `10.215.${net}.1`;
    this.portBase = 21_000 + 40 * ports;
    const hash = crypto.createHash('sha256').update(this.tag).digest('hex').slice(0, 8);
    this.bridge = `slw${hash}`;
    this.chains = { forward: `SLW-F-${hash}`, input: `SLW-I-${hash}` };
  }

  get socket() {
    return `${this.run}/broker/sandboxd.sock`;
  }

  environment(settings = {}) {
    return {
      ...process.env, SLIPWAY_INSTANCE: this.tag, SLIPWAY_STATE_DIR: this.state, SLIPWAY_RUN_DIR: this.run,
      SLIPWAY_SANDBOX_IMAGE: IMAGE, DATABASE_URL: this.db.url, SLIPWAY_LOG_LEVEL: 'debug',
      SLIPWAY_APP_SUBNET: this.subnet, SLIPWAY_PORT_BASE: String(this.portBase), SLIPWAY_PORT_COUNT: '40',
      ...settings,
    };
  }

  #arguments(extra) {
    return ['--image-dir', path.join(ROOT, 'sandbox-image'), '--agent', path.join(BUILD, 'slipway-agent'), ...extra];
  }

  create() {
    fs.chmodSync(this.state, 0o755);
    run(path.join(ROOT, 'scripts/accounts'), []);
    this.db.create();
    this.ensureImage();
  }

  // The image of these tests, made of the programs under test.
  ensureImage() {
    return run(path.join(BUILD, 'slipway-sandboxd'), this.#arguments(['--ensure-image']), { env: this.environment() });
  }

  // Starts it and waits until it serves. Returns the process.
  async start(settings = {}) {
    const child = spawn(path.join(BUILD, 'slipway-sandboxd'), this.#arguments([]), {
      env: this.environment(settings), stdio: ['ignore', 'ignore', 'pipe'],
    });
    let pending = '';
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text) => {
      const lines = (pending + text).split('\n');
      pending = lines.pop();
      this.log.push(...lines);
    });
    child.ended = new Promise((resolve) => {
      child.on('exit', (code, signal) => resolve({ code, signal }));
    });
    this.children.add(child);
    void child.ended.then(() => this.children.delete(child));
    this.child = child;
    await until(() => child.exitCode !== null || this.answers(), 'sandboxd serves');
    assert.equal(child.exitCode, null, `sandboxd ended: ${this.lastLog()}`);
    return child;
  }

  // A daemon with the usual settings and no sandboxes: a test that failed must not fail the next.
  async clean() {
    if (!this.children.has(this.child)) {
      await this.start();
    }
    for (const [id] of this.db.query('SELECT id FROM sandboxes')) {
      await this.call('DELETE', `/v1/sandboxes/${id}`);
    }
  }

  async restart(settings = {}) {
    const { code } = await this.end();
    assert.equal(code, 0, this.lastLog());
    return this.start(settings);
  }

  async answers() {
    try {
      return (await callSocket(this.socket, 'GET', '/v1/health')).status === 200;
    } catch {
      return false;
    }
  }

  async end(signal = 'SIGTERM') {
    this.child.kill(signal);
    return this.child.ended;
  }

  // Ends it with its sandboxes and removes everything of this instance.
  async destroy() {
    for (const child of this.children) {
      child.kill('SIGKILL');
      await child.ended;
    }
    for (const id of this.containers()) {
      ask('docker', ['rm', '-f', id]);
    }
    for (const m of this.mounts().reverse()) {
      ask('umount', ['-l', m]);
    }
    try {
      run(path.join(BUILD, 'slipway-sandboxd'), ['--remove-network'], { env: this.environment() });
    } catch (e) {
      process.stderr.write(`${e.stderr ?? e.message}\n`);
    }
    try {
      this.db.stop();
    } catch {
      // it was never started, or a test stopped it
    }
    fs.rmSync(this.run, { recursive: true, force: true });
    fs.rmSync(this.state, { recursive: true, force: true });
  }

  lastLog() {
    return this.log.slice(-LOG_LINES_SHOWN).join('\n');
  }

  events(name) {
    return this.log.filter((l) => l.startsWith('{')).map((l) => JSON.parse(l)).filter((l) => l.event === name);
  }

  call(method, target, body) {
    return callSocket(this.socket, method, target, body);
  }

  async expect(status, method, target, body) {
    const answer = await this.call(method, target, body);
    assert.equal(answer.status, status, `${method} ${target}: ${JSON.stringify(answer.json)}\n${this.lastLog()}`);
    return answer.json;
  }

  user() {
    const name = crypto.randomBytes(6).toString('hex');
    return this.db.query(`INSERT INTO users (email, role) VALUES ('${name}@example.com', 'member') RETURNING id`)[0][0];
  }

  project(user) {
    const slug = `p${crypto.randomBytes(6).toString('hex')}`;
    this.db.query(`INSERT INTO slugs (slug) VALUES ('${slug}')`);
    return this.db.query(`INSERT INTO projects (user_id, slug, name) VALUES ('${user}', '${slug}', 'x') RETURNING id`)[0][0];
  }

  ensure(user, project = null) {
    return this.expect(200, 'POST', '/v1/sandboxes/ensure', { user_id: user, project_id: project, profile: project ? 'app' : 'script' });
  }

  // The project's next version: {path: text}.
  version(user, project, files) {
    const [[n]] = this.db.query(`UPDATE projects SET head_version = head_version + 1 WHERE id = '${project}' RETURNING head_version`);
    const hex = (text) => Buffer.from(text).toString('hex');
    const sha = (text) => crypto.createHash('sha256').update(text).digest('hex');
    const size = Object.values(files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    this.db.query([
      ...Object.values(files).map((text) => `INSERT INTO blobs (sha256, bytes) VALUES ('${sha(text)}', '\\x${hex(text)}') ON CONFLICT DO NOTHING`),
      `INSERT INTO versions (project_id, n, kind, author_id, file_count, size_bytes)
        VALUES ('${project}', ${n}, 'edit', '${user}', ${Object.keys(files).length}, ${size})`,
      ...Object.entries(files).map(([name, text]) => `INSERT INTO version_files (project_id, n, path, sha256, size_bytes, changed_in)
        VALUES ('${project}', ${n}, '${name}', '${sha(text)}', ${Buffer.byteLength(text)}, ${n})`),
    ].join(';\n'));
    return Number(n);
  }

  startApp(user, project, restart = false) {
    return this.expect(202, 'POST', '/v1/apps/start', { user_id: user, project_id: project, restart });
  }

  row(id) {
    const columns = ['desired_state', 'actual_state', 'container_id', 'hydrated_version', 'error', 'host_uid', 'port', 'phase', 'relay_secret', 'tree_key'];
    const row = this.db.query(`SELECT ${columns.join(', ')} FROM sandboxes WHERE id = '${id}'`)[0];
    return row && Object.fromEntries(columns.map((c, i) => [c, row[i]]));
  }

  containers() {
    return ask('docker', ['ps', '-aq', '--no-trunc', '--filter', `label=slipway.instance=${this.tag}`]).split('\n').filter(Boolean);
  }

  inspect(box) {
    return JSON.parse(run('docker', ['inspect', `slipway-${this.tag}-${box.id}`]))[0];
  }

  mounts() {
    return fs.readFileSync('/proc/self/mounts', 'utf8').split('\n').map((l) => l.split(' ')[1])
      .filter((m) => m?.startsWith(`${this.run}/`));
  }

  loops() {
    return fs.readdirSync('/sys/block').filter((d) => d.startsWith('loop')).filter((d) => {
      try {
        return fs.readFileSync(`/sys/block/${d}/loop/backing_file`, 'utf8').startsWith(this.state);
      } catch {
        return false;
      }
    });
  }

  images() {
    return fs.readdirSync(`${this.state}/disks`).filter((f) => !f.startsWith('template-'));
  }

  // What does not fit together: things without a row that is running, rows at work nobody does.
  inconsistencies() {
    const rows = new Map(this.db.query('SELECT id, actual_state FROM sandboxes').map(([id, state]) => [id, state]));
    const up = (id) => rows.get(id) === 'running';
    const { images, mounts, directories } = this.leftovers();
    const labelled = ask('docker', ['ps', '-a', '--filter', `label=slipway.instance=${this.tag}`, '--format',
      '{{.Label "slipway.sandbox"}}']).split('\n').filter(Boolean);
    return [
      ...[...rows].filter(([, state]) => !['running', 'stopped', 'failed'].includes(state)).map(([id, state]) => `${state} row ${id}`),
      ...[...rows].filter(([id]) => up(id) && !labelled.includes(id)).map(([id]) => `running row without container ${id}`),
      ...labelled.filter((id) => !up(id)).map((id) => `container ${id}`),
      ...mounts.map((m) => path.basename(m)).filter((id) => !up(id)).map((id) => `mount ${id}`),
      ...directories.filter((id) => !up(id)).map((id) => `directory ${id}`),
      ...images.filter((f) => !rows.has(f.replace(/\.img$/, ''))).map((f) => `image ${f}`),
      ...this.loops().length > [...rows].filter(([id]) => up(id)).length ? ['loop device'] : [],
    ];
  }

  // Until everything fits together.
  async settled(deadline_ms = 20_000) {
    let left;
    await until(() => {
      left = this.inconsistencies();
      return left.length === 0;
    }, 'everything fits together', deadline_ms).catch((e) => {
      throw new Error(`${e.message}\n${left.join('\n')}\n${this.lastLog()}`);
    });
  }

  workspace(box) {
    return `${this.run}/disks/${box.id}`;
  }

  // What the host holds of sandboxes, for comparing with nothing.
  leftovers() {
    return {
      containers: this.containers(), mounts: this.mounts(), loops: this.loops(), images: this.images(),
      directories: [...fs.readdirSync(`${this.run}/disks`), ...fs.readdirSync(`${this.run}/sandboxes`)],
    };
  }
}
