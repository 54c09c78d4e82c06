// slipway-logpipe: what stands between a service and its logger, so that a full disk stops no service.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ROOT } from './lib/instance.mjs';

const PROGRAM = path.resolve(ROOT, process.env.SLIPWAY_TEST_BUILD ?? 'build/release', 'slipway-logpipe');
const PATIENCE_MS = 20_000;
let directory;

before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-logpipe-'));
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

// A logger that reads nothing until the gate is opened, and then keeps everything.
function start(name) {
  const gate = path.join(directory, `${name}.gate`);
  const file = path.join(directory, name);
  execFileSync('mkfifo', [gate]);
  const child = spawn(PROGRAM, ['sh', '-c', 'read -r word <"$1"; exec cat >"$2"', 'sh', gate, file], {
    stdio: ['pipe', 'inherit', 'inherit'], timeout: PATIENCE_MS,
  });
  return {
    child,
    open: () => fs.promises.writeFile(gate, 'go\n'),
    async end() {
      const ended = once(child, 'exit');
      child.stdin.end();
      const [code] = await ended;
      return { code, lines: fs.readFileSync(file, 'utf8').split('\n') };
    },
  };
}

const write = (child, text) => new Promise((resolve, reject) => {
  child.stdin.write(text, (e) => (e ? reject(e) : resolve()));
});

describe('lines for a logger', () => {
  it('arrive as they are, in order', async () => {
    const pipe = start('all');
    await pipe.open();
    const lines = Array.from({ length: 2000 }, (_, i) => `line ${i} ${'x'.repeat(i % 300)}`);
    await write(pipe.child, `${lines.join('\n')}\n`);
    const { code, lines: kept } = await pipe.end();
    assert.equal(code, 0);
    assert.deepEqual(kept, [...lines, '']);
  });

  it('never make their writer wait for one that does not read; what was lost is counted', async () => {
    const pipe = start('stuck');
    const line = 'y'.repeat(500);
    const total = 20_000;
    for (let i = 0; i < total; i += 1000) {
      await write(pipe.child, Array.from({ length: 1000 }, (_, k) => `${i + k} ${line}\n`).join(''));
    }
    await pipe.open();
    const file = path.join(directory, 'stuck');
    const deadline = performance.now() + PATIENCE_MS;
    while (!(fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes('log_lines_lost'))) {
      assert.ok(performance.now() < deadline, 'it is told what was lost');
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
    const { code, lines } = await pipe.end();
    assert.equal(code, 0);
    assert.equal(lines.pop(), '');
    const told = lines.filter((l) => l.startsWith('{')).map((l) => JSON.parse(l));
    const kept = lines.filter((l) => !l.startsWith('{'));
    assert.deepEqual(told.map((t) => t.event), told.map(() => 'log_lines_lost'));
    assert.equal(kept.length + told.reduce((sum, t) => sum + t.n, 0), total);
    for (const l of kept) {
      assert.match(l, /^\d+ y{500}$/); // whole, each of them
    }
    assert.deepEqual(kept.slice(0, 300).map((l) => Number(l.split(' ')[0])), Array.from({ length: 300 }, (_, i) => i));
  });

  it('end with their logger', async () => {
    const child = spawn(PROGRAM, ['true'], { stdio: ['pipe', 'inherit', 'inherit'], timeout: PATIENCE_MS });
    const [code] = await once(child, 'exit');
    assert.equal(code, 1);
    child.stdin.destroy();
  });
});
