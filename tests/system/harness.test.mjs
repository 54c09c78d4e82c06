// The harness itself: what a killed test run left must not fail the next one.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { it } from 'node:test';

import { removeAbandoned } from './lib/instance.mjs';

it('removes what is left of a killed run, mounts of its Docker included', () => {
  const state = `/var/lib/slipway-test-${randomBytes(4).toString('hex')}`;
  const root = `${state}/docker`;
  fs.mkdirSync(root, { recursive: true });
  execFileSync('mount', ['--bind', root, root]);
  fs.mkdirSync(`${root}/layer`);
  execFileSync('mount', ['-t', 'tmpfs', 'layer', `${root}/layer`]);
  fs.writeFileSync(`${state}/owner`, '1 1'); // process 1 started at another time
  removeAbandoned();
  assert.equal(fs.existsSync(state), false);
  assert.ok(!fs.readFileSync('/proc/self/mounts', 'utf8').includes(state));
});
