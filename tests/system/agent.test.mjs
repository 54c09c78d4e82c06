// The agent in a real container with the limits of the script profile: what it promises about runs.
// Needs Docker, root (loop mounts) and SLIPWAY_TEST_IMAGE.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Box, docker, until } from './lib/agent_box.mjs';

const SECOND = 1000;

// Suites share one container; each test leaves it as it found it.
function withBox(options = {}) {
  const held = {};
  before(async () => {
    held.box = await Box.start(options);
  });
  after(async () => {
    const log = await held.box?.stop();
    if (log && process.exitCode) console.error(log);
  });
  return held;
}

describe('agent: start', () => {
  const held = withBox();

  test('answers within 100 ms of the container start', async () => {
    const times = [held.box.readyMs];
    while (Math.min(...times) >= 100 && times.length < 3) {
      const another = await Box.start();
      times.push(another.readyMs);
      await another.stop();
    }
    assert.ok(Math.min(...times) < 100, `${times} ms`);
  });

  test('health tells version, time and counts', async () => {
    const h = await held.box.health();
    assert.match(h.version, /^\d+\.\d+\.\d+$/);
    assert.deepEqual([h.runs, h.queued], [0, 0]);
    assert.ok(h.uptime_ms >= 0);
  });

  test('its socket belongs to the group of its directory and to nobody else', () => {
    const st = fs.statSync(held.box.socket);
    assert.equal(st.mode & 0o777, 0o660);
    assert.equal(st.gid, fs.statSync(held.box.sockets).gid);
  });

  test('adds little to the run time of a program', async () => {
    const times = [];
    for (let i = 0; i < 50; i++) {
      const from = process.hrtime.bigint();
      const run = await held.box.run({ argv: ['/bin/true'] });
      times.push(Number(process.hrtime.bigint() - from) / 1e6);
      assert.equal(run.exit.exit_code, 0);
    }
    times.sort((a, b) => a - b);
    console.log(`# /bin/true through the agent: median ${times[25].toFixed(1)} ms`);
    assert.ok(times[25] < 20, `median ${times[25]} ms`);
  });
});

describe('agent: stop', () => {
  test('TERM ends it at once, whatever runs', async () => {
    const box = await Box.start();
    try {
      const run = box.begin({ argv: ['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 1; done'] });
      await run.event((e) => e.type === 'stdout');
      run.aborted = true;
      const from = Date.now();
      await docker('stop', '--time', '10', box.name);
      assert.ok(Date.now() - from < 3 * SECOND, `${Date.now() - from} ms`);
      assert.equal(await docker('inspect', '--format', '{{.State.ExitCode}}', box.name), '0');
    } finally {
      await box.stop();
    }
  });
});

describe('agent: runs', () => {
  const held = withBox();

  test('streams stdout and stderr as they come and ends with EXIT', async () => {
    const run = held.box.begin({
      argv: ['sh', '-c', 'echo one; echo two >&2; read x; echo "got $x"; exit 7'],
      stdin: 'word\n',
    });
    await run.done;
    assert.equal(run.status, 200);
    assert.equal(run.response.headers['content-type'], 'application/x-slipway-frames');
    assert.equal(run.events[0].type, 'started');
    assert.ok(run.events[0].data.pid > 1);
    assert.equal(run.stdout, 'one\ngot word\n');
    assert.equal(run.stderr, 'two\n');
    const { duration_ms: duration, ...exit } = run.exit;
    assert.deepEqual(exit, { exit_code: 7, signal: '', timed_out: false, truncated: false,
      oom_killed: false, listening: false });
    assert.ok(duration >= 0 && duration < 5 * SECOND);
    assert.equal(run.events.at(-1).type, 'exit');
    assert.ok(run.whole);
  });

  test('output arrives while the program runs', async () => {
    const run = held.box.begin({
      argv: ['node', '-e', 'console.log("now"); setTimeout(() => console.log("later"), 700)'],
    });
    const now = await run.event((e) => e.type === 'stdout');
    await run.done;
    const exit = run.events.at(-1);
    assert.ok(exit.at - now.at > 400, `${exit.at - now.at} ms`);
    assert.equal(run.stdout, 'now\nlater\n');
  });

  test('stdin ends: a program that reads to the end does not hang', async () => {
    const text = 'x'.repeat(300_000);
    const run = await held.box.run({ argv: ['wc', '-c'], stdin: text });
    assert.equal(run.stdout.trim(), '300000');
    assert.equal((await held.box.sh('cat; echo end')).stdout, 'end\n');
  });

  test('a program that reads no stdin is not held up by it', async () => {
    const run = await held.box.run({ argv: ['/bin/true'], stdin: 'y'.repeat(500_000) });
    assert.equal(run.exit.exit_code, 0);
  });

  test('binary output passes unchanged', async () => {
    const run = await held.box.node(
      'process.stdout.write(Buffer.from([0, 255, 1, 254, 10, 0, 0x80]))');
    assert.deepEqual([...run.bytes('stdout')], [0, 255, 1, 254, 10, 0, 0x80]);
  });

  test('code is the sandbox user, without groups, capabilities or a way back', async () => {
    const run = await held.box.sh(
      'id -u; id -g; id -G; grep -E "^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)" /proc/self/status;' +
      'cat /proc/self/oom_score_adj; umask; ulimit -c; pwd; ls /proc/self/fd | wc -l');
    const lines = run.stdout.trim().split('\n');
    const { uid } = held.box;
    assert.deepEqual(lines.slice(0, 3), [String(uid), String(uid), String(uid)]);
    for (const line of lines.slice(3, 7)) assert.match(line, /^Cap\w+:\s+0+$/);
    assert.match(lines[7], /^NoNewPrivs:\s+1$/);
    assert.deepEqual(lines.slice(8), ['1000', '0022', '0', '/workspace', '4']);
  });

  test('code sees its own environment and nothing of the agent', async () => {
    const run = await held.box.run({ argv: ['env'], env: { GREETING: 'hi there', LANG: 'C' } });
    assert.deepEqual(run.stdout.trim().split('\n').sort(), [
      'GREETING=hi there', 'HOME=/workspace', 'LANG=C', 'PATH=/usr/local/bin:/usr/bin:/bin',
    ]);
  });

  test('code cannot reach the agent: no socket, no memory, no signal', async () => {
    const run = await held.box.sh(
      'ls /run/slipway; cat /proc/1/environ; ls /proc/1/fd; kill -9 1; kill -9 $PPID; echo still');
    assert.equal(run.stdout, 'still\n');
    assert.equal((run.stderr.match(/denied|not permitted/gi) ?? []).length, 5, run.stderr);
    assert.equal((await held.box.health()).runs, 0);
  });

  test('signals have their default meaning', async () => {
    const run = await held.box.sh('cat /proc/self/status; kill -TERM $$');
    const masks = run.stdout.match(/^Sig(Blk|Ign|Cgt):.*$/gm);
    assert.equal(masks.length, 3);
    for (const line of masks) assert.match(line, /\t0{16}$/);
    assert.deepEqual([run.exit.exit_code, run.exit.signal], [-1, 'SIGTERM']);
  });

  test('files of the request are written before the start', async () => {
    const run = await held.box.run({
      argv: ['node', 'deep/er/main.js'],
      write: [{ path: 'deep/er/main.js', content: 'console.log(require("./x.json").v)' },
        { path: 'deep/er/x.json', content: '{"v":"grüß"}' }],
    });
    assert.equal(run.stdout, 'grüß\n');
    const again = await held.box.run({ argv: ['ls'], cwd: 'deep/er' });
    assert.equal(again.stdout, 'main.js\nx.json\n');
  });

  test('what cannot be executed says so like a shell', async () => {
    const none = await held.box.run({ argv: ['no-such-program'] });
    assert.deepEqual([none.exit.exit_code, none.stderr],
      [127, 'slipway: no-such-program: command not found\n']);
    const dir = await held.box.run({ argv: ['/tmp'] });
    assert.equal(dir.exit.exit_code, 126);
    const cwd = await held.box.run({ argv: ['pwd'], cwd: 'not/there' });
    assert.equal(cwd.exit.exit_code, 126);
    assert.match(cwd.stderr, /cwd: no such file: not\/there/);
  });
});

