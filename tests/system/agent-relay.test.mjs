// The relay of an app's sandbox, over TCP from outside, to real apps. Needs Docker and root (loop mounts).

import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomBytes, randomUUID } from 'node:crypto';
import net from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Box, docker, until } from './lib/agent_box.mjs';

const RELAY_PORT = 7411;
const LIMIT = 512;
const SECRET = randomBytes(32).toString('hex');
const OTHER_SECRET = SECRET.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
const SECOND = 1000;
const MIB = 1024 * 1024;
const BIG = 100 * MIB;

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const now = () => performance.timeOrigin + performance.now();

// One container for all, on a network from which nothing else is reached; nothing runs at each test's begin.
const held = {};
before(async () => {
  held.network = `slipway-relay-test-${randomUUID().slice(0, 8)}`;
  await docker('network', 'create', '--internal', '--label', 'slipway.test=agent', held.network);
  held.box = await Box.start({ app: true, network: held.network, runsMax: 2,
    env: { SLIPWAY_RELAY_SECRET: SECRET }, args: ['--sysctl', 'net.ipv6.conf.lo.disable_ipv6=0'] });
  held.host = await docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', held.box.name);
});
beforeEach(async () => {
  await held.box.stopApp();
  await held.box.sh('rm -rf /workspace/* /workspace/.[a-z]*');
});
after(async () => {
  const log = await held.box?.stop();
  await docker('network', 'rm', held.network);
  if (log && process.exitCode) console.error(log);
});

// A connection to the relay: its answer's line, and what comes behind it.
class Caller {
  rest = [];
  #head = Buffer.alloc(0);

