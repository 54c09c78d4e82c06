// A private installation of Slipway, made by the same scripts as a real one: its own state and run
// directory, database cluster, port and container labels. Several can stand side by side.

import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

import { Client, parseEvents } from './client.mjs';
import { testLane } from './test-lane.mjs';

const run = promisify(execFile);

export const ROOT = path.resolve(import.meta.dirname, '../../..');
const STATE_PREFIX = '/var/lib/slipway-test-';
const UP_MS = 240_000;
const DOWN_MS = 120_000;
const MAX_OUTPUT = 64 * 1024 * 1024;

// Scripts and programs get nothing of the caller's environment: a key in it must not decide a test.
function cleanEnv(extra = {}) {
  return { PATH: process.env.PATH, HOME: '/root', LANG: 'C.UTF-8', NO_COLOR: '1', ...extra };
}

// Polls `check` until it returns something true; its last error goes into the message.
export async function waitFor(what, check, { ms = 60_000, every = 50 } = {}) {
  const deadline = performance.now() + ms;
  for (;;) {
    let last;
    try {
      const value = await check();
      if (value) {
        return value;
      }
    } catch (e) {
      last = e;
    }
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${ms} ms${last ? ` (${last.message})` : ''}`);
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

// A port nobody has right now.
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// When a process started, in clock ticks since boot; undefined when there is none (or only a zombie).
export function startTime(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

// Numbers of the live processes that satisfy test({pid, argv, cwd, ppid}).
export function processes(test) {
  const found = [];
  for (const name of fs.readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name) || startTime(name) === undefined) {
      continue;
    }
    try {
      const argv = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').filter(Boolean);
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
      const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      let cwd = '';
      try {
        cwd = fs.readlinkSync(`/proc/${name}/cwd`);
      } catch {
        // a kernel thread
      }
      const process = { pid: Number(name), argv, cwd, ppid };
      if (test(process)) {
        found.push(process);
      }
    } catch {
      // it ended meanwhile
    }
  }
  return found;
}

// The editor that was built with these programs, or else the one of `make editor`.
function editorBeside(build) {
  const beside = path.join(path.dirname(build), 'editor');
  return fs.existsSync(`${beside}/index.html`) ? beside : `${ROOT}/build/editor`;
}

// A network and host ports for its apps that no other test of this machine is likely to have.
function appNetwork() {
  const [a, b, byte] = randomBytes(3);
  const c = testLane(byte);
  return {
    SLIPWAY_APP_SUBNET: `10.${216 + (a % 32)}.${b}.0/24`,
    SLIPWAY_PORT_BASE: String(21000 + 40 * c),
    SLIPWAY_PORT_COUNT: '40',
  };
}

// Interface names end at 15 bytes.
const bridgeOf = (stateDir) => `slw${path.basename(stateDir).replace('slipway-test-', '')}`;

const living = new Set();
const scripts = new Set(); // that run right now

// A Docker that was killed leaves its root mounted on itself, and layers in it. Innermost first.
function unmountBeneath(directory) {
  const targets = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((target) => target.startsWith(`${directory}/`));
  for (const target of targets.reverse()) {
    spawnSync('umount', ['--lazy', target], { stdio: 'ignore' });
  }
}

// A file system of its own for a state directory that shall fill up.
const diskOf = (stateDir) => `${stateDir}.img`;

function mountDisk(stateDir, mib) {
  fs.closeSync(fs.openSync(diskOf(stateDir), 'w'));
  fs.truncateSync(diskOf(stateDir), mib * 1024 * 1024);
  execFileSync('mkfs.ext4', ['-q', '-m', '0', '-E', 'nodiscard', diskOf(stateDir)]);
  execFileSync('mount', ['-o', 'loop', diskOf(stateDir), stateDir]);
}

function removeState(stateDir) {
  spawnSync('ip', ['link', 'delete', bridgeOf(stateDir)], { stdio: 'ignore' });
  unmountBeneath(stateDir);
  if (fs.existsSync(diskOf(stateDir))) {
    spawnSync('umount', [stateDir], { stdio: 'ignore' });
    fs.rmSync(diskOf(stateDir));
  }
  fs.rmSync(stateDir, { recursive: true, force: true });
}

// The last word, also when a test throws or is interrupted: nothing of ours stays. What cannot be
// stopped keeps its state directory, by which removeAbandoned finds it.
function removeSync(stateDir, env) {
  if (fs.existsSync(`${stateDir}/slipway.env`)) {
    const down = spawnSync(`${ROOT}/scripts/instance`, ['down'], { env, timeout: DOWN_MS, encoding: 'utf8' });
    if (down.status !== 0) {
      process.stderr.write(`${stateDir} is left: ${down.stdout}${down.stderr}\n`);
      return;
    }
  }
  removeState(stateDir);
}
process.on('exit', () => {
  for (const script of scripts) {
    script.kill('SIGKILL');
  }
  for (const instance of living) {
    removeSync(instance.stateDir, instance.env);
  }
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(1));
}

// What a test run that was killed outright has left: its owner is gone.
export function removeAbandoned() {
  const parent = path.dirname(STATE_PREFIX);
  for (const name of fs.readdirSync(parent)) {
    const stateDir = path.join(parent, name);
    if (!stateDir.startsWith(STATE_PREFIX)) {
      continue;
    }
    let owner;
    try {
      owner = fs.readFileSync(`${stateDir}/owner`, 'utf8').split(' ');
    } catch {
      continue; // being made just now, or made by hand
    }
    if (owner.length !== 2) {
      continue; // being written just now
    }
    if (startTime(owner[0]) === owner[1]) {
      continue;
    }
    try {
      removeSync(stateDir, cleanEnv({ SLIPWAY_STATE_DIR: stateDir }));
    } catch (e) {
      process.stderr.write(`${stateDir} is left: ${e.message}\n`); // no reason to fail another test
    }
  }
}

class Service {
  constructor(instance, name) {
    this.instance = instance;
    this.name = name;
  }

  // The process the supervisor watches, or undefined while there is none.
  get pid() {
    try {
      const text = fs.readFileSync(`${this.instance.stateDir}/supervise/${this.name}/supervise/pid`, 'utf8').trim();
      return text && startTime(text) !== undefined ? Number(text) : undefined;
    } catch {
      return undefined;
    }
  }

  // Its children, such as workers.
  get children() {
    const parent = this.pid;
    return processes((p) => p.ppid === parent).map((p) => p.pid);
  }

  kill(signal = 'SIGKILL') {
    process.kill(this.pid, signal);
  }

  // down, and stays down until start()
  async stop() {
    await this.#sv('-w', '30', 'force-stop');
  }

  async start() {
    await this.#sv('up');
  }

  async restart() {
    await this.stop();
    await this.start();
  }

  #sv(...args) {
    return run('sv', [...args, `${this.instance.stateDir}/supervise/${this.name}`], { env: cleanEnv() });
  }
}

class Instance {
  constructor(stateDir, port, settings) {
    this.stateDir = stateDir;
    this.name = path.basename(stateDir).toLowerCase(); // as container labels want it
    this.runDir = `/run/${this.name}`;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    const build = path.resolve(ROOT, process.env.SLIPWAY_TEST_BUILD ?? 'build/release');
    this.env = cleanEnv({
      SLIPWAY_STATE_DIR: stateDir,
      SLIPWAY_RUN_DIR: this.runDir,
      SLIPWAY_INSTANCE: this.name,
      SLIPWAY_PORT: String(port),
      SLIPWAY_LOG_LEVEL: 'debug',
      ...appNetwork(),
      SLIPWAY_SANDBOX_IMAGE: process.env.SLIPWAY_TEST_IMAGE ?? 'custom-node-sandbox:latest',
      BUILD_DIR: build,
      EDITOR_DIR: editorBeside(build),
      ...(process.env.SLIPWAY_TEST_IMAGE && { SLIPWAY_SANDBOX_IMAGE: process.env.SLIPWAY_TEST_IMAGE }),
      ...settings,
    });
  }

  get apiKey() {
    return fs.readFileSync(`${this.stateDir}/api-key`, 'utf8').trim();
  }

  get key() {
    return this.apiKey;
  }

  adminEmail = 'owner@localhost';

  get adminPassword() {
    return fs.readFileSync(`${this.stateDir}/admin-password`, 'utf8').trim();
  }

  // scripts/instance VERB; its output, or an error that carries it.
  script(verb, args = [], { ms = UP_MS, env = this.env } = {}) {
    return new Promise((resolve, reject) => {
      const child = spawn(`${ROOT}/scripts/instance`, [verb, ...args], {
        env, stdio: ['ignore', 'pipe', 'pipe'],
      });
      scripts.add(child);
      let output = '';
      const timer = setTimeout(() => child.kill('SIGTERM'), ms);
      child.stdout.on('data', (piece) => (output += piece));
      child.stderr.on('data', (piece) => (output += piece));
      child.on('error', reject);
      // 'exit', not 'close': whatever else may hold the pipe is not waited for.
      child.on('exit', (code, signal) => {
        scripts.delete(child);
        clearTimeout(timer);
        if (code === 0) {
          resolve(output);
        } else {
          reject(Object.assign(new Error(`instance ${verb}: status ${code ?? signal}\n${output}`), { code, output }));
        }
      });
    });
  }

  prepare() {
    return this.script('prepare');
  }

  up() {
    return this.script('up');
  }

  down() {
    return this.script('down', [], { ms: DOWN_MS });
  }

  // Starts this installation's own dockerd, as deploy.sh does where none answers, and gives it the
  // images of the shared one, so that nothing has to be pulled or built.
  async startOwnDocker() {
    const socket = this.env.SLIPWAY_DOCKER_SOCKET;
    await run(`${ROOT}/scripts/docker-up`, [`${this.stateDir}/slipway.env`], { env: this.env });
    const base = await run('docker', ['image', 'ls', '-q', 'node:22-bookworm-slim']);
    const images = [base.stdout ? 'node:22-bookworm-slim' : 'slipway-base:22', this.env.SLIPWAY_SANDBOX_IMAGE];
    await run('sh', ['-c', 'docker save "$2" "$3" | docker -H "unix://$1" load', 'sh', socket, ...images]);
  }

  // Settings of a dockerd that touches nothing of the host's own. It needs a bridge of its own: told
  // to use none, it deletes docker0, whoever that belongs to.
  static ownDockerSettings(stateDir) {
    const runDir = `/run/${path.basename(stateDir)}`;
    spawnSync('ip', ['link', 'add', bridgeOf(stateDir), 'type', 'bridge']);
    return {
      SLIPWAY_DOCKER_SOCKET: `${runDir}/docker.sock`,
      DOCKERD_FLAGS: [
        `--data-root ${stateDir}/docker`, `--exec-root ${runDir}/docker`, `--bridge ${bridgeOf(stateDir)}`,
        '--iptables=false', '--ip6tables=false', '--ip-masq=false', '--ip-forward=false', '--group root',
      ].join(' '),
    };
  }

  // A caller with the owner's key, or with another, or with none (key: null).
  client({ key = this.apiKey, ...options } = {}) {
    return new Client(this.url, { ...options, key: key ?? undefined });
  }

  api(pathname, { method, ...options } = {}) {
    const hasBody = options.json !== undefined || options.body !== undefined;
    return this.client().call(method ?? (hasBody ? 'POST' : 'GET'), pathname, options);
  }

  // The events of a streaming call as they come.
  async *sse(pathname, { method = 'POST', json, key = this.apiKey, headers = {}, signal } = {}) {
    const answer = await fetch(this.url + (pathname.startsWith('/') ? pathname : `/api/v1/${pathname}`), {
      method,
      body: json === undefined ? undefined : JSON.stringify(json),
      headers: {
        authorization: `Bearer ${key}`, accept: 'text/event-stream',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers,
      },
      signal,
    });
    if (answer.status !== 200) {
      throw Object.assign(new Error(`${method} ${pathname}: ${answer.status} ${await answer.text()}`), {
        status: answer.status,
      });
    }
    const decoder = new TextDecoder();
    let pending = '';
    for await (const bytes of answer.body) {
      pending += decoder.decode(bytes, { stream: true });
      const end = pending.lastIndexOf('\n\n');
      if (end >= 0) {
        yield* parseEvents(pending.slice(0, end + 2));
        pending = pending.slice(end + 2);
      }
    }
    yield* parseEvents(pending);
  }

  // A new user with a key of their own: {id, email, password, key, client}.
  async createUser({ role = 'member' } = {}) {
    const email = `user-${randomBytes(6).toString('hex')}@example.com`;
    const password = randomBytes(12).toString('hex');
    const user = (await this.client().expect(201, 'POST', 'users', { json: { email, password, role } })).json;
    // Each from an address of its own: nginx counts logins by address.
    const from = `127.${randomBytes(3).map((b) => 1 + (b % 254)).join('.')}`;
    const login = await new Client(this.url, { from }).expect(200, 'POST', 'auth/login', {
      json: { email, password },
    });
    const [name, cookie] = Object.entries(login.cookies)[0];
    const { key } = (await new Client(this.url, {
      from, headers: { cookie: `${name}=${cookie.value}`, origin: this.url },
    }).expect(201, 'POST', 'api-keys', { json: { name: 'test' } })).json;
    return { ...user, email, password, key, client: this.client({ key }) };
  }

  // Rows as psql prints them: a line each, columns between "|".
  async psql(sql) {
    const versions = fs.readdirSync('/usr/lib/postgresql').sort((a, b) => a - b);
    const { stdout } = await run(`/usr/lib/postgresql/${versions.at(-1)}/bin/psql`, [
      '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', `${this.runDir}/postgres`, '-U', 'postgres', '-d', 'slipway', '-c', sql,
    ], { env: cleanEnv(), maxBuffer: MAX_OUTPUT });
    return stdout.trimEnd();
  }

  sql(sql) {
    return this.psql(sql);
  }

  service(name) {
    return new Service(this, name);
  }

  // What /readyz says, asked behind any limit: {status, body}.
  async ready() {
    const { stdout } = await run('curl', [
      '-s', '-m', '5', '-w', '\n%{http_code}', '--unix-socket', `${this.runDir}/nginx/local.sock`, 'http://localhost/readyz',
    ]);
    const split = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(split + 1)), body: JSON.parse(stdout.slice(0, split)) };
  }

  waitReady(ms = 60_000) {
    return waitFor(`${this.name} ready`, async () => (await this.ready()).status === 200, { ms });
  }

  docker(...args) {
    const socket = this.env.SLIPWAY_DOCKER_SOCKET ?? '/var/run/docker.sock';
    return run('docker', ['-H', `unix://${socket}`, ...args], { env: cleanEnv() }).then((r) => r.stdout.trim());
  }

  // Ids of this installation's containers, running or not.
  async containers({ running = false } = {}) {
    const ids = await this.docker('ps', running ? '-q' : '-aq', '--no-trunc', '--filter', `label=slipway.instance=${this.name}`);
    return ids.split('\n').filter(Boolean);
  }

  // What belongs together: containers, rows, mounts and loop devices. Names what nobody owns.
  async orphans() {
    const rows = (await this.psql("SELECT id || ' ' || coalesce(container_id, '') || ' ' || actual_state FROM sandboxes"))
      .split('\n').filter(Boolean).map((line) => line.split(' '));
    const ids = new Set(rows.map(([id]) => id));
    const owned = new Set(rows.map(([, container]) => container));
    const there = new Set(await this.containers({ running: true }));
    const found = [...there].filter((id) => !owned.has(id)).map((id) => `container ${id}`);
    for (const [id, container, state] of rows) {
      if (state === 'running' && !there.has(container)) {
        found.push(`row ${id} says running, its container ${container} does not`);
      }
    }
    for (const point of this.mounts()) {
      const id = /\/(?:disks|sandboxes)\/([0-9a-f-]{36})$/.exec(point)?.[1];
      if (id && !ids.has(id)) {
        found.push(`mount ${point}`);
      }
    }
    const disks = this.mounts().filter((point) => point.includes('/disks/')).length;
    const loops = (await this.loops()).length;
    if (loops !== disks) {
      found.push(`${loops} loop devices for ${disks} mounted disks`);
    }
    return found;
  }

  // Mount points beneath its run directory.
  mounts() {
    return fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
      .map((line) => line.split(' ')[4])
      .filter((point) => point?.startsWith(`${this.runDir}/`));
  }

  // Loop devices on its disk images.
  async loops() {
    const { stdout } = await run('losetup', ['--list', '--noheadings', '--output', 'NAME,BACK-FILE']);
    return stdout.split('\n').filter((line) => line.includes(`${this.stateDir}/disks/`));
  }

  // The logs of one service or of all.
  logs(service, lines = 100_000) {
    return this.script('logs', ['-n', String(lines), ...(service ? [service] : [])]);
  }

  async printLogs(lines = 60) {
    process.stderr.write(`\n===== logs of ${this.name}\n${await this.logs(undefined, lines).catch((e) => e.message)}\n`);
  }

  async stop() {
    if (process.env.SLIPWAY_TEST_KEEP) {
      process.stderr.write(`kept: ${this.stateDir} at ${this.url}\n`);
      living.delete(this);
      fs.rmSync(`${this.stateDir}/owner`, { force: true });
      return;
    }
    try {
      await this.down();
    } finally {
      living.delete(this);
      removeState(this.stateDir);
    }
  }
}