describe('agent: the end of a run leaves nothing behind', () => {
  const held = withBox();

  const ESCAPES = `
    trap '' TERM HUP INT
    setsid sleep 300 &
    (setsid sh -c 'sleep 301 & sleep 302' &) &
    sh -c 'trap "" TERM; while :; do sleep 303; done' &
    nohup sleep 304 >/dev/null 2>&1 &
  `;

  test('the deadline kills everything, daemons and ignored signals included', async () => {
    const run = await held.box.sh(`${ESCAPES} echo ready; wait`, { timeout_ms: 500 });
    assert.equal(run.stdout, 'ready\n');
    assert.equal(run.exit.timed_out, true);
    assert.equal(run.exit.signal, 'SIGKILL');
    assert.ok(run.exit.duration_ms >= 500 && run.exit.duration_ms < 1500, run.exit.duration_ms);
    await held.box.assertNothingRuns();
  });

  test('EXIT comes after the last process is gone', async () => {
    const run = held.box.begin({ argv: ['sh', '-c', `${ESCAPES} echo ready; wait`], timeout_ms: 300 });
    await run.event((e) => e.type === 'exit');
    const probe = await held.box.sh('cat /proc/[0-9]*/comm | grep -c sleep');
    assert.equal(probe.stdout, '0\n');
    await run.done;
  });

  test('children that hold stdout do not hold the end', async () => {
    const from = Date.now();
    const run = await held.box.sh('echo first; sleep 300 & (sleep 300 &) ; setsid sleep 300 & exit 3');
    assert.ok(Date.now() - from < 3 * SECOND);
    assert.equal(run.stdout, 'first\n');
    assert.equal(run.exit.exit_code, 3);
    await held.box.assertNothingRuns();
  });

  test('output written just before the end is not lost', async () => {
    const run = await held.box.sh('head -c 200000 /dev/zero | tr "\\0" a; (sleep 300 &); exit 0');
    assert.equal(run.bytes('stdout').length, 200_000);
  });

  test('DELETE kills, and answers when it is done', async () => {
    const run = held.box.begin({ argv: ['sh', '-c', `${ESCAPES} echo ready; wait`] });
    await run.event((e) => e.type === 'stdout');
    const answer = await held.box.call('DELETE', `/v1/runs/${run.id}`);
    assert.equal(answer.status, 204);
    await held.box.assertNothingRuns();
    await run.done;
    assert.deepEqual([run.exit.signal, run.exit.timed_out], ['SIGKILL', false]);
    assert.equal((await held.box.call('DELETE', `/v1/runs/${run.id}`)).status, 204);
  });

  test('a client that goes away kills its run', async () => {
    const run = held.box.begin({ argv: ['sh', '-c', `${ESCAPES} echo ready; wait`] });
    await run.event((e) => e.type === 'stdout');
    run.abort();
    await held.box.assertNothingRuns();
    await until('the place is free', async () => (await held.box.health()).runs === 0);
  });

  test('a fork bomb stays within its PIDs and dies', async () => {
    const bomb = 'const {fork} = require("child_process");' +
      'const go = () => { try { fork(__filename).on("error", () => {}); } catch {} };' +
      'setInterval(go, 1); go();';
    const js = await held.box.node(bomb, { timeout_ms: 1500 });
    assert.equal(js.exit.timed_out, true);
    await held.box.assertNothingRuns();
    const run = await held.box.sh('b() { b | b & b | b & }; b; sleep 300', { timeout_ms: 1500 });
    assert.ok(run.exit, 'EXIT came');
    await held.box.assertNothingRuns();
    assert.equal((await held.box.sh('echo fine')).stdout, 'fine\n');
  });

  test('orphans become no zombies', async () => {
    const run = await held.box.sh('for i in 1 2 3 4 5 6 7 8; do (true & true &) ; done; sleep 0.3;' +
      'grep -l "^State:.Z" /proc/[0-9]*/status | wc -l');
    assert.equal(run.stdout, '0\n');
    await held.box.assertNothingRuns();
  });

  test('a memory hog is killed and the next run works', async () => {
    const run = await held.box.node(
      'const a = []; for (;;) a.push(Buffer.alloc(16 << 20, 1));', { timeout_ms: 30_000 });
    assert.equal(run.exit.oom_killed, true);
    assert.equal(run.exit.signal, 'SIGKILL');
    assert.equal(run.exit.timed_out, false);
    const next = await held.box.sh('echo fine');
    assert.equal(next.stdout, 'fine\n');
    assert.equal(next.exit.oom_killed, false);
  });

  test('many processes that hog memory leave the agent alone', async () => {
    const hog = 'node -e "const a=[];for(;;)a.push(Buffer.alloc(8<<20,1))" & ';
    const run = await held.box.sh(`${hog.repeat(6)} wait; echo survived`, { timeout_ms: 60_000 });
    assert.equal(run.exit.oom_killed, true);
    assert.equal((await held.box.sh('echo fine')).stdout, 'fine\n');
    await held.box.assertNothingRuns();
  });
});

