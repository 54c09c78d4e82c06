// The commands in the documents do what stands beside them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { ROOT, startInstance } from './lib/instance.mjs';

const run = promisify(execFile);

let instance;
let directory;

before(async () => {
  instance = await startInstance();
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-docs-'));
  fs.symlinkSync(instance.stateDir, path.join(directory, 'var'));
});
after(async () => {
  await instance?.stop();
  fs.rmSync(directory, { recursive: true, force: true });
});

// The shell commands of a document, or of one of its sections, as one script with our port in it.
function script(file, section) {
  let text = fs.readFileSync(`${ROOT}/${file}`, 'utf8');
  if (section) {
    const start = text.indexOf(`\n## ${section}\n`);
    assert.ok(start >= 0, `${file} has a section ${section}`);
    text = text.slice(start, text.indexOf('\n## ', start + 1));
  }
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map((m) => m[1]);
  assert.ok(blocks.length > 0);
  return blocks.join('\n').replaceAll('localhost:8080', `localhost:${instance.port}`);
}

async function shell(commands) {
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', commands], { cwd: directory, timeout: 60_000 });
  assert.doesNotMatch(stdout, /\/problems\//, stdout);
  return stdout;
}

describe('README.md', () => {
  it('makes the first calls', async () => {
    const output = await shell(script('README.md', 'First calls'));
    assert.match(output, /"output":"2\\n","error":"","exit_code":0/);
    assert.match(output, /event: exit/);
    assert.match(output, /event: done\ndata: \{"state":"done","version":1\}/);
  });
});

describe('docs/API.md', () => {
  it('gives examples that work, and answers as they are', async () => {
    const commands = script('docs/API.md');
    const output = await shell(commands);
    assert.match(output, /"output":"2\\n"/);
    for (const [, answer] of commands.matchAll(/^# (\{.*\})$/gm)) {
      assert.ok(output.includes(answer), `${answer} is not among\n${output}`);
    }
    assert.match(output, /event: step\ndata: \{"name":"start","state":"listening","port":3000,/);
    assert.match(output, /event: preview\ndata: \{"url":"http:/);
  });
});
