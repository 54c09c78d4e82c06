// The contract of sandboxd/driver.h against the real Docker: driver_contract.c, one subtest for each of its cases.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';

import { BUILD, IMAGE, ROOT, SandboxdFixture, run } from './lib/sandboxd-fixture.mjs';

const DOCKER_SOCKET = process.env.SLIPWAY_DOCKER_SOCKET ?? '/var/run/docker.sock';
const DEADLINE_MS = 120_000;

test('the Docker driver keeps the contract', async (t) => {
  const fixture = new SandboxdFixture();
  t.after(() => fixture.destroy());
  fixture.ensureImage();
  const program = path.join(BUILD, 'driver-contract');
  run('make', ['-s', `BUILD=${path.relative(ROOT, path.dirname(BUILD))}`, `VARIANT=${path.basename(BUILD)}`, path.relative(ROOT, program)], { cwd: ROOT });
  const result = spawnSync(program, [DOCKER_SOCKET, IMAGE], {
    encoding: 'utf8', timeout: DEADLINE_MS, env: { ...process.env, CMOCKA_MESSAGE_OUTPUT: 'TAP' },
  });
  const cases = [...result.stdout.matchAll(/^(not ok|ok) \d+ - (\S+)/gm)];
  assert.ok(cases.length > 0, `no cases: ${result.stdout}${result.stderr}`);
  for (const [, verdict, name] of cases) {
    await t.test(name, () => assert.equal(verdict, 'ok', result.stdout + result.stderr));
  }
  assert.equal(result.status, 0, result.stdout + result.stderr);
});