describe('agent: output', () => {
  const held = withBox();

  test('is cut at exactly the cap and the run ended', async () => {
    const run = await held.box.sh('yes', { output_max_bytes: 100_000 });
    assert.equal(run.bytes('stdout').length, 100_000);
    assert.deepEqual([run.exit.truncated, run.exit.timed_out], [true, false]);
    await held.box.assertNothingRuns();
  });

  test('of exactly the cap is whole', async () => {
    const run = await held.box.sh('head -c 4096 /dev/zero', { output_max_bytes: 4096 });
    assert.equal(run.bytes('stdout').length, 4096);
    assert.deepEqual([run.exit.truncated, run.exit.exit_code], [false, 0]);
  });

  test('stderr has a cap of its own', async () => {
    const run = await held.box.sh('echo kept; yes >&2', { output_max_bytes: 5000 });
    assert.equal(run.stdout, 'kept\n');
    assert.equal(run.bytes('stderr').length, 5000);
    assert.equal(run.exit.truncated, true);
  });

  test('of 100 MB costs no memory and ends in time', async () => {
    const from = Date.now();
    const run = await held.box.node(
      'const b = Buffer.alloc(1 << 20, 65);' +
      'const go = (n) => n && process.stdout.write(b, () => go(n - 1)); go(100);',
      { output_max_bytes: 1 << 20, timeout_ms: 20_000 });
    assert.equal(run.bytes('stdout').length, 1 << 20);
    assert.equal(run.exit.truncated, true);
    assert.ok(Date.now() - from < 10 * SECOND);
  });

  test('a client that does not read stops the program, and the deadline still counts', async () => {
    const run = held.box.begin({ argv: ['yes'], output_max_bytes: 1 << 30, timeout_ms: 1500 });
    await until('the answer began', () => run.response);
    run.response.pause();
    await until('the run ended by its deadline', async () => (await held.box.health()).runs === 0);
    const memory = Number(await docker('exec', held.box.name, 'grep', 'VmRSS', '/proc/1/status')
      .then((line) => line.match(/\d+/)[0]));
    assert.ok(memory < 16 * 1024, `the agent holds ${memory} kB`);
    run.response.resume();
    await run.done;
    assert.equal(run.exit.timed_out, true);
    const got = run.bytes('stdout').length;
    assert.ok(got > 64 * 1024 && got < 16 << 20, `${got} bytes`);
  });
});