  constructor(first) {
    this.began = now();
    this.socket = net.connect({ host: held.host, port: RELAY_PORT, allowHalfOpen: true });
    this.socket.setNoDelay();
    this.answer = new Promise((resolve) => { this.#answered = resolve; });
    this.ended = new Promise((resolve) => { this.socket.on('end', resolve); });
    this.closed = new Promise((resolve) => { this.socket.on('close', resolve); });
    this.socket.on('data', (piece) => this.#feed(piece));
    this.socket.on('error', (e) => { this.error = e.code; });
    this.socket.on('close', () => this.#answered(null));
    if (first) this.socket.write(first);
  }

  #answered;

  #feed(piece) {
    if (this.line !== undefined) {
      this.#keep(piece);
      return;
    }
    this.#head = Buffer.concat([this.#head, piece]);
    const end = this.#head.indexOf('\n');
    if (end < 0) return;
    this.line = this.#head.toString('latin1', 0, end);
    this.tookMs = now() - this.began;
    this.#answered(this.line);
    if (end + 1 < this.#head.length) this.#keep(this.#head.subarray(end + 1));
  }

  #keep(piece) {
    this.firstAt ??= now();
    if (this.onData) this.onData(piece);
    else this.rest.push(piece);
  }

  get text() {
    return Buffer.concat(this.rest).toString();
  }
}

const call = (port, waitMs = 0, more = '') => new Caller(`SLW1 ${SECRET} ${port} ${waitMs}\n${more}`);
const answerTo = async (...args) => {
  const caller = call(...args);
  const line = await caller.answer;
  caller.socket.destroy();
  return { line, ms: caller.tookMs };
};

// An HTTP answer's body, by a request that is sent along with the first line.
async function fetchBy(port, waitMs = 0) {
  const caller = call(port, waitMs, 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await caller.ended;
  caller.socket.destroy();
  return { line: caller.line, body: caller.text.split('\r\n\r\n')[1], caller };
}

const listen = (port, host = '127.0.0.1', words = String(port)) =>
  `require('node:http').createServer((q, r) => { r.sendDate = false; r.setHeader('content-length', ${words.length});
    r.end('${words}'); }).listen(${port}, '${host}');\n`;

// Runs index.js until it listens.
async function runApp(code) {
  await held.box.write({ 'index.js': code });
  await held.box.startApp();
  return held.box.appIs('running');
}

describe('relay: who may', () => {
  test('the secret opens it, another does not, and is not hinted at', async () => {
    await runApp(listen(3000));
    assert.equal((await fetchBy(0)).body, '3000');
    for (const secret of [OTHER_SECRET, '0'.repeat(64)]) {
      const caller = new Caller(`SLW1 ${secret} 0 0\n`);
      assert.match(await caller.answer, /^NO secret /);
      await caller.ended;
      assert.equal(caller.text, '');
      assert.ok(!caller.line.includes(SECRET));
      caller.socket.destroy();
    }
    const status = new Caller(`SLW1 ${OTHER_SECRET} status 0\n`);
    assert.match(await status.answer, /^NO secret /);
    status.socket.destroy();
  });

  test('what is not such a line is refused', async () => {
    for (const line of ['', 'GET / HTTP/1.1', `SLW1 ${SECRET}`, `SLW1 ${SECRET} 65536 0`, `SLW1 ${SECRET} -1 0`,
      `SLW1 ${SECRET} 0 60001`, `SLW1  ${SECRET} 0 0`, `SLW1 ${SECRET} 0 0 `, `SLW1 ${SECRET.toUpperCase()}F 0 0`,
      `SLW2 ${SECRET} 0 0`, `SLW1 ${SECRET} 0 0\r`]) {
      const caller = new Caller(`${line}\n`);
      assert.match(await caller.answer, /^NO syntax /, JSON.stringify(line));
      await caller.ended;
      caller.socket.destroy();
    }
  });

  test('a line that is too long is refused at once', async () => {
    const caller = new Caller('S'.repeat(128));
    assert.match(await caller.answer, /^NO syntax /);
    assert.ok(caller.tookMs < 2 * SECOND, `${caller.tookMs} ms`);
    caller.socket.destroy();
    const flood = new Caller(Buffer.alloc(MIB, 'x'));
    assert.match(await flood.answer, /^NO syntax /);
    flood.socket.destroy();
  });

  test('a line that does not come within 5 s is refused, however it dribbles', async () => {
    const silent = new Caller();
    const dribble = new Caller('SLW1 ');
    const timer = setInterval(() => dribble.socket.write('0'), 500);
    const answers = await Promise.all([silent.answer, dribble.answer]);
    clearInterval(timer);
    for (const [i, caller] of [silent, dribble].entries()) {
      assert.match(answers[i], /^NO syntax .* within 5 s$/);
      assert.ok(caller.tookMs > 4.5 * SECOND && caller.tookMs < 7 * SECOND, `${caller.tookMs} ms`);
      caller.socket.destroy();
    }
  });

  test('code in the sandbox does not find the secret', async () => {
    const look = `for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/task/*/environ /proc/1/mem /proc/1/maps; do
      echo "== $f"; head -c 100000 $f 2>&1 | tr '\\0' '\\n'; done; echo == env; env; set; ls -l /proc/1/fd; ls -la /run/slipway`;
    const run = await held.box.sh(`${look}\nexit 0`);
    assert.match(run.stdout, /== \/proc\/1\/environ\n.*Permission denied/);
    assert.match(run.stdout, /== env\n/);
    await held.box.write({ 'package.json': { private: true, scripts: { dev: 'sh look.sh' } },
      'look.sh': `(${look}) > out.txt 2>&1\nnode index.js`, 'index.js': listen(3000) });
    await held.box.startApp();
    await held.box.appIs('running');
    const app = (await held.box.call('GET', '/v1/files/out.txt')).bytes.toString();
    assert.match(app, /PORT=3000/);
    for (const text of [run.stdout, run.stderr, app]) {
      assert.ok(!text.includes(SECRET) && !text.includes('SLIPWAY_RELAY'), text);
    }
  });
});

describe('relay: where to', () => {
  test("port 0 is the app's main port, any other is that port", async () => {
    await runApp(listen(3000) + listen(4000) + listen(8080));
    const answers = await Promise.all([0, 3000, 4000, 8080].map((port) => fetchBy(port, SECOND)));
    assert.deepEqual(answers.map(({ line, body }) => `${line}: ${body}`),
      ['OK 3000: 3000', 'OK 3000: 3000', 'OK 4000: 4000', 'OK 8080: 8080']);
  });

  test('an app on 127.0.0.1, on ::1 or on every address is reached', async () => {
    await runApp(listen(3000, '127.0.0.1') + listen(4000, '::1', 'six') + listen(5000, '0.0.0.0') + listen(6000, '::'));
    for (const [port, wanted] of [[3000, '3000'], [4000, 'six'], [5000, '5000'], [6000, '6000']]) {
      assert.equal((await fetchBy(port, SECOND)).body, wanted);
    }
  });

  test('an app on ::1 alone is the main port', async () => {
    await runApp(listen(5173, '::1', 'six'));
    const { line, body } = await fetchBy(0, SECOND);
    assert.deepEqual([line, body], ['OK 5173', 'six']);
  });

  test("the relay's own port is refused", async () => {
    await runApp(listen(3000));
    const { line, ms } = await answerTo(RELAY_PORT, 5 * SECOND);
    assert.match(line, /^NO refused /);
    assert.ok(ms < 2 * SECOND, `${ms} ms`);
  });

  test('the status is the state and the last lines, whatever the app does', async () => {
    const ask = async () => {
      const caller = new Caller(`SLW1 ${SECRET} status 0\n`);
      await caller.ended;
      caller.socket.destroy();
      assert.equal(caller.line, 'OK 0');
      return JSON.parse(caller.text);
    };
    assert.equal((await ask()).state, 'stopped');
    await runApp(`for (let i = 0; i < 60; i++) console.log('line ' + i); console.error('last'); ${listen(3000)}`);
    await until('the last line is there', async () => (await ask()).lines.some((l) => l.text === 'last'));
    const { lines, ...state } = await ask();
    assert.ok(lines.length === 40, `${lines.length}`);
    assert.deepEqual(Object.keys(lines[0]).sort(), ['source', 'stream', 'text']);
    const { for_ms: a, last_log_id: b, ...same } = await held.box.app();
    const { for_ms: c, last_log_id: d, ...told } = state;
    assert.deepEqual(told, same);
    await runApp(`for (let i = 0; i < 60; i++) console.log('é'.repeat(4000)); ${listen(3000)}`);
    const full = new Caller(`SLW1 ${SECRET} status 0\n`);
    await full.ended;
    full.socket.destroy();
    assert.ok(Buffer.byteLength(full.text) <= 64 * 1024);
    assert.ok(JSON.parse(full.text).lines.length > 4);
  });
});

describe('relay: waiting', () => {
  // Listens on a port when it is told to, and answers when that was.
  const control = `
    const http = require('node:http');
    const now = () => performance.timeOrigin + performance.now();
    http.createServer((q, r) => {
      const port = Number(q.url.slice(1));
      if (!port) { r.end('control'); return; }
      r.end();
      setTimeout(() => {
        let at;
        const s = http.createServer((q, r) => { r.end(String(at)); s.close(); });
        s.listen(port, '127.0.0.1', () => { at = now(); });
      }, 60);
    }).listen(3000, '127.0.0.1');`;

  function report(what, late) {
    console.log(`# ${what}: median ${median(late).toFixed(1)} ms, most ${Math.max(...late).toFixed(1)} ms of ${late.length}`);
    assert.ok(median(late) < 50, `${late}`);
  }

  test('LISTEN to the first byte, on a port that was asked for', { timeout: 60 * SECOND }, async () => {
    await runApp(control);
    const late = [];
    for (let port = 4001; port <= 4020; port++) {
      const waiting = fetchBy(port, 10 * SECOND);
      const caller = call(3000, 0, `GET /${port} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await caller.ended;
      caller.socket.destroy();
      const { line, body, caller: waiter } = await waiting;
      assert.equal(line, `OK ${port}`);
      late.push(waiter.firstAt - Number(body.split('\r\n')[1] ?? body));
    }
    report('LISTEN to first byte, port asked for', late);
  });

  test('LISTEN to the first byte, from the start of the app on', { timeout: 180 * SECOND }, async () => {
    await held.box.write({ 'index.js': `let at; const now = () => performance.timeOrigin + performance.now();
      require('node:http').createServer((q, r) => { const s = String(at); r.setHeader('content-length', s.length); r.end(s); })
        .listen(3000, '127.0.0.1', () => { at = now(); });` });
    const late = [];
    for (let i = 0; i < 20; i++) {
      await held.box.startApp();
      const { line, body, caller } = await fetchBy(0, 30 * SECOND);
      assert.equal(line, 'OK 3000');
      late.push(caller.firstAt - Number(body));
      await held.box.stopApp();
    }
    report('LISTEN to first byte, main port', late);
  });

  test('many that wait are all served', { timeout: 60 * SECOND }, async () => {
    await held.box.write({ 'index.js': `setTimeout(() => { ${listen(3000)} }, 500);` });
    await held.box.startApp();
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => fetchBy(i % 2 ? 0 : 3000, 20 * SECOND)));
    assert.ok(answers.every(({ line, body }) => line === 'OK 3000' && body === '3000'));
  });

  test('a port that nothing listens on is refused when the time is up', async () => {
    await runApp(listen(3000));
    const [at_once, later] = await Promise.all([answerTo(4444, 0), answerTo(4444, 700)]);
    assert.match(at_once.line, /^NO refused /);
    assert.ok(at_once.ms < later.ms, `${at_once.ms} ms`);
    assert.match(later.line, /^NO refused .*4444/);
    assert.ok(later.ms >= 695 && later.ms < 2 * SECOND, `${later.ms} ms`);
  });

  test('stopped, crashed and exited are told at once', async () => {
    const quick = async (reason) => {
      const { line, ms } = await answerTo(0, 20 * SECOND);
      assert.match(line, new RegExp(`^NO ${reason} `));
      assert.ok(ms < 2 * SECOND, `${ms} ms`);
    };
    await quick('stopped');
    await held.box.write({ 'package.json': { private: true, scripts: { dev: 'node -e "x.y"' } } });
    await held.box.startApp();
    await held.box.appIs('crashed');
    await quick('crashed');
    await held.box.write({ 'package.json': { private: true, scripts: { dev: 'echo done' } } });
    await held.box.startApp();
    await held.box.appIs('exited');
    await quick('exited');
  });

  test('an app that crashes or is stopped while one waits ends the waiting', async () => {
    await held.box.write({ 'index.js': 'setTimeout(() => { throw new Error("late"); }, 300);' });
    await held.box.startApp();
    const crashed = await answerTo(0, 30 * SECOND);
    assert.match(crashed.line, /^NO crashed /);
    await held.box.write({ 'index.js': 'setInterval(() => {}, 1000);' });
    await held.box.startApp();
    const waiting = answerTo(0, 30 * SECOND);
    await held.box.appIs('starting');
    await held.box.stopApp();
    assert.match((await waiting).line, /^NO stopped /);
  });

  test('one that does not listen yet is starting, and installing before', async () => {
    await held.box.write({ 'index.js': 'setInterval(() => {}, 1000);' });
    await held.box.startApp();
    await held.box.appIs('starting');
    const starting = await answerTo(0, 300);
    assert.match(starting.line, /^NO starting /);
    assert.ok(starting.ms >= 295, `${starting.ms} ms`);
    await held.box.stopApp();
    await held.box.write({
      'package.json': { private: true, scripts: { preinstall: 'sleep 30', dev: 'node index.js' }, dependencies: { dep: 'file:./dep' } },
      'dep/package.json': { name: 'dep', version: '1.0.0' },
    });
    await held.box.startApp();
    await held.box.appIs('installing');
    assert.match((await answerTo(0, 300)).line, /^NO installing /);
  });
});

describe('relay: bytes', () => {
  test('the end of either side is passed on, and the other goes on', async () => {
    await runApp(`${listen(3000)}
      const net = require('node:net');
      net.createServer({ allowHalfOpen: true }, (s) => {
        let got = '';
        s.on('data', (d) => { got += d; });
        s.on('end', () => setTimeout(() => s.end('after your end: ' + got), 100));
      }).listen(4000, '127.0.0.1');
      net.createServer({ allowHalfOpen: true }, (s) => {
        let got = '';
        s.on('data', (d) => { got += d; });
        s.on('end', () => console.log('after my end: ' + got));
        s.end('I am done');
      }).listen(4001, '127.0.0.1');`);
    const first = call(4000, SECOND, 'hel');
    await first.answer;
    first.socket.end('lo');
    await first.ended;
    assert.equal(first.text, 'after your end: hello');
    const second = call(4001, SECOND);
    await second.ended;
    assert.equal(second.text, 'I am done');
    second.socket.write('still ');
    second.socket.end('here');
    await until('the app has it all', async () => (await held.box.appLog()).some((e) => e.data.text === 'after my end: still here'));
    await second.closed;
    assert.equal(second.error, undefined);
  });

  test('a reset is passed on both ways', async () => {
    await runApp(`${listen(3000)}
      const net = require('node:net');
      net.createServer((s) => {
        s.on('error', (e) => console.log('the app saw ' + e.code));
        s.on('data', (d) => { if (String(d) === 'reset') s.resetAndDestroy(); else s.write(d); });
      }).listen(4000, '127.0.0.1');`);
    const mine = call(4000, SECOND, 'x');
    await until('it answers', () => mine.text === 'x');
    mine.socket.resetAndDestroy();
    await until('the app sees it', async () => (await held.box.appLog()).some((e) => e.data.text === 'the app saw ECONNRESET'));
    // What is still on its way to the client is not thrown away by a reset: so once all has arrived.
    const its = call(4000, SECOND, 'x');
    await until('it answers', () => its.text === 'x');
    its.socket.write('reset');
    await its.closed;
    assert.equal(its.error, 'ECONNRESET');
  });

  // A stream of bytes that both ends can make.
  const stream = `
    const { createCipheriv, createHash } = require('node:crypto');
    function* bytes(key, size) {
      const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, key), Buffer.alloc(16));
      const zeros = Buffer.alloc(65536);
      for (let at = 0; at < size; at += zeros.length) yield cipher.update(zeros.subarray(0, Math.min(zeros.length, size - at)));
    }`;

  function* bytes(key, size) {
    const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, key), Buffer.alloc(16));
    const zeros = Buffer.alloc(65536);
    for (let at = 0; at < size; at += zeros.length) {
      yield cipher.update(zeros.subarray(0, Math.min(zeros.length, size - at)));
    }
  }

  function digest(pieces) {
    const hash = createHash('sha256');
    for (const piece of pieces) hash.update(piece);
    return hash.digest('hex');
  }

  test('100 MiB each way at once arrive as they were sent', { timeout: 120 * SECOND }, async () => {
    await runApp(`${stream} ${listen(3000)}
      const { Readable } = require('node:stream');
      require('node:net').createServer({ allowHalfOpen: true }, (s) => {
        const hash = createHash('sha256');
        let n = 0;
        const all = new Promise((resolve) => s.on('end', resolve));
        s.on('data', (d) => { hash.update(d); n += d.length; });
        const out = Readable.from(bytes(2, ${BIG}));
        out.pipe(s, { end: false });
        out.on('end', () => all.then(() => s.end(n + ' ' + hash.digest('hex'))));
      }).listen(4000, '127.0.0.1');`);
    const caller = call(4000, SECOND);
    const hash = createHash('sha256');
    let n = 0;
    let tail = '';
    caller.onData = (piece) => {
      const body = piece.subarray(0, Math.max(0, BIG - n));
      hash.update(body);
      tail += piece.toString('latin1', body.length);
      n += piece.length;
    };
    assert.equal(await caller.answer, 'OK 4000');
    const from = now();
    for (const piece of bytes(1, BIG)) {
      if (!caller.socket.write(piece)) await new Promise((resolve) => caller.socket.once('drain', resolve));
    }
    caller.socket.end();
    await caller.ended;
    const ms = now() - from;
    assert.equal(n - tail.length, BIG);
    assert.equal(hash.digest('hex'), digest(bytes(2, BIG)));
    assert.equal(tail, `${BIG} ${digest(bytes(1, BIG))}`);
    console.log(`# 100 MiB each way at once: ${ms.toFixed(0)} ms, ${(2 * BIG / MIB / ms * 1000).toFixed(0)} MiB/s`);
  });
});

describe('relay: how many', () => {
  const echo = `${listen(3000)}
    require('node:net').createServer((s) => { s.on('error', () => {}); s.pipe(s); }).listen(4000, '127.0.0.1', 1024);`;

  test(`of 600 connections ${LIMIT} are served and the others told, and there is room again`, { timeout: 60 * SECOND }, async () => {
    await runApp(echo);
    const callers = Array.from({ length: 600 }, (_, i) => call(4000, 10 * SECOND, `it is ${i}`));
    const lines = await Promise.all(callers.map((c) => c.answer));
    const open = callers.filter((_, i) => lines[i] === 'OK 4000');
    assert.equal(open.length, LIMIT);
    assert.equal(lines.filter((l) => /^NO limit /.test(l ?? '')).length, 600 - LIMIT);
    await until('each has its own bytes back', () => open.every((c) => c.text === `it is ${callers.indexOf(c)}`));
    const status = new Caller(`SLW1 ${SECRET} status 0\n`);
    assert.equal(await status.answer, 'OK 0');
    assert.equal((await held.box.app()).state, 'running');
    for (const { socket } of [...callers, status]) socket.destroy();
    await until('there is room again', async () => (await answerTo(4000)).line === 'OK 4000');
  });

  test('those that wait and are reset make room', { timeout: 60 * SECOND }, async () => {
    await runApp(echo);
    const callers = Array.from({ length: LIMIT }, () => call(5000, 60 * SECOND));
    await until('all places are taken', async () => {
      callers.push(call(5000, 60 * SECOND)); // who looked took a place from one of them
      return /^NO limit /.test((await answerTo(4000)).line);
    });
    for (const { socket } of callers) socket.resetAndDestroy();
    await until('there is room again', async () => (await answerTo(4000)).line === 'OK 4000', 5 * SECOND);
  });
});
