// What a run may use, and that nothing of it stays: through the public API, watched from the host.
// Where a limit could be shown by accident, a container without it shows that the attack is real.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';

import { Client, assertProblem } from './lib/client.mjs';
import { startInstance, waitFor } from './lib/instance.mjs';
import { SandboxView, controlContainer, docker, removeControls, residentBytes } from './lib/sandbox-view.mjs';

const MiB = 1024 * 1024;
const DISK_MB = 64;
const QUEUE = 2;
const USER_RUNS = 4;
const CANARY = 'sk-canary-4f1c9d';

let instance;
let user; // {id, key, client}
let sandbox; // of that user, from the host

before(async () => {
  instance = await startInstance({
    env: {
      SLIPWAY_SCRIPT_DISK_MB: String(DISK_MB), SLIPWAY_RUN_QUEUE: String(QUEUE),
      SLIPWAY_USER_RUNS_MAX: String(USER_RUNS),
      OPENAI_API_KEY: CANARY, OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
    },
  });
  user = await instance.createUser();
  await execute('1');
  sandbox = await SandboxView.of(instance, user.id);
});
after(async () => {
  await removeControls();
  await instance?.stop();
});

// Runs code and returns the answer, which must be a 200. `code` may be a function: its body is sent.
async function execute(code, { client = user.client, ...rest } = {}) {
  const answer = await client.expect(200, 'POST', 'execute', { json: { code: source(code), ...rest } });
  return answer.json;
}

function source(code) {
  return typeof code === 'function' ? `(${code})()` : code;
}

// What code reports by console.log(JSON.stringify(…)).
async function report(code, options) {
  const result = await execute(code, options);
  assert.equal(result.exit_code, 0, JSON.stringify(result));
  return JSON.parse(result.output);
}

async function assertNextRunWorks() {
  assert.equal((await execute('console.log(1+1)')).output, '2\n');
}

describe('a run', () => {
  it('answers with its output and how it ended', async () => {
    const { duration_ms, ...result } = await execute('console.log(1+1)');
    assert.deepEqual(result, {
      output: '2\n', error: '', exit_code: 0, signal: null, timed_out: false, truncated: false, oom_killed: false,
    });
    assert.ok(duration_ms > 0 && duration_ms < 10_000, `${duration_ms}`);
  });

  it('streams its output as it comes, in order', async () => {
    const code = () => {
      console.log('one');
      setTimeout(() => console.error('two'), 300);
      setTimeout(() => console.log('three'), 600);
      setTimeout(() => {}, 1500);
    };
    const seen = [];
    for await (const event of instance.sse('execute', { key: user.key, json: { code: source(code) } })) {
      seen.push({ ...event, at: performance.now() });
    }
    assert.deepEqual(seen.slice(0, -1).map((e) => [e.type, e.data.data]),
      [['stdout', 'one\n'], ['stderr', 'two\n'], ['stdout', 'three\n']]);
    const exit = seen.at(-1);
    assert.equal(exit.type, 'exit');
    assert.equal(exit.data.exit_code, 0);
    assert.deepEqual(seen.map((e) => Number(e.id)), [1, 2, 3, 4]);
    // Held back by anything on the way, they would all arrive with the end.
    assert.ok(exit.at - seen[0].at > 1000, `the first came ${exit.at - seen[0].at} ms before the end`);
    assert.ok(exit.at - seen[2].at > 500, `the third came ${exit.at - seen[2].at} ms before the end`);
  });

  it('reads its stdin to the end', async () => {
    const stdin = randomBytes(300_000).toString('base64');
    const hash = createHash('sha256').update(stdin).digest('hex');
    const code = () => {
      const h = require('node:crypto').createHash('sha256');
      process.stdin.pipe(h).on('finish', () => console.log(h.digest('hex')));
    };
    assert.equal((await execute(code, { stdin })).output, `${hash}\n`);
    assert.equal((await execute('process.stdin.on("end", () => console.log("end")).resume()')).output, 'end\n');
    // One that never reads does not hold anything up.
    assert.equal((await execute('console.log("ignored")', { stdin })).output, 'ignored\n');
  });

  it('tells its exit code or the signal that ended it', async () => {
    assert.equal((await execute('process.exit(7)')).exit_code, 7);
    const thrown = await execute('throw new Error("on purpose")');
    assert.equal(thrown.exit_code, 1);
    assert.match(thrown.error, /Error: on purpose/);
    assert.match((await execute('const = 1')).error, /SyntaxError/);
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGSEGV']) {
      const result = await execute(`process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000)`);
      assert.deepEqual([result.exit_code, result.signal, result.timed_out, result.oom_killed],
        [null, signal, false, false]);
    }
  });

  it('may print any bytes', async () => {
    const result = await execute('process.stdout.write(Buffer.from(Array.from({ length: 256 }, (_, i) => i)))');
    assert.equal(result.output.slice(0, 128), String.fromCharCode(...Array.from({ length: 128 }, (_, i) => i)));
    assert.match(result.output.slice(128), /^\ufffd+$/);
    // A character split between two writes stays whole.
    const split = () => {
      const bytes = Buffer.from('€');
      process.stdout.write(bytes.subarray(0, 1));
      setTimeout(() => process.stdout.write(bytes.subarray(1)), 100);
    };
    assert.equal((await execute(split)).output, '€');
  });

  it('takes code of up to 1 MiB, and says what is wrong with other', async () => {
    const fits = `console.log('fits')//${'x'.repeat(MiB - 21)}`;
    assert.equal(fits.length, MiB);
    assert.equal((await execute(fits)).output, 'fits\n');
    const cases = [
      [{ code: `${fits}x` }, 413], [{ code: '' }, 400], [{}, 400], [{ code: 7 }, 400], [{ code: null }, 400],
      [{ code: '1', timeout_ms: 0 }, 400], [{ code: '1', timeout_ms: -1 }, 400], [{ code: '1', timeout_ms: '9' }, 400],
      [{ code: '1', timeout_ms: 10_001 }, 400], [{ code: '1', stdin: ['x'] }, 400], [{ code: '1', argv: ['sh'] }, 400],
      [{ code: 'a\0b' }, 400],
    ];
    for (const [json, status] of cases) {
      assertProblem(await user.client.post('execute', json), status, {}, JSON.stringify(json).slice(0, 80));
    }
  });
});