describe('agent: queue', () => {
  const held = withBox({ queue: 2 });

  test('one run at a time; others wait, hear their position, and too many get 429', async () => {
    const first = held.box.begin({ argv: ['sh', '-c', 'echo go; read x'], timeout_ms: 10_000,
      stdin: '' });
    await first.done;
    const slow = held.box.begin({ argv: ['sleep', '300'] });
    await slow.event((e) => e.type === 'started');
    const second = held.box.begin({ argv: ['echo', 'second'] });
    await second.event((e) => e.type === 'queued');
    const third = held.box.begin({ argv: ['echo', 'third'] });
    await third.event((e) => e.type === 'queued');
    assert.deepEqual(await held.box.health().then((h) => [h.runs, h.queued]), [1, 2]);
    const fourth = await held.box.run({ argv: ['echo', 'fourth'] });
    assert.equal(fourth.status, 429);
    assert.equal(fourth.problem.kind, 'rate_limited');
    assert.ok(Number(fourth.response.headers['retry-after']) >= 1);
    await held.box.call('DELETE', `/v1/runs/${slow.id}`);
    await Promise.all([slow.done, second.done, third.done]);
    const heard = (run) => run.events.filter((e) => e.type === 'queued').map((e) => e.data.position);
    assert.deepEqual(heard(second), [1]);
    assert.deepEqual(heard(third), [2, 1]);
    assert.deepEqual([second.stdout, third.stdout], ['second\n', 'third\n']);
  });

  test('who leaves the queue makes room; DELETE takes a waiting run out', async () => {
    const slow = held.box.begin({ argv: ['sleep', '300'] });
    await slow.event((e) => e.type === 'started');
    const leaves = held.box.begin({ argv: ['echo', 'never'] });
    await leaves.event((e) => e.type === 'queued');
    leaves.abort();
    await until('it left', async () => (await held.box.health()).queued === 0);
    const deleted = held.box.begin({ argv: ['echo', 'never'] });
    await deleted.event((e) => e.type === 'queued');
    assert.equal((await held.box.call('DELETE', `/v1/runs/${deleted.id}`)).status, 204);
    await deleted.done;
    assert.equal(deleted.stdout, '');
    assert.equal(deleted.exit.signal, 'SIGKILL');
    await held.box.call('DELETE', `/v1/runs/${slow.id}`);
    await slow.done;
  });

  test('an id that is in use is refused', async () => {
    const run = held.box.begin({ argv: ['sleep', '300'] });
    await run.event((e) => e.type === 'started');
    const again = await held.box.run({ id: run.id, argv: ['true'] });
    assert.deepEqual([again.status, again.problem.kind], [409, 'conflict']);
    await held.box.call('DELETE', `/v1/runs/${run.id}`);
    await run.done;
  });

  test('files are written when the run starts, not when it queues', async () => {
    const slow = held.box.begin({ argv: ['sh', '-c', 'sleep 0.3; cat a.txt'],
      write: [{ path: 'a.txt', content: 'mine' }] });
    await slow.event((e) => e.type === 'started');
    const next = held.box.begin({ argv: ['cat', 'a.txt'], write: [{ path: 'a.txt', content: 'other' }] });
    await Promise.all([slow.done, next.done]);
    assert.deepEqual([slow.stdout, next.stdout], ['mine', 'other']);
  });
});

describe('agent: two runs at once', () => {
  const held = withBox({ runsMax: 2, pids: 128 });

  test('the end of one does not touch the other', async () => {
    const stays = held.box.begin({
      argv: ['node', '-e', 'require("child_process").spawn("sleep", ["311"], {detached: true});' +
        'console.log("up"); setTimeout(() => { console.log(require("child_process")' +
        '.execSync("cat /proc/[0-9]*/comm | grep -c sleep").toString().trim());' +
        'process.exit(0); }, 2500)'],
      timeout_ms: 8000 });
    await stays.event((e) => e.type === 'stdout');
    const bomb = await held.box.sh('setsid sleep 300 & (sleep 300 &); while :; do sleep 0.01; done',
      { timeout_ms: 600 });
    assert.equal(bomb.exit.timed_out, true);
    assert.equal(bomb.exit.oom_killed, false);
    await stays.done;
    assert.equal(stays.stdout, 'up\n1\n');
    assert.equal(stays.exit.exit_code, 0);
    await held.box.assertNothingRuns();
  });
});

describe('agent: two runs and one sandbox', () => {
  const held = withBox({ runsMax: 2 });

  test('a socket of one run is not taken for the other\'s', async () => {
    const { box } = held;
    const other = box.begin({ argv: ['node', '-e',
      'setTimeout(() => require("http").createServer().listen(4000, () => console.log("up")), 300)'] });
    await other.event((e) => e.type === 'started');
    const quiet = box.begin({ probe_listen: true,
      argv: ['node', '-e', 'setTimeout(() => console.log("quiet"), 900)'] });
    await other.event((e) => e.type === 'stdout');
    await quiet.done;
    assert.deepEqual([quiet.stdout, quiet.listening, quiet.exit.listening], ['quiet\n', undefined, false]);
    const mine = await box.run({ probe_listen: true,
      argv: ['node', '-e', 'require("http").createServer((q, r) => r.end("mine")).listen(4001)'] });
    assert.deepEqual([mine.listening.port, mine.listening.body], [4001, 'mine']);
    await box.call('DELETE', `/v1/runs/${other.id}`);
    await other.done;
  });

  test('with no process left a new run is told so, and works when there is room again', async () => {
    const { box } = held;
    const greedy = box.begin({ argv: ['node', '-e', `
      const { spawn } = require('child_process');
      let n = 0;
      const more = () => spawn('sleep', ['300']).on('error', () => { if (!n++) console.log('full'); })
        .on('spawn', more);
      more();`] });
    await greedy.event((e) => e.type === 'stdout');
    const refused = await box.run({ argv: ['true'] });
    assert.deepEqual([refused.status, refused.problem?.kind], [503, 'unavailable']);
    assert.match(refused.problem.detail, /process/);
    await box.call('DELETE', `/v1/runs/${greedy.id}`);
    await greedy.done;
    assert.equal((await box.sh('echo fine')).stdout, 'fine\n');
  });
});