// `env` are settings (docs/CONFIG.md). With `up: false` it is made and prepared, not started. With
// `ownDocker` it has a dockerd of its own, which a test may kill. With `diskMib` its state directory is a
// file system of that size.
export async function startInstance({ env = {}, port, up = true, ownDocker = false, diskMib } = {}) {
  removeAbandoned();
  const stateDir = STATE_PREFIX + randomBytes(4).toString('hex');
  fs.mkdirSync(stateDir);
  if (diskMib) {
    mountDisk(stateDir, diskMib);
  }
  fs.writeFileSync(`${stateDir}/owner`, `${process.pid} ${startTime(process.pid)}`);
  fs.chmodSync(stateDir, 0o755);
  const instance = new Instance(stateDir, port ?? (await freePort()), {
    ...(ownDocker ? Instance.ownDockerSettings(stateDir) : {}), ...env,
  });
  living.add(instance);
  try {
    await instance.prepare();
    if (ownDocker) {
      await instance.startOwnDocker();
    }
    if (up) {
      await instance.up();
    }
  } catch (e) {
    await instance.printLogs();
    throw e;
  }
  return instance;
}

// Use as `afterEach(printLogsOnFailure(() => instance))`: the daemons' words beside a failed test.
export function printLogsOnFailure(get) {
  return async (context) => {
    if (context?.error ?? context?.passed === false) {
      await get()?.printLogs();
    }
  };
}