describe('the time limit', () => {
  it('ends an endless loop at its default and leaves nothing', async () => {
    const started = performance.now();
    const result = await execute('for (;;);');
    const took = performance.now() - started;
    await sandbox.assertOnlyAgent();
    assert.deepEqual([result.timed_out, result.signal, result.exit_code], [true, 'SIGKILL', null]);
    assert.ok(took >= 10_000 && took < 12_000, `back after ${took} ms`);
    await assertNextRunWorks();
  });

  it('can be set lower, and keeps what was printed until then', async () => {
    const started = performance.now();
    const result = await execute('console.log("before"); for (;;);', { timeout_ms: 1000 });
    const took = performance.now() - started;
    assert.equal(result.timed_out, true);
    assert.equal(result.output, 'before\n');
    assert.ok(result.duration_ms >= 1000 && took < 2500, `back after ${took} ms`);
    await sandbox.assertOnlyAgent();
  });

  it('is not escaped by ignoring signals, stopping oneself or waiting', async () => {
    const tricks = [
      'for (const s of ["SIGTERM", "SIGINT", "SIGHUP", "SIGALRM"]) process.on(s, () => {}); for (;;);',
      'process.kill(process.pid, "SIGSTOP")',
      'setInterval(() => {}, 1000)',
      'process.stdin.resume(); new Worker("setInterval(() => {}, 1000)", { eval: true }); var { Worker } = require("worker_threads")',
      'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)',
    ];
    for (const code of tricks) {
      const result = await execute(code, { timeout_ms: 300 });
      assert.ok(result.timed_out || result.exit_code === 1, `${code}: ${JSON.stringify(result)}`);
      await sandbox.assertOnlyAgent();
    }
  });
});

// Processes that leave their parent, their session and their process group, and ignore every signal
// that can be ignored.
const DAEMONS = `
  const { spawn, spawnSync } = require('node:child_process');
  const deaf = 'trap "" TERM INT HUP QUIT ALRM USR1 USR2; while :; do sleep 1; done';
  spawn('sh', ['-c', deaf], { detached: true, stdio: 'ignore' }).unref();
  spawnSync('sh', ['-c', '(setsid sh -c \\'' + deaf + '\\' </dev/null >/dev/null 2>&1 &) &']);
  spawnSync('sh', ['-c', '(setsid setsid node -e "process.on(\\\\"SIGTERM\\\\", () => {}); setInterval(() => {}, 9)" &) &'],
    { stdio: ['ignore', 'inherit', 'inherit'] });
`;

