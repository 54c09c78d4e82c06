// POST /execute of console.log(1+1), warm, end to end through nginx, interleaved in one run with
//   direct   `node index.js` started inside the same container,
//   peer     the plain design: Express + dockerode + docker exec + base64,
//   host     `node index.js` on the bare host,
// the same Node binary everywhere: the host's copy is taken out of the sandbox image.
//
//   make bench            200 samples of each;  SAMPLES=50 make bench  for a look

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startInstance } from '../tests/system/lib/instance.mjs';
import { summary } from './lib/stats.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);
const samples = Number(process.env.SAMPLES || 200);
const warmup = 10;
const image = process.env.SLIPWAY_SANDBOX_IMAGE || 'custom-node-sandbox:latest';
const body = JSON.stringify({ code: 'console.log(1+1)' });

const docker = (...args) => execFileSync('docker', args, { encoding: 'utf8' }).trim();

/** A child process that answers each line it is sent with one line of JSON. */
class LineProcess {
  constructor(command, args, options = {}) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.child.spawnfile} ended`);
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  ask() {
    this.child.stdin.write('\n');
    return this.next();
  }

  async end(signal = 'SIGTERM') {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await gone;
  }
}

function post(agent, url, headers) {
  const start = process.hrtime.bigint();
  return new Promise((resolve, reject) => {
    const rq = http.request(url, { method: 'POST', agent, headers }, (rs) => {
      let text = '';
      rs.setEncoding('utf8');
      rs.on('data', (s) => (text += s));
      rs.on('end', () => {
        const ms = Number(process.hrtime.bigint() - start) / 1e6;
        if (rs.statusCode !== 200 || JSON.parse(text).output !== '2\n') {
          reject(new Error(`${url} answered ${rs.statusCode}: ${text}`));
        } else {
          resolve({ ms });
        }
      });
    });
    rq.on('error', reject);
    rq.end(body);
  });
}

async function measure(sides) {
  const times = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let i = -warmup; i < samples; i++) {
    for (const [name, run] of Object.entries(sides)) {
      const { ms } = await run();
      if (i >= 0) times[name].push(ms);
    }
    if (process.stdout.isTTY) process.stdout.write(`\r${Math.max(0, i + 1)}/${samples} `);
  }
  return times;
}

function report(times) {
  const rows = Object.fromEntries(Object.entries(times).map(([k, v]) => [k, summary(v)]));
  const ratio = (a, b) => rows[a].median_ms / rows[b].median_ms;
  const names = {
    slipway: 'Slipway, POST /execute through nginx',
    direct: '(a) node index.js in the same container',
    peer: '(b) Express + dockerode + docker exec + base64',
    host: '(c) node index.js on the bare host',
  };
  console.log(`\nPOST /execute of console.log(1+1), warm, ${samples} samples of each, interleaved`);
  console.log(`${''.padEnd(50)}  median      p95`);
  for (const [k, r] of Object.entries(rows)) {
    console.log(
      `${names[k].padEnd(50)} ${r.median_ms.toFixed(1).padStart(7)}  ${r.p95_ms.toFixed(1).padStart(7)}  ms`,
    );
  }
  const ratios = {
    slipway_to_direct: ratio('slipway', 'direct'),
    peer_to_slipway: ratio('peer', 'slipway'),
    slipway_to_host: ratio('slipway', 'host'),
  };
  console.log(`Slipway / (a): ${ratios.slipway_to_direct.toFixed(2)}   wanted at most 1.4`);
  console.log(`(b) / Slipway: ${ratios.peer_to_slipway.toFixed(2)}   wanted at least 3`);
  console.log(`Slipway / (c): ${ratios.slipway_to_host.toFixed(2)}`);
  const out = path.join(root, 'build', 'bench');
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(out, 'execute.json'), JSON.stringify({ rows, ratios }, null, 2) + '\n');
  return ratios;
}

/** The container of the one script sandbox this instance has. */
async function sandboxContainer(instance) {
  const row = await instance.psql('SELECT container_id, host_uid FROM sandboxes');
  const [id, uid] = row.trim().split('|');
  return { id, uid };
}

const undo = [];
try {
  const instance = await startInstance({});
  undo.push(() => instance.stop());
  const agent = new http.Agent({ keepAlive: true });
  undo.push(() => agent.destroy());
  const slipway = () =>
    post(agent, `${instance.url}/api/v1/execute`, {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${instance.apiKey}`,
    });
  await slipway(); // makes the sandbox

  const work = mkdtempSync(path.join(root, 'build', 'bench-')); // not in /tmp, where programs may not be allowed to run
  undo.push(() => rmSync(work, { recursive: true }));
  const copy = docker('create', '--label', 'slipway.bench=1', image);
  undo.push(() => docker('rm', '-f', copy));
  docker('cp', '-L', `${copy}:/usr/local/bin/node`, path.join(work, 'node'));
  writeFileSync(path.join(work, 'index.js'), 'console.log(1+1)');
  const meter = path.join(here, 'lib', 'meter.cjs');
  const host = new LineProcess(path.join(work, 'node'), [
    meter,
    path.join(work, 'node'),
    path.join(work, 'index.js'),
  ]);
  undo.push(() => host.end());

  const { id, uid } = await sandboxContainer(instance);
  await slipway();
  const meterText = execFileSync('cat', [meter], { encoding: 'utf8' });
  const inside = new LineProcess('docker', [
    'exec', '-i', '-u', `${uid}:${uid}`, id,
    'node', '-e', meterText, 'meter', '/usr/local/bin/node', '/workspace/index.js',
  ]);
  undo.push(() => inside.end());

  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: path.join(here, 'peers', 'express-dockerode'),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const peer = new LineProcess('node', ['server.mjs'], {
    cwd: path.join(here, 'peers', 'express-dockerode'),
    env: { ...process.env, IMAGE: image, PORT: '0' },
  });
  undo.push(() => peer.end());
  const { port } = await peer.next();

  const times = await measure({
    slipway,
    direct: () => inside.ask(),
    peer: () =>
      post(agent, `http://127.0.0.1:${port}/execute`, { 'Content-Type': 'application/json' }),
    host: () => host.ask(),
  });
  const ratios = report(times);
  if (ratios.slipway_to_direct > 1.4 || ratios.peer_to_slipway < 3) process.exitCode = 1;
} finally {
  for (const step of undo.reverse()) await step();
}