describe('agent: a run that listens', () => {
  // Docker gives a container without a network no ::1 unless told to.
  const held = withBox({ args: ['--sysctl', 'net.ipv6.conf.lo.disable_ipv6=0'] });
  const server = (listen, answer = 'r.end("hello from " + q.headers.host)') =>
    `require('http').createServer((q, r) => { ${answer} }).listen(${listen});console.log('started')`;

  for (const [name, listen] of [['any address', '3000'], ['IPv4 loopback', '3001, "127.0.0.1"'],
    ['IPv6 loopback', '3002, "::1"'], ['IPv4 any', '3003, "0.0.0.0"']]) {
    test(`on ${name} is probed and ended`, async () => {
      const from = Date.now();
      const run = await held.box.node(server(listen), { probe_listen: true });
      const port = Number(listen.slice(0, 4));
      assert.deepEqual({ ...run.listening, content_type: undefined }, { port, status: 200,
        content_type: undefined, body: `hello from localhost:${port}`, truncated: false });
      assert.deepEqual([run.exit.listening, run.exit.timed_out], [true, false]);
      assert.equal(run.stdout, 'started\n');
      assert.ok(Date.now() - from < 4 * SECOND);
      await held.box.assertNothingRuns();
    });
  }

  test('on any address is probed where there is no IPv6', async () => {
    const box = await Box.start();
    try {
      const run = await box.node(server('3000'), { probe_listen: true });
      assert.equal(run.listening.status, 200);
    } finally {
      await box.stop();
    }
  });

  test('in a daemonised child is found too', async () => {
    const run = await held.box.run({ probe_listen: true,
      argv: ['sh', '-c', 'setsid node srv.js & wait'],
      write: [{ path: 'srv.js', content: server('3010') }] });
    assert.equal(run.listening.status, 200);
    await held.box.assertNothingRuns();
  });

  test('status, content type and an error page are told as they are', async () => {
    const run = await held.box.node(server('3000',
      'r.statusCode = 500; r.setHeader("content-type", "text/html; charset=utf-8"); r.end("<b>ö</b>")'),
    { probe_listen: true });
    assert.deepEqual(run.listening, { port: 3000, status: 500,
      content_type: 'text/html; charset=utf-8', body: '<b>ö</b>', truncated: false });
  });

  test('resets at first are tried again', async () => {
    const run = await held.box.node(`
      let n = 0; const s = require('net').createServer((c) => {
        if (n++ < 5) { c.resetAndDestroy(); return; }
        c.on('data', () => c.end('HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nready')); }).listen(3000)`,
    { probe_listen: true });
    assert.equal(run.listening.body, 'ready');
  });

  test('what speaks no HTTP is told by port and error', async () => {
    const run = await held.box.node(
      `require('net').createServer((c) => c.write('220 mail ready\\r\\n')).listen(2525)`,
      { probe_listen: true });
    assert.equal(run.listening.port, 2525);
    assert.match(run.listening.error, /HTTP/);
    assert.equal(run.exit.listening, true);
  });

  test('what accepts and stays silent is given up after five seconds', async () => {
    const run = await held.box.node(`require('net').createServer(() => {}).listen(3000)`,
      { probe_listen: true });
    assert.equal(run.listening.port, 3000);
    assert.ok(run.listening.error);
    assert.ok(run.exit.duration_ms > 4000 && run.exit.duration_ms < 8000);
  });

  test('the deadline of the run comes first: still listening, not timed out', async () => {
    const run = await held.box.node(`require('net').createServer(() => {}).listen(3000)`,
      { probe_listen: true, timeout_ms: 1500 });
    assert.ok(run.listening.error);
    assert.deepEqual([run.exit.listening, run.exit.timed_out], [true, false]);
  });

  test('an endless, huge or binary body is cut and made valid text', async () => {
    const endless = await held.box.node(server('3000', 'setInterval(() => r.write("x".repeat(9999)), 1)'),
      { probe_listen: true });
    assert.equal(endless.listening.body.length, 64 * 1024);
    assert.equal(endless.listening.truncated, true);
    const binary = await held.box.node(server('3000', 'r.end(Buffer.alloc(60000, 1))'),
      { probe_listen: true });
    assert.equal(binary.listening.truncated, true);
    const bad = await held.box.node(server('3000', 'r.end(Buffer.from([65, 255, 66]))'),
      { probe_listen: true });
    assert.equal(bad.listening.body, 'A\ufffdB');
  });

  test('without probe_listen a server runs to its deadline', async () => {
    const run = await held.box.node(server('3000'), { timeout_ms: 800 });
    assert.equal(run.listening, undefined);
    assert.deepEqual([run.exit.listening, run.exit.timed_out], [false, true]);
  });

  test('a program that ends by itself is not held up', async () => {
    const run = await held.box.node('console.log(1 + 1)', { probe_listen: true });
    assert.deepEqual([run.stdout, run.exit.exit_code, run.exit.listening], ['2\n', 0, false]);
  });
});