describe('what a run leaves behind', () => {
  it('is nothing: daemons of any kind end with it', async () => {
    const result = await execute(`${DAEMONS}\nconsole.log('parent done')`);
    await sandbox.assertOnlyAgent();
    // The last daemon holds stdout open: the end of a run is not the end of its pipes.
    assert.equal(result.output, 'parent done\n');
    assert.equal(result.timed_out, false);
    assert.ok(result.duration_ms < 3000, `${result.duration_ms}`);
  });

  it('is nothing at the time limit either', async () => {
    const result = await execute(`${DAEMONS}\nfor (;;);`, { timeout_ms: 800 });
    await sandbox.assertOnlyAgent();
    assert.equal(result.timed_out, true);
  });

  it('would be all of them with docker exec and a timer, as is usually built', async () => {
    const container = await controlContainer(sandbox.image, ['--network', 'none']);
    const child = spawn('docker', ['exec', container, 'node', '-e', `${DAEMONS}\nconsole.log('up'); for (;;);`]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const view = await SandboxView.ofContainer(container);
    assert.ok(view.processes().length >= 5, JSON.stringify(view.processes()));
  });

  it('is nothing when the client goes away', async () => {
    const abort = new AbortController();
    const code = `${DAEMONS}\nconsole.log('up'); for (;;);`;
    await assert.rejects(async () => {
      for await (const event of instance.sse('execute', { key: user.key, json: { code }, signal: abort.signal })) {
        assert.equal(event.type, 'stdout');
        assert.ok(sandbox.processes().length >= 5);
        abort.abort();
      }
    }, { name: 'AbortError' });
    await sandbox.onlyAgent(3000);
    await assertNextRunWorks();
  });

  it('is not even a zombie', async () => {
    await execute(`require('child_process').execSync('for i in 1 2 3 4 5 6 7 8; do (true &) ; done')`);
    assert.equal(await sandbox.execAsRoot('sh', '-c', 'cat /proc/[0-9]*/stat | grep -c ") Z " || true'), '0');
  });

  it('does not break the next run, whatever it did to its directory', async () => {
    const spoils = [
      'fs.rmSync("index.js"); fs.mkdirSync("index.js/x", { recursive: true })',
      'fs.rmSync("index.js", { recursive: true }); fs.symlinkSync("/etc/passwd", "index.js")',
      'fs.rmSync("index.js"); require("child_process").execSync("mkfifo index.js")',
      'fs.chmodSync("index.js", 0)', 'fs.chmodSync("/workspace", 0)',
      'fs.rmSync("index.js"); fs.symlinkSync("index.js", "index.js")',
    ];
    for (const code of spoils) {
      await execute(`const fs = require('fs'); ${code}`);
      const answer = await user.client.post('execute', { code: 'console.log(1+1)' });
      assert.equal(answer.json.output, '2\n', `after ${code}: ${answer.text}`);
    }
  });
});

describe('memory', () => {
  it('is 512 MiB with swap, set on the container', () => {
    assert.equal(sandbox.cgroup('memoryMax'), String(512 * MiB));
    assert.equal(sandbox.inspected.HostConfig.Memory, 512 * MiB);
    assert.equal(sandbox.inspected.HostConfig.MemorySwap, 512 * MiB);
  });

  it('ends a hog, not the sandbox', async () => {
    const hog = await execute('const all = []; for (;;) all.push(Buffer.alloc(16 << 20, 1))');
    assert.equal(hog.oom_killed, true, JSON.stringify(hog));
    assert.equal(hog.signal, 'SIGKILL');
    await sandbox.assertOnlyAgent(); // the same one
    await assertNextRunWorks();
  });

  it('ends a hog among the children', async () => {
    const code = `
      const { status, signal } = require('child_process').spawnSync(process.execPath,
        ['-e', 'const all = []; for (;;) all.push(Buffer.alloc(16 << 20, 1))']);
      console.log(status, signal)`;
    const result = await execute(code);
    assert.equal(result.oom_killed, true, JSON.stringify(result));
    await sandbox.assertOnlyAgent();
    await assertNextRunWorks();
  });

  it('ends a hog of JavaScript objects', async () => {
    const hog = await execute('const all = []; for (;;) all.push(new Array(100000).fill(all.length))');
    assert.notEqual(hog.signal, null, JSON.stringify({ ...hog, error: '' }));
    assert.equal(hog.timed_out, false);
    await assertNextRunWorks();
  });

  it('is not got around by filling /tmp or /dev/shm', async () => {
    const fill = `
      const fs = require('fs');
      const sizes = {};
      for (const dir of ['/tmp', '/dev/shm']) {
        const fd = fs.openSync(dir + '/hog', 'w');
        try { for (;;) sizes[dir] = (sizes[dir] ?? 0) + fs.writeSync(fd, Buffer.alloc(1 << 20, 1)); }
        catch (e) { sizes[dir + ' ended by'] = e.code; }
        fs.closeSync(fd);
        fs.rmSync(dir + '/hog');
      }
      console.log(JSON.stringify(sizes))`;
    const sizes = await report(fill);
    for (const dir of ['/tmp', '/dev/shm']) {
      assert.equal(sizes[`${dir} ended by`], 'ENOSPC');
      assert.ok(sizes[dir] <= 64 * MiB, `${dir} took ${sizes[dir]}`);
    }
  });
});

describe('processes', () => {
  it('are at most 64, a fork bomb included', async () => {
    assert.equal(sandbox.cgroup('pidsMax'), '64');
    const bomb = execute(`
      require('child_process').spawn('sh', ['-c', 'b() { b | b & }; b; sleep 60'], { stdio: 'ignore' });
      const { spawn } = require('child_process');
      setInterval(() => spawn(process.execPath, [__filename], { stdio: 'ignore' }).on('error', () => {}), 20);`,
    { timeout_ms: 3000 });
    let most = 0;
    let ended = false;
    bomb.finally(() => (ended = true)).catch(() => {});
    await waitFor('the bomb to end', () => {
      most = Math.max(most, Number(sandbox.cgroup('pidsCurrent')));
      return ended;
    }, { ms: 15_000, every: 5 });
    await bomb;
    await sandbox.assertOnlyAgent();
    assert.ok(most >= 60 && most <= 64, `at most ${most} at once`);
    // The kernel counts the forks it refused.
    assert.ok(Number(/max (\d+)/.exec(sandbox.cgroup('pidsEvents'))[1]) > 0);
    await assertNextRunWorks();
  });

  it('get one core', () => {
    assert.equal(sandbox.inspected.HostConfig.NanoCpus, 1e9);
  });
});

describe('the disk', () => {
  const FILL = `
    const fs = require('fs');
    const fd = fs.openSync('/workspace/hog', 'a');
    let ended;
    for (const size of [1 << 20, 4096, 1]) {
      const piece = Buffer.alloc(size, 7);
      try { for (;;) fs.writeSync(fd, piece); } catch (e) { ended = e.code; }
    }
    const bytes = fs.fstatSync(fd).size;
    let files = 0;
    try { for (;; files++) fs.writeFileSync('/workspace/small-' + files, ''); } catch (e) {}
    console.log(JSON.stringify({ ended, bytes, files }));`;
  const EMPTY = `
    const fs = require('fs');
    for (const name of fs.readdirSync('/workspace')) if (name !== 'index.js') fs.rmSync(name, { recursive: true });
    console.log(JSON.stringify(fs.statfsSync('/workspace')));`;

  it('is full at its size: ENOSPC inside, the host pays no more', async () => {
    const { ended, bytes } = await report(FILL);
    assert.equal(ended, 'ENOSPC');
    assert.ok(bytes > (DISK_MB / 2) * MiB && bytes <= DISK_MB * MiB, `${bytes}`);
    const { size, used } = sandbox.disk();
    assert.equal(size, DISK_MB * MiB);
    assert.ok(used <= size, `${used} of ${size}`);
  });

  it('can be emptied by the next run, and then the host has it back', async () => {
    await report(FILL);
    const { bavail, bsize } = await report(EMPTY);
    assert.ok(bavail * bsize > (DISK_MB / 2) * MiB);
    await assertNextRunWorks();
    await waitFor('the image to shrink', () => sandbox.disk().used < 24 * MiB, { ms: 15_000 });
  });

  it('is full of small files, too, and can be emptied', async () => {
    const { code, files } = await report(`
      const fs = require('fs');
      let files = 0, code;
      fs.mkdirSync('/workspace/many');
      try { for (;; files++) fs.writeFileSync('/workspace/many/' + files, ''); } catch (e) { code = e.code; }
      console.log(JSON.stringify({ code, files }));`);
    assert.equal(code, 'ENOSPC');
    assert.ok(files > 5000, `${files}`);
    assert.ok(sandbox.disk().used <= DISK_MB * MiB);
    const { ffree } = await report(EMPTY);
    assert.ok(ffree > 5000);
    await assertNextRunWorks();
  });

  it('fills for its owner only', async () => {
    const other = await instance.createUser();
    await report(FILL);
    assert.equal((await report(FILL, { client: other.client })).ended, 'ENOSPC');
    await report(EMPTY);
  });
});

describe('output', () => {
  const flood = (stream, mb) => `
    const piece = Buffer.alloc(65536, 'x');
    let left = ${mb} * 16;
    (function more() { while (left-- > 0) if (!process.${stream}.write(piece)) return process.${stream}.once('drain', more); })();`;
  const workers = () => instance.service('api').children.map(residentBytes).reduce((a, b) => Math.max(a, b), 0);

  it('of 100 MB is cut at 1 MiB, quickly, in bounded memory', async () => {
    await execute(flood('stdout', 1)); // what a worker keeps after a full answer is no growth
    const before = workers();
    let most = before;
    for (const stream of ['stdout', 'stderr', 'stdout']) {
      const run = execute(flood(stream, 100));
      let ended = false;
      run.finally(() => (ended = true)).catch(() => {});
      const started = performance.now();
      await waitFor('the flood to end', () => ((most = Math.max(most, workers())), ended), { ms: 9000, every: 5 });
      const result = await run;
      assert.equal(result.truncated, true);
      assert.equal(result[stream === 'stdout' ? 'output' : 'error'].length, MiB);
      assert.equal(result.timed_out, false);
      assert.ok(performance.now() - started < 3000, `took ${performance.now() - started} ms`);
      await sandbox.assertOnlyAgent();
    }
    assert.ok(most - before < 24 * MiB, `a worker grew from ${before} to ${most}`);
  });

  it('is cut at its size when streamed, too', async () => {
    let bytes = 0;
    let exit;
    const json = { code: flood('stdout', 100) };
    for await (const event of instance.sse('execute', { key: user.key, json })) {
      if (event.type === 'stdout') {
        bytes += event.data.data.length;
      } else {
        exit = event;
      }
    }
    assert.equal(bytes, MiB);
    assert.equal(exit.type, 'exit');
    assert.equal(exit.data.truncated, true);
  });

  it('of a little less than the cap is whole', async () => {
    const result = await execute(`process.stdout.write('x'.repeat(${MiB}))`);
    assert.equal(result.truncated, false);
    assert.equal(result.output.length, MiB);
    // Every byte of it may need three, and six in JSON.
    const worst = await execute(`process.stdout.write(Buffer.alloc(${MiB}, 0xff))`);
    assert.equal(worst.output, '\ufffd'.repeat(MiB));
    assert.equal((await execute(`process.stdout.write(Buffer.alloc(${MiB}, 1))`)).output, '\u0001'.repeat(MiB));
  });
});

describe('several runs', () => {
  const TIMED = `
    const from = Date.now();
    setTimeout(() => console.log(JSON.stringify([from, Date.now()])), 400);`;

  it('of one user take turns', async () => {
    const times = await Promise.all([1, 2, 3].map(() => report(TIMED)));
    times.sort((a, b) => a[0] - b[0]);
    for (let i = 1; i < times.length; i++) {
      assert.ok(times[i][0] >= times[i - 1][1], JSON.stringify(times));
    }
  });

  it('of two users do not wait for each other', async () => {
    const other = await instance.createUser();
    await execute('1', { client: other.client });
    const long = execute('for (;;);', { timeout_ms: 4000 });
    const started = performance.now();
    await execute('1', { client: other.client });
    assert.ok(performance.now() - started < 2500, `${performance.now() - started} ms`);
    assert.equal((await long).timed_out, true);
  });

  it('beyond the queue are refused, told when to come again', async () => {
    const answers = await Promise.all(Array.from({ length: USER_RUNS }, () => user.client.post('execute', { code: TIMED })));
    const refused = answers.filter((a) => a.status !== 200);
    assert.equal(refused.length, USER_RUNS - 1 - QUEUE, answers.map((a) => a.status).join());
    assertProblem(refused[0], 429, { type: 'rate-limited', detail: /waiting/ });
    await assertNextRunWorks();
  });

  it('beyond what one user may have are refused before they reach the sandbox', async () => {
    const projects = await Promise.all([1, 2].map(async (n) =>
      (await user.client.expect(201, 'POST', 'projects', { json: { name: `p${n}` } })).json.id));
    const calls = ['execute', ...projects.map((id) => `projects/${id}/execute`)].flatMap((path) => [path, path]);
    const answers = await Promise.all(calls.map((path) => user.client.post(path, { code: TIMED })));
    const refused = answers.filter((a) => a.status !== 200);
    assert.equal(refused.length, calls.length - USER_RUNS, answers.map((a) => a.status).join());
    for (const answer of refused) {
      assertProblem(answer, 429, { type: 'rate-limited', detail: /you have 4/ });
    }
    // The refused are not counted: the next is taken.
    await assertNextRunWorks();
  });
});
