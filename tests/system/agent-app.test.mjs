// The agent supervises an app: plan, install, start, port, log, crash, stop. In a real container without a
// network, so what is installed comes from a registry inside it. Needs Docker and root (loop mounts).

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Box, parseEvents, until } from './lib/agent_box.mjs';

const SECOND = 1000;

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

// An app that answers its own words on the port it is told.
const server = (words, extra = '') => `
const http = require('node:http');
console.log('to stdout'); console.error('to stderr');
${extra}
http.createServer((req, res) => res.end('${words}')).listen(process.env.PORT, process.env.HOST);
`;

const manifest = (scripts, more = {}) => ({ name: 'x', version: '1.0.0', private: true, scripts, ...more });

// Each test has the container for itself, with an empty workspace and nothing running.
function withBox(options = {}) {
  const held = {};
  before(async () => {
    held.box = await Box.start({ app: true, ...options });
  });
  beforeEach(async () => {
    await held.box.stopApp();
    await held.box.sh('rm -rf /workspace/* /workspace/.[a-z]*');
  });
  after(async () => {
    const log = await held.box?.stop();
    if (log && process.exitCode) console.error(log);
  });
  return held;
}

const lines = (events) => events.filter((e) => e.event === 'log').map((e) => e.data);
const texts = (events) => lines(events).map((l) => l.text);

// Asks the app from inside its sandbox, with whatever listens.
async function fetchInside(box, url) {
  const run = await box.run({ argv: ['node', '-e', `fetch('${url}').then((r) => r.text()).then(console.log,
    (e) => console.log('failed', e.cause?.code))`] });
  return run.stdout.trim();
}

describe('app: life', () => {
  const held = withBox();

  test('before the first start it is stopped', async () => {
    const { state, port, ports, plan } = await held.box.app();
    assert.deepEqual([state, port, ports, plan], ['stopped', null, [], null]);
  });

  test('a script is started by npm and found on its port', async () => {
    await held.box.write({ 'package.json': manifest({ dev: 'node server.js' }), 'server.js': server('hello') });
    const started = await held.box.startApp();
    assert.equal(started.status, 202);
    const state = await held.box.appIs('running');
    assert.equal(state.port, 3000);
    assert.deepEqual(state.ports, [3000]);
    assert.deepEqual(state.plan, { kind: 'script', manager: 'npm', install: null, command: 'npm run dev' });
    assert.ok(state.start_ms > 0, `${state.start_ms}`);
    console.log(`# npm run dev until it listens: ${state.start_ms} ms`);
    assert.equal(await fetchInside(held.box, 'http://127.0.0.1:3000/'), 'hello');
    const log = lines(await held.box.appLog());
    assert.ok(log.some((l) => l.stream === 'stdout' && l.source === 'app' && l.text === 'to stdout'));
    assert.ok(log.some((l) => l.stream === 'stderr' && l.text === 'to stderr'));
  });
});