describe('agent: files', () => {
  const held = withBox({ diskMb: 48 });

  test('written, read and deleted; parents are made; owned by the sandbox user', async () => {
    const { box } = held;
    const put = await box.call('PUT', '/v1/files/a/b/%C3%BC%20x.txt?mode=0755', 'content');
    assert.equal(put.status, 204);
    const st = fs.statSync(path.join(box.workspace, 'a/b/ü x.txt'));
    assert.deepEqual([st.uid, st.gid, st.mode & 0o777], [box.uid, box.uid, 0o755]);
    const got = await box.call('GET', '/v1/files/a/b/%C3%BC%20x.txt');
    assert.deepEqual([got.status, got.bytes.toString()], [200, 'content']);
    assert.equal((await box.call('DELETE', '/v1/files/a/b/%C3%BC%20x.txt')).status, 204);
    assert.equal((await box.call('GET', '/v1/files/a/b/%C3%BC%20x.txt')).status, 404);
    assert.equal((await box.call('DELETE', '/v1/files/a')).status, 204);
    assert.equal((await box.call('DELETE', '/v1/files/a')).status, 404);
    assert.deepEqual(fs.readdirSync(box.workspace).filter((n) => n.startsWith('.slipway')), []);
  });

  test('of 10 MiB pass, larger ones do not and leave nothing', async () => {
    const { box } = held;
    const big = Buffer.alloc(10 << 20, 'slipway');
    assert.equal((await box.call('PUT', '/v1/files/big', big)).status, 204);
    assert.ok((await box.call('GET', '/v1/files/big')).bytes.equals(big));
    const over = await box.call('PUT', '/v1/files/over', Buffer.concat([big, Buffer.from('x')]));
    assert.deepEqual([over.status, over.json.kind], [413, 'too_large']);
    const chunked = await box.call('PUT', '/v1/files/over', Buffer.concat([big, Buffer.from('x')]),
      { 'transfer-encoding': 'chunked' });
    assert.equal(chunked.status, 413);
    assert.equal((await box.call('DELETE', '/v1/files/big')).status, 204);
    assert.deepEqual(fs.readdirSync(box.workspace).filter((n) => /over|slipway/.test(n)), []);
  });

  test('hostile paths are refused', async () => {
    const { box } = held;
    for (const p of ['../x', 'a/../../x', '%2e%2e/x', '/etc/passwd', 'a//b', 'a/./b', 'a%00b', 'a%5cb',
      'a%0ab', '%ff%fe', 'x'.repeat(300), `${'d/'.repeat(40)}x`, 'a/', '.', '%zz', '%2']) {
      const put = await box.call('PUT', `/v1/files/${p}`, 'x');
      assert.ok([400, 404].includes(put.status), `${p}: ${put.status}`);
      const get = await box.call('GET', `/v1/files/${p}`);
      assert.ok([400, 404].includes(get.status), `${p}: ${get.status}`);
    }
    const run = await box.run({ argv: ['true'], write: [{ path: '../x', content: '' }] });
    assert.equal(run.status, 400);
  });

  test('links out of the workspace are not followed, nor other things opened', async () => {
    const { box } = held;
    await box.sh('ln -s /etc out; ln -s /etc/passwd pw; ln -s ../../.. up; ln -s /proc/self/root magic;' +
      'mkfifo fifo; mkdir in; echo inner > in/f; ln -s in link; ln -s in/f flink');
    for (const p of ['out/passwd', 'pw', 'up/etc/passwd', 'magic/etc/passwd', 'fifo', 'in']) {
      const get = await box.call('GET', `/v1/files/${p}`);
      assert.equal(get.status, 400, `${p}: ${get.status} ${get.bytes}`);
    }
    for (const p of ['out/slipway-test', 'up/slipway-test', 'magic/tmp/slipway-test']) {
      const put = await box.call('PUT', `/v1/files/${p}`, 'x');
      assert.equal(put.status, 400, `${p}: ${put.status}`);
      assert.equal((await box.call('DELETE', `/v1/files/${p}`)).status, 400);
    }
    assert.equal((await box.call('GET', '/v1/files/link/f')).bytes.toString(), 'inner\n');
    assert.equal((await box.call('GET', '/v1/files/flink')).bytes.toString(), 'inner\n');
    // A put replaces the link itself.
    assert.equal((await box.call('PUT', '/v1/files/pw', 'mine')).status, 204);
    assert.equal((await box.call('GET', '/v1/files/pw')).bytes.toString(), 'mine');
    for (const p of ['out', 'up', 'magic', 'link', 'flink', 'in', 'pw', 'fifo']) {
      assert.equal((await box.call('DELETE', `/v1/files/${p}`)).status, 204, p);
    }
  });

  test('can do no more than the code: what the code may not write, it may not either', async () => {
    const { box } = held;
    await box.sh('mkdir ro; echo keep > ro/f; chmod 500 ro; mkdir secret; echo s > secret/f; chmod 0 secret');
    assert.equal((await box.call('PUT', '/v1/files/ro/new', 'x')).status, 403);
    assert.equal((await box.call('GET', '/v1/files/secret/f')).status, 403);
    await box.sh('chmod 700 ro secret; rm -r ro secret');
  });

  test('a full disk is 507, and the half file is gone', async () => {
    const { box } = held;
    await box.sh('head -c 100M /dev/zero > fill; true', { timeout_ms: 30_000 });
    const put = await box.call('PUT', '/v1/files/half', Buffer.alloc(5 << 20, 1));
    assert.deepEqual([put.status, put.json.kind], [507, 'no_space']);
    const run = await box.run({ argv: ['true'],
      write: [{ path: 'half', content: 'x'.repeat(1 << 20) }] });
    assert.deepEqual([run.status, run.problem.kind], [507, 'no_space']);
    assert.deepEqual(fs.readdirSync(box.workspace).filter((n) => /half|slipway/.test(n)), []);
    await box.sh('rm fill');
    assert.equal((await box.call('PUT', '/v1/files/half', 'fits')).status, 204);
    await box.call('DELETE', '/v1/files/half');
  });

  test('the tree lists everything once, names node_modules without entering it', async () => {
    const { box } = held;
    await box.sh('rm -rf ./*; mkdir -p d/e node_modules/m .git/o; echo hey > d/e/f; chmod 640 d/e/f;' +
      'touch node_modules/m/x .git/o/x; ln -s d l; mkfifo p; touch "$(printf "bad\\377")"');
    const tree = (await box.call('GET', '/v1/tree')).json;
    assert.equal(tree.truncated, false);
    const seen = tree.items.filter((i) => i.path !== 'lost+found' && i.path !== 'main.js');
    assert.deepEqual(seen.map((i) => [i.path, i.type]), [['.git', 'dir'], ['d', 'dir'],
      ['d/e', 'dir'], ['d/e/f', 'file'], ['l', 'link'], ['node_modules', 'dir']]);
    assert.deepEqual({ ...seen[3] }, { path: 'd/e/f', size: 4, mode: 0o640, type: 'file' });
    await box.sh('rm -rf ./* ./.git');
  });

  test('a deep and wide tree is bounded, and can be deleted', async () => {
    const { box } = held;
    await box.node(`const fs = require('fs'); fs.mkdirSync('many');
      for (let i = 0; i < 3000; i++) fs.writeFileSync('many/' + i, '');
      fs.mkdirSync('deep'); process.chdir('deep');
      for (let i = 0; i < 1000; i++) { fs.mkdirSync('d'); process.chdir('d'); }`);
    const tree = (await box.call('GET', '/v1/tree')).json;
    assert.ok(tree.items.length > 3000 && tree.items.length <= 10_000);
    for (const p of ['deep', 'many']) {
      assert.equal((await box.call('DELETE', `/v1/files/${p}`)).status, 204, p);
    }
    const left = fs.readdirSync(box.workspace).filter((n) => n !== 'lost+found' && n !== 'main.js');
    assert.deepEqual(left, []);
  });
});

