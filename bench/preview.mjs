// How long people wait for a preview: from POST /projects {template: vite-react} to the first 200 of its
// page, with nothing cached and with everything; waking a stopped app; and what the whole way to an app
// in a real sandbox carries.
//
//   make bench            WARM=10 make bench  for more samples

import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { startInstance, waitFor } from '../tests/system/lib/instance.mjs';
import { Previews } from '../tests/system/lib/preview.mjs';
import { load } from './lib/proxies.mjs';
import { percentile } from './lib/stats.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const warmSamples = Number(process.env.WARM || 5);
const undo = [];

let instance;
let previews;

/** Asks, as a program would (such requests are held), until the app itself answers 200. */
async function untilServed(project, cookie, ms) {
  let last;
  await waitFor(`${project.slug} answers`, async () => {
    last = await previews.get(project.preview_url, { headers: { cookie } });
    return last.status === 200;
  }, { ms, every: 20 }).catch((e) => {
    throw new Error(`${e.message}: ${last?.status} ${last?.text.slice(0, 300)}`);
  });
}

async function fromTemplate(template) {
  const from = performance.now();
  const project = await previews.project({ template });
  await previews.api('POST', `projects/${project.id}/start`, { json: {} });
  const cookie = await previews.cookie(project);
  await untilServed(project, cookie, 180_000);
  return { project, cookie, ms: performance.now() - from };
}

async function stopSandbox(project) {
  const id = await instance.psql(`SELECT id FROM sandboxes WHERE project_id = '${project.id}'`);
  await new Promise((resolve, reject) => {
    http.request({ socketPath: `${instance.runDir}/broker/sandboxd.sock`, method: 'POST', path: `/v1/sandboxes/${id}/stop` }, (rs) => {
      rs.resume().on('end', () => (rs.statusCode === 200 ? resolve() : reject(new Error(`stop: ${rs.statusCode}`))));
    }).on('error', reject).end();
  });
}

try {
  instance = await startInstance({ env: { SLIPWAY_LOG_LEVEL: 'warn' } });
  undo.push(() => instance.stop());
  previews = new Previews(instance);

  const cold = await fromTemplate('vite-react');
  console.log(`POST /projects {template: vite-react} → 200: ${(cold.ms / 1000).toFixed(2)} s with nothing cached   wanted below 12`);
  const warm = [];
  for (let i = 0; i < warmSamples; i++) {
    const next = await fromTemplate('vite-react');
    warm.push(next.ms);
    await previews.api('DELETE', `projects/${next.project.id}`);
  }
  console.log(`the same again: median ${(percentile(warm, 50) / 1000).toFixed(2)} s of ${warm.length}   wanted below 3`);

  const wake = [];
  for (let i = 0; i < warmSamples; i++) {
    await stopSandbox(cold.project);
    const from = performance.now();
    await untilServed(cold.project, cold.cookie, 60_000);
    wake.push(performance.now() - from);
  }
  console.log(`wake of a stopped app to its first byte: median ${(percentile(wake, 50) / 1000).toFixed(2)} s of ${wake.length}`);

  const plain = await previews.project({
    files: { 'index.js': "require('http').createServer((q, r) => r.end('Hello, world.\\n')).listen(3000);\n" },
  });
  await previews.start(plain);
  const cookie = await previews.cookie(plain);
  const way = await load(instance.url, {
    connections: 16, seconds: 5, headers: { Host: new URL(plain.preview_url).host, Cookie: cookie },
  });
  console.log(`nginx → router → docker-proxy → relay → Node.js in its sandbox: ${way.rps.toFixed(0)} requests/s, `
    + `median ${way.p50_ms.toFixed(2)} ms, p99 ${way.p99_ms.toFixed(2)} ms, ${way.errors} errors`);

  const result = {
    cold_s: cold.ms / 1000, warm_s: percentile(warm, 50) / 1000, wake_s: percentile(wake, 50) / 1000, whole_way: way,
  };
  const out = path.join(root, 'build', 'bench');
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(out, 'preview.json'), `${JSON.stringify(result, null, 2)}\n`);
  if (result.cold_s > 12 || result.warm_s > 3) process.exitCode = 1;
} catch (e) {
  await instance?.printLogs();
  throw e;
} finally {
  for (const step of undo.reverse()) await step();
}
