// The preview router beside other reverse proxies, the same trivial app behind all, interleaved in one
// run: requests per second, added latency, and the memory of idle WebSockets. Each proxy has one thread
// on one core; the app and the load generator (wrk) have the other. The router has its routes, checks a
// private preview's cookie on each request and counts activity.
//
//   make bench            ROUNDS=5 SECONDS=4 make bench  for a look

import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePort, startInstance, waitFor } from '../tests/system/lib/instance.mjs';
import { caddy, haproxy, LOAD_CPU, listening, load, nginx, pinned, PROXY_CPU } from './lib/proxies.mjs';
import { percentile } from './lib/stats.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const rounds = Number(process.env.ROUNDS || 5);
const seconds = Number(process.env.SECONDS || 5);
const connections = 64;
const sockets = Number(process.env.SOCKETS || 5000);

const undo = [];

const version = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n')[0];

function get(url, headers) {
  return new Promise((resolve, reject) => {
    http.get(url, { headers }, (rs) => {
      rs.resume().on('end', () => resolve(rs));
    }).on('error', reject);
  });
}

/** A private project whose sandbox is, as far as the database tells, the trivial app. */
async function fakeApp(instance, appPort, secret) {
  const project = (await instance.client().expect(201, 'POST', 'projects', { json: { name: 'bench' } })).json;
  await instance.client().call('PUT', `projects/${project.id}/files/index.html`, { body: 'bench' });
  // Nobody may tidy the row away.
  await instance.service('sandboxd').stop();
  const id = randomUUID();
  await instance.psql(`INSERT INTO sandboxes (id, user_id, project_id, profile, actual_state, container_name, host_uid,
    agent_socket, port, relay_secret) SELECT '${id}', user_id, id, 'app', 'running', 'bench', 1999999999,
    '/nowhere', ${appPort}, '${secret}' FROM projects WHERE id = '${project.id}'`);
  const { json } = await instance.client().expect(201, 'POST', `projects/${project.id}/preview-tickets`, { json: {} });
  const ticket = new URL(json.url);
  const entered = await get(`${instance.url}${ticket.pathname}${ticket.search}`, { host: ticket.host });
  return { host: ticket.host, cookie: entered.headers['set-cookie'][0].split(';')[0] };
}

/** A second router of the installation, on TCP and with room for many sockets. */
function tcpRouter(instance, work, port) {
  const config = path.join(work, 'router.env');
  writeFileSync(config, `${readFileSync(`${instance.runDir}/router.env`, 'utf8')}
SLIPWAY_ROUTER_LISTEN=127.0.0.1:${port}
SLIPWAY_ROUTER_APP_CONNS=${sockets + 1000}
SLIPWAY_RUN_DIR=${instance.runDir}
DATABASE_URL=host=${instance.runDir}/postgres dbname=slipway user=postgres
SLIPWAY_LOG_LEVEL=warn
`);
  return pinned(PROXY_CPU, path.join(process.env.SLIPWAY_TEST_BUILD ?? path.join(root, 'build/release'), 'slipway-router'), ['--config', config]);
}

const rssBytes = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

/** Opens idle WebSockets through a port; returns them. */
async function openSockets(port, app, n) {
  const all = [];
  const open = () =>
    new Promise((resolve, reject) => {
      const s = net.connect(port, '127.0.0.1');
      s.once('error', reject);
      s.write(`GET /ws HTTP/1.1\r\nHost: ${app.host}\r\nCookie: ${app.cookie}\r\nUpgrade: websocket\r\n`
        + 'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
      s.once('data', (d) => {
        if (!d.toString('latin1').startsWith('HTTP/1.1 101')) reject(new Error(d.toString('latin1')));
        s.on('error', () => {});
        all.push(s);
        resolve();
      });
    });
  for (let i = 0; i < n; i += 50) {
    await Promise.all(Array.from({ length: Math.min(50, n - i) }, open));
  }
  return all;
}

function print(rows, order) {
  console.log(`\n${''.padEnd(26)} requests/s   median      p99   errors   (medians of ${rounds} rounds of ${seconds} s, ${connections} connections)`);
  for (const name of order) {
    const r = rows[name];
    console.log(`${name.padEnd(26)} ${r.rps.toFixed(0).padStart(10)}  ${r.p50_ms.toFixed(3).padStart(7)}  ${r.p99_ms.toFixed(3).padStart(7)} ms ${String(r.errors).padStart(6)}`);
  }
}

async function measure(sides, options) {
  const samples = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const [name, [url, headers]] of Object.entries(sides)) {
      samples[name].push(await load(url, { ...options, headers }));
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([name, all]) => [name, {
    rps: percentile(all.map((s) => s.rps), 50),
    p50_ms: percentile(all.map((s) => s.p50_ms), 50),
    p99_ms: percentile(all.map((s) => s.p99_ms), 50),
    errors: all.reduce((sum, s) => sum + s.errors, 0),
  }]));
}

