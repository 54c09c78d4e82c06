// Projects with files, started as apps, and a look into their sandboxes.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import http from 'node:http';
import { promisify } from 'node:util';

import { waitFor } from './instance.mjs';
import { callSocket } from './sandboxd-fixture.mjs';

const run = promisify(execFile);
const COLUMNS = ['id', 'user_id', 'project_id', 'actual_state', 'phase', 'tree_key', 'host_uid', 'error', 'container_name', 'agent_socket'];

export async function putFiles(client, project, files) {
  for (const [path, body] of Object.entries(files)) {
    const { status, text } = await client.call('PUT', `projects/${project.id}/files/${path}`, { body });
    assert.ok(status < 300, `${path}: ${status} ${text}`);
  }
}

export async function createProject(client, files) {
  const project = (await client.expect(201, 'POST', 'projects', { json: { name: 'test' } })).json;
  await putFiles(client, project, files);
  return project;
}

// The project's sandbox as the database knows it.
export async function rowOf(instance, project) {
  const text = await instance.psql(`SELECT ${COLUMNS.map((c) => `coalesce(${c}::text, '')`).join(', ')} FROM sandboxes WHERE project_id = '${project.id}'`);
  const values = text.split('|');
  return text && Object.fromEntries(COLUMNS.map((c, i) => [c, values[i]]));
}

export const sandboxd = (instance, method, path, body) => callSocket(`${instance.runDir}/broker/sandboxd.sock`, method, path, body);

function appState(socketPath) {
  return new Promise((resolve, reject) => {
    http.get({ socketPath, path: '/v1/app', agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.on('data', (piece) => (text += piece));
      response.on('end', () => resolve(JSON.parse(text)));
    }).on('error', reject);
  });
}

// Asks for the app; does not wait.
export async function askToStart(instance, project, { restart = false } = {}) {
  const user = await instance.psql(`SELECT user_id FROM projects WHERE id = '${project.id}'`);
  const { status, text } = await sandboxd(instance, 'POST', '/v1/apps/start', { user_id: user, project_id: project.id, restart });
  assert.equal(status, 202, text);
}

// Starts it and waits until it has come up or failed: {row, state, ms}. With `prepared` it returns when
// the sandbox is up and the agent has been told.
export async function startApp(instance, project, { prepared = false, ...options } = {}) {
  const since = performance.now();
  await askToStart(instance, project, options);
  const row = await waitFor('the app to be started', async () => {
    const found = await rowOf(instance, project);
    assert.notEqual(found.actual_state, 'failed', found.error);
    return found.actual_state === 'running' && found.phase === '' && found;
  }, { ms: 90_000, every: 10 });
  let state;
  await waitFor('the app to come up', async () => {
    state = await appState(row.agent_socket);
    return prepared || ['running', 'crashed', 'exited'].includes(state.state);
  }, { ms: 90_000, every: 10 });
  return { row, state, ms: performance.now() - since };
}

export async function stopApp(instance, row) {
  const { status, text } = await sandboxd(instance, 'POST', `/v1/sandboxes/${row.id}/stop`);
  assert.equal(status, 200, text);
}

// What JavaScript prints that runs in the sandbox, as its user.
export async function inSandbox(instance, row, code) {
  return shell(instance, row, ['node', '-e', code]);
}

export async function shell(instance, row, argv) {
  const { stdout } = await run('docker', ['exec', '-u', `${row.host_uid}:${row.host_uid}`, '-w', '/workspace', '-e', 'HOME=/home/app',
    row.container_name, ...argv], { maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}
