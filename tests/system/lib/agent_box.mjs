// A sandbox container around the agent, with the limits of the script profile (or with `app: true` those
// of the app profile; without a network, if none is given), and a plain client for the agent protocol
// (docs/ARCHITECTURE.md).

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const IMAGE = process.env.SLIPWAY_TEST_IMAGE ?? 'custom-node-sandbox:latest';
const LABEL = 'slipway.test=agent';
const FRAME = { 1: 'stdout', 2: 'stderr', 3: 'started', 4: 'listening', 5: 'exit', 6: 'queued' };

export const docker = async (...args) => (await exec('docker', args)).stdout.trim();

// Looks each `every` ms; 0: as fast as it can, where a time is measured.
export function until(what, probe, ms = 10_000, every = 10) {
  const end = Date.now() + ms;
  const step = async () => {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => (every ? setTimeout(resolve, every) : setImmediate(resolve)));
    return step();
  };
  return step();
}

// Server-Sent Events, as far as they are complete.
export function parseEvents(text) {
  return text.split('\n\n').slice(0, -1).filter((block) => !block.startsWith(':')).map((block) => {
    const fields = Object.fromEntries(block.split('\n').map((line) => {
      const [, name, value] = /^(\w+): ?(.*)$/.exec(line);
      return [name, value];
    }));
    return { id: fields.id && Number(fields.id), event: fields.event, data: JSON.parse(fields.data) };
  });
}

// Frames out of pieces of any size.
class Frames {
  #pending = Buffer.alloc(0);