try {
  const out = path.join(root, 'build', 'bench');
  mkdirSync(out, { recursive: true });
  const work = mkdtempSync(path.join(tmpdir(), 'slipway-bench-'));
  undo.push(() => rmSync(work, { recursive: true, force: true }));
  execFileSync('chmod', ['755', work]);
  const ports = {};
  for (const name of ['app', 'router', 'haproxy', 'caddy', 'nginx', 'preview']) ports[name] = await freePort();

  execFileSync('gcc', ['-O2', '-D_GNU_SOURCE', '-o', path.join(out, 'trivial-app'), path.join(root, 'bench/lib/trivial_app.c')]);
  const secret = randomBytes(32).toString('hex');
  const app = pinned(LOAD_CPU, path.join(out, 'trivial-app'), [String(ports.app), secret]);
  undo.push(app.stop);
  await listening(ports.app);

  const instance = await startInstance({ env: { SLIPWAY_LOG_LEVEL: 'warn', SLIPWAY_ROUTER_APP_CONNS: String(sockets + 1000) } });
  undo.push(() => instance.stop());
  const preview = await fakeApp(instance, ports.app, secret);
  execFileSync('taskset', ['-a', '-cp', PROXY_CPU, String(instance.service('router').pid)], { stdio: 'ignore' });

  const router = tcpRouter(instance, work, ports.router);
  undo.push(router.stop);
  const others = [
    haproxy(work, ports.haproxy, ports.app), caddy(work, ports.caddy, ports.app),
    nginx(work, { port: ports.nginx, app: ports.app, previewPort: ports.preview, instance }),
  ];
  for (const other of others) undo.push(other.stop);
  for (const name of ['router', 'haproxy', 'caddy', 'nginx', 'preview']) await listening(ports[name]);

  const headers = { Host: preview.host, Cookie: preview.cookie };
  await waitFor('the router knows the app', async () =>
    (await get(`http://127.0.0.1:${ports.router}/`, headers)).statusCode === 200);
  const url = (name) => `http://127.0.0.1:${ports[name]}/`;
  // Idle WebSockets through the router alone, first: later its heap holds what the load left free.
  const { pid } = router.child; // taskset became it
  const before = rssBytes(pid);
  const idle = await openSockets(ports.router, preview, sockets);
  const perSocket = (rssBytes(pid) - before) / idle.length;
  idle.forEach((s) => s.destroy());

  const sides = {
    'slipway-router': [url('router'), headers],
    HAProxy: [url('haproxy'), {}],
    'nginx + slipway-router': [url('preview'), headers],
    nginx: [url('nginx'), {}],
    Caddy: [url('caddy'), {}],
    'the app itself': [url('app'), {}],
  };
  for (const [, [address, h]] of Object.entries(sides)) await load(address, { connections, seconds: 1, headers: h }); // warm

  console.log(`${version('haproxy', '-v')}; Caddy ${version('caddy', 'version')}; ${execFileSync('sh', ['-c', 'nginx -v 2>&1'], { encoding: 'utf8' }).trim()}; ${version('dpkg-query', '-W', 'wrk')}`);
  const rows = await measure(sides, { connections, seconds, rounds });
  print(rows, Object.keys(sides));
  const one = await measure(sides, { connections: 1, seconds: 2, rounds });
  const added = (name) => one[name].p50_ms - one['the app itself'].p50_ms;

  const ratios = {
    preview_to_caddy: rows['nginx + slipway-router'].rps / rows.Caddy.rps,
    router_to_haproxy: rows['slipway-router'].rps / rows.HAProxy.rps,
    preview_to_nginx: rows['nginx + slipway-router'].rps / rows.nginx.rps,
    router_added_ms: added('slipway-router'),
    preview_added_ms: added('nginx + slipway-router'),
    haproxy_added_ms: added('HAProxy'),
    websocket_bytes: perSocket,
  };
  console.log(`nginx + router / Caddy: ${ratios.preview_to_caddy.toFixed(2)}   wanted at least 1.5`);
  console.log(`router / HAProxy:       ${ratios.router_to_haproxy.toFixed(2)}   wanted at least 0.9`);
  console.log(`nginx + router / nginx: ${ratios.preview_to_nginx.toFixed(2)}`);
  console.log(`added median latency, one connection: router ${ratios.router_added_ms.toFixed(3)} ms, `
    + `nginx + router ${ratios.preview_added_ms.toFixed(3)} ms, HAProxy ${ratios.haproxy_added_ms.toFixed(3)} ms   wanted below 0.2`);
  console.log(`${idle.length} idle WebSockets: ${(perSocket / 1024).toFixed(1)} KiB each in the router`);
  writeFileSync(path.join(out, 'router.json'), `${JSON.stringify({ rows, one, ratios }, null, 2)}\n`);
  const errors = Object.values(rows).reduce((sum, r) => sum + r.errors, 0);
  if (ratios.preview_to_caddy < 1.5 || ratios.router_to_haproxy < 0.9 || ratios.preview_added_ms > 0.2 || errors > 0) process.exitCode = 1;
} finally {
  for (const step of undo.reverse()) await step();
}