describe('agent: tar', () => {
  const held = withBox();

  // One ustar entry.
  function entry(name, content = '', { type = '0', size, link = '', prefix = '', mode = '0000644' } = {}) {
    const head = Buffer.alloc(512);
    const body = Buffer.from(content);
    head.write(name, 0, 100);
    head.write(`${mode}\0`, 100);
    head.write('0000000\0', 108);
    head.write('0000000\0', 116);
    head.write(`${(size ?? body.length).toString(8).padStart(11, '0')}\0`, 124);
    head.write('00000000000\0', 136);
    head.write('        ', 148);
    head.write(type, 156);
    head.write(link, 157);
    head.write('ustar\x0000', 257, 'latin1');
    head.write(prefix, 345);
    const sum = head.reduce((a, b) => a + b, 0);
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return Buffer.concat([head, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
  }
  const END = Buffer.alloc(1024);
  const put = (...entries) => held.box.call('PUT', '/v1/tar', Buffer.concat([...entries, END]));

  test('goes in and comes out the same', async () => {
    const { box } = held;
    const long = `${'long-directory-name/'.repeat(8)}file-ü.txt`;
    const pax = `path=${long}\n`;
    const bytes = Buffer.byteLength(pax);
    let n = bytes + 3;
    while (bytes + String(n).length + 1 !== n) n = bytes + String(n).length + 1;
    const answer = await put(entry('./', '', { type: '5' }), entry('./src/', '', { type: '5' }),
      entry('src/run.sh', '#!/bin/sh\necho ran\n', { mode: '0000755' }), entry('empty', ''),
      entry('x', `${n} ${pax}`, { type: 'x' }), entry('cut', 'deep'),
      entry('name', 'joined', { prefix: 'pre/fix' }));
    assert.equal(answer.status, 204, String(answer.bytes));
    assert.equal((await box.run({ argv: ['./src/run.sh'] })).stdout, 'ran\n');
    assert.equal((await box.run({ argv: ['cat', long, 'pre/fix/name', 'empty'] })).stdout, 'deepjoined');
    await box.sh('mkdir node_modules; touch node_modules/x');
    const out = await box.call('GET', '/v1/tar');
    assert.deepEqual([out.status, out.headers['content-type']], [200, 'application/x-tar']);
    await box.sh('rm -rf ./*');
    fs.writeFileSync(path.join(box.dir, 'out.tar'), out.bytes);
    const { execFileSync } = await import('node:child_process');
    const names = execFileSync('tar', ['-tf', path.join(box.dir, 'out.tar')],
      { env: { ...process.env, LC_ALL: 'C.UTF-8' } }).toString();
    assert.match(names, /src\/run\.sh/);
    assert.match(names, /file-/);
    assert.doesNotMatch(names, /node_modules/);
    assert.equal((await box.call('PUT', '/v1/tar', out.bytes)).status, 204);
    assert.equal((await box.run({ argv: ['cat', long] })).stdout, 'deep');
    await box.sh('rm -rf ./*');
  });

  test('what is hostile is refused with its name', async () => {
    const { box } = held;
    const cases = [
      [[entry('../evil', 'x')], /\.\./], [[entry('/etc/evil', 'x')], /relative/],
      [[entry('a/../../evil', 'x')], /\.\./],
      [[entry('link', '', { type: '2', link: '/etc' })], /link/], [[entry('hard', '', { type: '1', link: 'x' })], /hard/],
      [[entry('dev', '', { type: '3' })], /dev/], [[entry('fifo', '', { type: '6' })], /fifo/],
      [[entry('bad\n', 'x')], /control/], [[entry('huge', '', { size: 0o77777777777 })], /larger/],
      [[Buffer.alloc(512, 'garbage')], /checksum/],
      [[entry('p', '99 path=x\n', { type: 'x' }), entry('f', '')], /extended/],
      [[entry('g', 'GNU', { type: 'L' })], /pax/],
    ];
    for (const [entries, detail] of cases) {
      const answer = await put(...entries);
      assert.ok([400, 413].includes(answer.status), `${detail}: ${answer.status}`);
      assert.match(answer.json.detail, detail);
    }
    const cut = await box.call('PUT', '/v1/tar', entry('cut', 'x'.repeat(5000)).subarray(0, 2000));
    assert.match(cut.json.detail, /cut short/);
    assert.equal((await box.call('PUT', '/v1/tar', '')).status, 400);
    assert.equal(fs.existsSync(path.join(box.dir, 'evil')), false);
    assert.deepEqual(fs.readdirSync(box.workspace).filter((n) => n !== 'lost+found'), []);
  });

  test('a link that waits in the workspace leads nothing out', async () => {
    const { box } = held;
    await box.sh('ln -s /tmp t; ln -s /tmp/target f');
    assert.equal((await put(entry('t/evil', 'x'))).status, 204);
    assert.equal((await put(entry('f', 'mine'))).status, 204);
    assert.equal((await box.sh('ls /tmp; cat t/evil f; test -L t || test -L f || echo replaced')).stdout, 'xminereplaced\n');
    await box.sh('rm -rf ./*');
  });

  test('too many entries are refused', async () => {
    const many = Buffer.concat(Array.from({ length: 10_001 }, () => entry('same', '')));
    const answer = await put(many);
    assert.deepEqual([answer.status, answer.json.kind], [413, 'too_large']);
    await held.box.call('DELETE', '/v1/files/same');
  });

  test('a full disk is 507', async () => {
    const answer = await put(entry('big', Buffer.alloc(80 << 20, 1)));
    assert.deepEqual([answer.status, answer.json.kind], [507, 'no_space']);
    assert.deepEqual(fs.readdirSync(held.box.workspace).filter((n) => n !== 'lost+found'), []);
  });
});

describe('agent: requests', () => {
  const held = withBox();

  const raw = (bytes) => new Promise((resolve, reject) => {
    const socket = net.connect(held.box.socket);
    const pieces = [];
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', (e) => (pieces.length ? resolve(Buffer.concat(pieces).toString()) : reject(e)));
    socket.on('close', () => resolve(Buffer.concat(pieces).toString()));
    socket.write(bytes);
  });

  test('bad ones get an error and a closed connection', async () => {
    for (const bytes of ['GARBAGE\r\n\r\n', 'GET /v1/health HTTP/2.0\r\n\r\n',
      'GET /v1/health HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'GET /v1/health HTTP/1.1\r\nHost : a\r\n\r\n',
      `GET /v1/health HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`]) {
      const answer = await raw(bytes);
      assert.match(answer, /^HTTP\/1\.1 (400|413) /, bytes.slice(0, 60));
      assert.match(answer, /Connection: close/);
    }
  });

  test('several on one connection are answered in order', async () => {
    const one = 'GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n';
    const answer = await raw(one + one + one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    assert.equal(answer.match(/HTTP\/1\.1 200 OK/g).length, 3);
  });

  test('run requests are checked field by field', async () => {
    const bad = [['{', /JSON/], ['[]', /object/], ['{}', /id/], ['{"id":"a b","argv":["x"]}', /id/],
      ['{"id":"x","argv":[]}', /argv/], ['{"id":"x","argv":[1]}', /argv/], ['{"id":"x","argv":[""]}', /argv/],
      ['{"id":"x","argv":["x"],"timeout_ms":0}', /timeout_ms/],
      ['{"id":"x","argv":["x"],"env":{"A=B":"c"}}', /env/], ['{"id":"x","argv":["x"],"cwd":"/etc"}', /cwd/],
      ['{"id":"x","argv":["x"],"nonsense":1}', /nonsense/], [`{"id":"x","argv":["x\\u0000y"]}`, /NUL|u0000/],
      [`${'['.repeat(100)}`, /nested/]];
    for (const [body, detail] of bad) {
      const answer = await held.box.call('POST', '/v1/runs', body);
      assert.equal(answer.status, 400, body);
      assert.match(answer.json.detail, detail, body);
    }
    const huge = await held.box.call('POST', '/v1/runs', Buffer.alloc(20 << 20, 32));
    assert.equal(huge.status, 413);
    assert.equal((await held.box.call('GET', '/v1/nothing')).status, 404);
    assert.equal((await held.box.call('PATCH', '/v1/health')).status, 404);
  });

  test('one that trickles is cut off, others are served meanwhile', { timeout: 60_000 }, async () => {
    const sockets = Array.from({ length: 80 }, () => {
      const s = net.connect(held.box.socket);
      s.on('error', () => {});
      s.write('GET /v1/health HTTP/1.1\r\n');
      return s;
    });
    const from = Date.now();
    assert.ok(await held.box.health());
    assert.ok(Date.now() - from < 15 * SECOND);
    await Promise.all(sockets.map((s) => s.closed || new Promise((resolve) => s.once('close', resolve))));
  });
});

describe('agent: over TCP', () => {
  test('wants its token, and takes no other', async () => {
    const token = 'a-token-of-enough-bytes';
    const box = await Box.start({
      env: { SLIPWAY_AGENT_TOKEN: token, SLIPWAY_LISTEN: 'tcp:127.0.0.1:7070' }, ready: false });
    // Nothing outside reaches a container without a network: its own shell speaks to the agent.
    const ask = (value) => docker('exec', '--user', String(box.uid), box.name, 'node', '-e', `
      require('http').get({ port: 7070, path: '/v1/health', headers: ${JSON.stringify(
    value === undefined ? {} : { authorization: value })} },
      (r) => { console.log(r.statusCode); process.exit(); }).on('error', () => process.exit(1))`);
    try {
      await until('it answers', () => ask(`Bearer ${token}`).catch(() => null));
      assert.equal(await ask(`Bearer ${token}`), '200');
      for (const wrong of [undefined, `Bearer ${token}x`, `Bearer ${token.slice(1)}`, 'Bearer ', token]) {
        assert.equal(await ask(wrong), '401', wrong);
      }
    } finally {
      await box.stop();
    }
  });

  test('without a token it does not start', async () => {
    const box = await Box.start({ env: { SLIPWAY_LISTEN: 'tcp:127.0.0.1:7070' }, ready: false });
    await docker('wait', box.name);
    assert.match(await box.stop(), /SLIPWAY_AGENT_TOKEN/);
  });
});