  feed(piece, onFrame) {
    this.#pending = Buffer.concat([this.#pending, piece]);
    while (this.#pending.length >= 5) {
      const len = this.#pending.readUInt32BE(1);
      if (this.#pending.length < 5 + len) break;
      const type = FRAME[this.#pending[0]];
      assert.ok(type, `frame type ${this.#pending[0]}`);
      const payload = this.#pending.subarray(5, 5 + len);
      onFrame(type, type.startsWith('std') ? Buffer.from(payload) : JSON.parse(payload));
      this.#pending = this.#pending.subarray(5 + len);
    }
  }

  get idle() {
    return this.#pending.length === 0;
  }
}

// One run under way: events as they come, and `done` with everything at the end.
class Run {
  events = [];
  #waiters = [];

  constructor(box, body) {
    this.id = body.id;
    this.done = new Promise((resolve, reject) => {
      this.request = box.open('POST', '/v1/runs', JSON.stringify(body), {}, (response) => {
        this.response = response;
        this.#read(response, resolve, reject);
      });
      this.request.on('error', (e) => (this.aborted ? resolve(this) : reject(e)));
    });
  }

  #read(response, resolve, reject) {
    const frames = new Frames();
    const pieces = [];
    this.status = response.statusCode;
    response.on('data', (piece) => {
      pieces.push(piece);
      if (this.status === 200) frames.feed(piece, (type, data) => this.#on(type, data));
    });
    response.on('error', (e) => (this.aborted ? resolve(this) : reject(e)));
    response.on('end', () => {
      if (this.status !== 200) this.problem = JSON.parse(Buffer.concat(pieces));
      this.whole = frames.idle;
      resolve(this);
    });
  }

  #on(type, data) {
    this.events.push({ type, data, at: Date.now() });
    this.#waiters = this.#waiters.filter((w) => !w());
  }

  // The first event `match` likes, past or to come.
  event(match, ms = 10_000) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no such event within ${ms} ms`)), ms);
      const look = () => {
        const found = this.events.find(match);
        if (found) {
          clearTimeout(timer);
          resolve(found);
        }
        return Boolean(found);
      };
      if (!look()) this.#waiters.push(look);
    });
  }

  abort() {
    this.aborted = true;
    this.request.destroy();
  }

  bytes(type) {
    return Buffer.concat(this.events.filter((e) => e.type === type).map((e) => e.data));
  }

  get stdout() {
    return this.bytes('stdout').toString();
  }

  get stderr() {
    return this.bytes('stderr').toString();
  }

  get exit() {
    return this.events.find((e) => e.type === 'exit')?.data;
  }

  get listening() {
    return this.events.find((e) => e.type === 'listening')?.data;
  }
}

export class Box {
  static async start(options = {}) {
    const box = new Box();
    await box.#make(options);
    return box;
  }

  async #make({ app = false, runsMax = 1, queue = 8, pids = app ? 256 : 64, diskMb = app ? 256 : 64,
    memory = app ? '1024m' : '512m', network = 'none', env = {}, args = [], ready = true }) {
    this.uid = 400_000 + randomInt(100_000);
    this.name = `slipway-agent-test-${randomUUID().slice(0, 8)}`;
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-agent-'));
    this.workspace = path.join(this.dir, 'workspace');
    this.sockets = path.join(this.dir, 'sockets');
    this.socket = path.join(this.sockets, 'agent.sock');
    fs.mkdirSync(this.workspace);
    fs.mkdirSync(this.sockets, { mode: 0o750 });
    this.#mountDisk(diskMb);
    if (app) {
      const home = path.join(this.dir, 'home');
      fs.mkdirSync(home);
      fs.chownSync(home, this.uid, this.uid);
      env = { SLIPWAY_HOME: '/home/app', ...env };
      args = ['--mount', `type=bind,source=${home},target=/home/app`, ...args];
    }
    const settings = {
      SLIPWAY_SANDBOX_ID: this.name, SLIPWAY_UID: this.uid, SLIPWAY_RUNS_MAX: runsMax,
      SLIPWAY_RUN_QUEUE: queue, SLIPWAY_LISTEN: 'unix:/run/slipway/agent.sock', ...env,
    };
    await docker(
      'create', '--name', this.name, '--label', LABEL, '--network', network, '--ipc', 'private',
      '--read-only', '--cap-drop', 'ALL', '--cap-add', 'SETUID', '--cap-add', 'SETGID',
      '--cap-add', 'KILL', '--security-opt', 'no-new-privileges:true',
      '--pids-limit', String(pids), '--memory', memory, '--memory-swap', memory, '--cpus', '1',
      '--tmpfs', '/tmp:rw,nosuid,nodev,mode=1777,size=64m',
      '--mount', `type=bind,source=${this.workspace},target=/workspace`,
      '--mount', `type=bind,source=${this.sockets},target=/run/slipway`,
      ...Object.entries(settings).flatMap(([k, v]) => ['--env', `${k}=${v}`]), ...args, IMAGE,
    );
    await docker('start', this.name);
    const started = Date.now();
    if (!ready) return;
    await until('the agent answers', () => this.health().catch(() => null), 10_000, 0);
    this.readyMs = Date.now() - started;
  }

  // A small ext4 of its own, as sandboxd makes it, so that it can be full.
  #mountDisk(mb) {
    const image = path.join(this.dir, 'disk.img');
    fs.closeSync(fs.openSync(image, 'w'));
    fs.truncateSync(image, mb * 1024 * 1024);
    execFileSync('mkfs.ext4', ['-q', '-E', `root_owner=${this.uid}:${this.uid}`, image]);
    execFileSync('mount', ['-o', 'loop,nosuid,nodev', image, this.workspace]);
  }

  async stop() {
    const log = (await exec('docker', ['logs', this.name]).catch(() => ({ stderr: '' }))).stderr;
    await docker('rm', '-f', this.name).catch(() => {});
    execFileSync('umount', [this.workspace]);
    fs.rmSync(this.dir, { recursive: true });
    return log;
  }

  open(method, target, body, headers, onResponse) {
    const sized = body !== undefined && !('transfer-encoding' in headers);
    const request = http.request({
      socketPath: this.socket, method, path: target, agent: false,
      headers: sized ? { 'content-length': Buffer.byteLength(body), ...headers } : headers,
    }, onResponse);
    request.end(body);
    return request;
  }

  call(method, target, body, headers = {}) {
    return new Promise((resolve, reject) => {
      let answered = false;
      const request = this.open(method, target, body, headers, (response) => {
        answered = true;
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(pieces);
          const json = response.headers['content-type'] === 'application/json';
          resolve({ status: response.statusCode, headers: response.headers, bytes,
            json: json ? JSON.parse(bytes) : null });
        });
      });
      // A refused body may be cut off; the answer counts.
      request.on('error', (e) => answered || reject(e));
    });
  }

  async health() {
    return (await this.call('GET', '/v1/health')).json;
  }

  // The app's state, and the calls that change it.
  async app() {
    return (await this.call('GET', '/v1/app')).json;
  }

  startApp(body = {}) {
    return this.call('POST', '/v1/app/start', JSON.stringify(body));
  }

  stopApp() {
    return this.call('POST', '/v1/app/stop', '');
  }

  // Waits until the app is in one of `states`.
  async appIs(states, ms = 20_000) {
    const wanted = [states].flat();
    let state;
    await until(`the app is ${wanted.join(' or ')}`, async () => {
      state = await this.app();
      return wanted.includes(state.state);
    }, ms).catch((e) => { throw new Error(`${e.message}: ${JSON.stringify(state)}`); });
    return state;
  }

  // The files of a workspace, by one call each.
  async write(files) {
    for (const [name, content] of Object.entries(files)) {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      assert.equal((await this.call('PUT', `/v1/files/${name}`, text)).status, 204, name);
    }
  }

  // What the log holds, as [{id, event, data}].
  async appLog(query = '') {
    const { bytes } = await this.call('GET', `/v1/app/logs?follow=0${query}`);
    return parseEvents(bytes.toString());
  }

  begin(body) {
    return new Run(this, { id: randomUUID(), timeout_ms: 10_000, ...body });
  }

  run(body) {
    return this.begin(body).done;
  }

  // Runs a shell script.
  sh(script, more = {}) {
    return this.run({ argv: ['sh', '-c', script], ...more });
  }

  node(code, more = {}) {
    return this.run({ argv: ['node', 'main.js'], write: [{ path: 'main.js', content: code }], ...more });
  }

  // Names of the processes in the container, as the host sees them; zombies too.
  async processes() {
    const out = await docker('top', this.name, '-eo', 'pid,stat,comm');
    return out.split('\n').slice(1).map((line) => line.trim().split(/\s+/)[2]);
  }

  async assertNothingRuns() {
    await until('only the agent is left', async () => {
      const names = await this.processes();
      return names.length === 1 && names[0].startsWith('slipway-agent');
    });
  }
}
