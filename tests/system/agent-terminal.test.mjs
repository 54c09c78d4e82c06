// The agent's terminals in a real container: a shell over a WebSocket.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Box, docker, until } from './lib/agent_box.mjs';
import { WebSocket } from './lib/websocket.mjs';

let box;
const opened = new Set();

before(async () => {
  box = await Box.start({ app: true });
});

after(() => box?.stop());

// What a failed test left open is not the next one's.
afterEach(async () => {
  for (const terminal of opened) {
    if (!terminal.closed) terminal.send(JSON.stringify({ type: 'close' }));
    await until('closed', () => terminal.closed);
  }
  opened.clear();
});

// A terminal whose prompt has come.
async function open(query = '') {
  const terminal = await WebSocket.connect({ socketPath: box.socket, path: `/v1/terminal?${query}` });
  if (terminal.status !== 101) return terminal;
  await until('the session', () => terminal.texts.length > 0);
  const [first] = terminal.texts;
  assert.equal(first.type, 'session');
  assert.match(first.id, /^[0-9a-f]{32}$/);
  terminal.id = first.id;
  opened.add(terminal);
  return terminal;
}

const type = (terminal, text) => terminal.send(Buffer.from(text));
const shows = (terminal, text, ms) => until(text, () => terminal.received.includes(text), ms)
  .catch((e) => { throw new Error(`${e.message} in ${JSON.stringify(terminal.received.slice(-2000))}`); });
const sessions = async () => (await box.health()).terminals;

async function end(terminal) {
  type(terminal, '\x03\nexit\n');
  await until('the end', () => terminal.closed);
}

describe('a terminal', () => {
  it('is a shell in the workspace, as the sandbox\'s user', async () => {
    const terminal = await open('cols=100&rows=30');
    await box.write({ 'here.txt': 'x' });
    type(terminal, 'ls; echo "size $(stty size) in $PWD as $(id -u) $TERM $HOME $SHELL"; echo "${PATH%%:*}"; tty\n');
    await shows(terminal, 'here.txt');
    await shows(terminal, `size 30 100 in /workspace as ${box.uid} xterm-256color /home/app /bin/bash`);
    await shows(terminal, '/workspace/node_modules/.bin');
    await shows(terminal, '/dev/pts/');
    assert.ok(!terminal.received.includes('no name'), terminal.received);
    assert.match(terminal.received, /\/workspace\S* \$ /, 'the prompt');
    assert.equal(await sessions(), 1);
    await end(terminal);
    await box.assertNothingRuns();
    assert.equal(await sessions(), 0);
  });

  it('has job control: Ctrl-C ends what is in front, not the shell', async () => {
    const terminal = await open();
    type(terminal, 'sleep 1000; echo status=$?\n');
    await until('sleep runs', async () => (await box.processes()).includes('sleep'));
    type(terminal, '\x03');
    type(terminal, 'echo then $((6 * 7))\n');
    await shows(terminal, 'then 42');
    assert.ok(!(await box.processes()).includes('sleep'));
    assert.doesNotMatch(terminal.received, /job control|process group/);
    await end(terminal);
  });

  it('says plainly what is not there', async () => {
    const terminal = await open();
    type(terminal, 'vi a.js; nothing-of-this-name; echo "$COLORTERM $LANG ü→日本語"\n');
    await shows(terminal, 'vi is not installed here: open the file in the code editor.');
    await shows(terminal, 'nothing-of-this-name: command not found');
    await shows(terminal, 'truecolor C.UTF-8 ü→日本語');
    await end(terminal);
  });

  it('remembers what was typed, for the next one too', async () => {
    const first = await open();
    type(first, 'echo remem""bered\n');
    await until('the next prompt', () => /remembered\r\n[^]*\$ $/.test(first.received));
    first.send(JSON.stringify({ type: 'close' }));
    await until('the close', () => first.closed);
    const second = await open();
    type(second, 'history\n');
    await shows(second, 'echo remem""bered');
    await end(second);
  });

  it('changes its size, and tells the program', async () => {
    const terminal = await open('cols=80&rows=24');
    type(terminal, 'trap \'echo "winch $(stty size)"\' WINCH; echo rea""dy\n');
    await shows(terminal, 'ready');
    terminal.send(JSON.stringify({ type: 'resize', cols: 120, rows: 40 }));
    await shows(terminal, 'winch 40 120');
    await end(terminal);
  });

  it('says how the shell ended', async () => {
    const left = await open();
    type(left, 'exit 7\n');
    await until('the end', () => left.closed);
    assert.deepEqual(left.texts.at(-1), { type: 'exit', exit_code: 7, signal: null });
    assert.equal(left.closeCode, 1000);

    const killed = await open();
    type(killed, 'kill -9 $$\n');
    await until('the end', () => killed.closed);
    assert.deepEqual(killed.texts.at(-1), { type: 'exit', exit_code: null, signal: 'SIGKILL' });
  });

  it('shows everything that was printed before the end', async () => {
    const terminal = await open();
    type(terminal, 'seq 1 20000; exit\n');
    await until('the end', () => terminal.closed);
    assert.match(terminal.received, /\r\n19999\r\n20000\r\n/);
  });

  it('leaves nothing behind, daemons included', async () => {
    const terminal = await open();
    type(terminal, 'setsid sleep 1001 & (setsid nohup sleep 1002 >/dev/null 2>&1 </dev/null &) ; sleep 1003 & echo rea""dy\n');
    await shows(terminal, 'ready');
    await until('they run', async () => (await box.processes()).filter((name) => name === 'sleep').length === 3);
    await end(terminal);
    await box.assertNothingRuns();
  });

  it('takes much input, and no more than the program takes', async () => {
    const terminal = await open();
    const line = `${'x'.repeat(999)}\n`;
    type(terminal, 'stty -echo; echo rea""dy; head -c 3000000 | wc -c; stty echo\n');
    await shows(terminal, 'ready');
    for (let i = 0; i < 100; i++) {
      type(terminal, line.repeat(30));
    }
    await shows(terminal, '3000000', 30_000);
    await end(terminal);
  });
});

describe('the session of a terminal', () => {
  it('outlives its connection, and repeats its last output', async () => {
    const first = await open();
    type(first, 'name=value; echo rea""dy\n');
    await shows(first, 'ready');
    first.destroy();
    await until('nobody is attached', async () => await sessions() === 0);
    const second = await open(`session=${first.id}&cols=90&rows=20`);
    assert.equal(second.id, first.id);
    assert.deepEqual([first.texts[0].resumed, second.texts[0].resumed], [false, true]);
    await shows(second, 'ready');
    type(second, 'echo name=$name; stty size\n');
    await shows(second, 'name=value');
    await shows(second, '20 90');
    await end(second);
  });

  it('repeats 64 KiB at most, of what came while nobody was there too', async () => {
    const first = await open();
    type(first, 'while [ ! -e go ]; do sleep 0.02; done; seq 1 100000; echo do""ne; sleep 0.3; touch printed\n');
    await until('the loop runs', async () => (await box.processes()).includes('sleep'));
    first.destroy();
    await until('nobody is attached', async () => await sessions() === 0);
    await box.write({ go: '' });
    await until('it is done', async () => (await box.call('GET', '/v1/files/printed')).status === 200);
    const second = await open(`session=${first.id}`);
    const last = '100000\r\ndone\r\n';
    await shows(second, last);
    const repeated = second.received.indexOf(last) + last.length - second.received.indexOf('}') - 1; // the prompt may come later
    assert.ok(repeated <= 64 * 1024 && repeated > 60 * 1024, `${repeated} bytes`);
    assert.match(second.received, /^\{[^}]*\}\d+\r\n/, 'it begins with a whole line');
    await end(second);
  });

  it('that ended while nobody was there says so to who comes back', async () => {
    const first = await open();
    type(first, 'while [ ! -e leave ]; do sleep 0.02; done; echo good""bye; touch left; exit 9\n');
    await until('the loop runs', async () => (await box.processes()).includes('sleep'));
    first.destroy();
    await until('nobody is attached', async () => await sessions() === 0);
    await box.write({ leave: '' });
    await box.assertNothingRuns();
    const second = await open(`session=${first.id}`);
    await until('the end', () => second.closed);
    assert.deepEqual(second.texts[0], { type: 'session', id: first.id, resumed: true });
    assert.match(second.received, /goodbye\r\n/);
    assert.deepEqual(second.texts.at(-1), { type: 'exit', exit_code: 9, signal: null });
    assert.equal(second.closeCode, 1000);
    const third = await open(`session=${first.id}`); // it was told
    assert.equal(third.texts[0].resumed, false);
    await end(third);
  });

  it('is ended by a close, with everything in it', async () => {
    const first = await open();
    type(first, 'trap "" HUP; sleep 1000 & setsid sleep 1001 & echo rea""dy\n');
    await shows(first, 'ready');
    first.send(JSON.stringify({ type: 'close' }));
    await until('the close', () => first.closed);
    assert.equal(first.closeCode, 1000);
    const second = await open(`session=${first.id}`);
    assert.equal(second.texts[0].resumed, false);
    await end(second);
    await box.assertNothingRuns();
  });

  it('is taken over by a second connection', async () => {
    const first = await open();
    const second = await open(`session=${first.id}`);
    await until('the first is closed', () => first.closed);
    assert.equal(first.closeCode, 4001);
    type(second, 'echo on$((1 + 1))\n');
    await shows(second, 'on2');
    assert.equal(await sessions(), 1);
    await end(second);
  });

  it('that is not known is a new one', async () => {
    const unknown = 'f'.repeat(32);
    for (const query of [`session=${unknown}`, 'session=', 'session=..%2f', `session=${'a'.repeat(1000)}`]) {
      const terminal = await open(query);
      assert.notEqual(terminal.id, unknown);
      await end(terminal);
    }
  });
});

describe('hostile clients of a terminal', () => {
  it('are told what is wrong with the call', async () => {
    for (const query of ['cols=0', 'rows=1001', 'cols=', 'cols=x', 'rows=-1', 'cols=99999999999999999999']) {
      const refused = await open(query);
      assert.equal(refused.status, 400, query);
    }
    assert.equal((await box.call('GET', '/v1/terminal')).status, 400);
    assert.equal((await box.call('POST', '/v1/terminal', '')).status, 404);
  });

  it('are closed with the code for what they broke', async () => {
    const mask = [0, 0, 0, 0];
    const cases = [
      [1002, [0x82, 0x01, 0x41]], // not masked
      [1002, [0xc2, 0x80, ...mask]], // a reserved bit
      [1002, [0x83, 0x80, ...mask]], // an unknown opcode
      [1002, [0x80, 0x80, ...mask]], // a continuation of nothing
      [1002, [0x09, 0x80, ...mask]], // a ping in fragments
      [1007, [0x81, 0x81, ...mask, 0xff]],
      [1009, [0x82, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, ...mask]],
    ];
    for (const [code, bytes] of cases) {
      const terminal = await open();
      terminal.write(Buffer.from(bytes));
      await until(`closed with ${code}`, () => terminal.closed);
      assert.equal(terminal.closeCode, code);
      await end(await open(`session=${terminal.id}`));
    }
    for (const text of ['{}', 'resize', '[]', '{"type":"resize","cols":0,"rows":1}',
      '{"type":"resize","cols":1001,"rows":1}', '{"type":"close","cols":1,"rows":1}', '{"type":"resize","cols":80}', '{"type":"exit"}', '9'.repeat(60_000)]) {
      const terminal = await open();
      terminal.send(text);
      await until('closed', () => terminal.closed);
      assert.equal(terminal.closeCode, 1008, text);
      await end(await open(`session=${terminal.id}`));
    }
    await box.assertNothingRuns();
  });

  it('get a pong for a ping, and a close for a close', async () => {
    const terminal = await open();
    terminal.write(Buffer.from([0x89, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    await until('the pong', () => terminal.pongs.includes('hi'));
    terminal.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]));
    await until('the close', () => terminal.closed);
    assert.equal(terminal.closeCode, 1001);
    await end(await open(`session=${terminal.id}`));
  });

  it('that read nothing hold the program, not the agent\'s memory', async () => {
    const terminal = await open();
    terminal.pause();
    type(terminal, 'yes\n');
    const ping = Buffer.from([0x89, 0x80 | 125, ...Buffer.alloc(4 + 125)]);
    terminal.write(Buffer.concat(Array(20_000).fill(ping)));
    await until('yes runs', async () => (await box.processes()).includes('yes'));
    const { stdout } = await box.sh('sleep 1; grep VmRSS /proc/1/status');
    const kib = Number(stdout.match(/\d+/)[0]);
    assert.ok(kib < 16 * 1024, `${kib} KiB`);
    terminal.destroy();
    await until('nobody is attached', async () => await sessions() === 0);
    await end(await open(`session=${terminal.id}`));
    await box.assertNothingRuns();
  });

  it('get eight terminals and no more', async () => {
    const terminals = await Promise.all(Array.from({ length: 8 }, () => open()));
    const ninth = await open();
    assert.equal(ninth.status, 429);
    assert.equal(JSON.parse(ninth.text).kind, 'rate_limited');
    await end(terminals.pop());
    terminals.push(await open());
    assert.equal(await sessions(), 8);
    // One that nobody looks at gives way to the next, and one that was closed has no place.
    terminals.pop().destroy();
    await until('one has no client', async () => await sessions() === 7);
    terminals.push(await open());
    type(terminals[0], 'trap "" HUP; echo rea""dy\n');
    await shows(terminals[0], 'ready');
    const closed = terminals.shift();
    closed.send(JSON.stringify({ type: 'close' }));
    await until('the close', () => closed.closed);
    terminals.push(await open());
    assert.deepEqual(terminals.map((t) => t.status), terminals.map(() => 101));
    await Promise.all(terminals.map(end));
    await box.assertNothingRuns();
  });

  it('may open and leave many: the shells that ended take no place', async () => {
    for (let i = 0; i < 30; i++) {
      const terminal = await open();
      assert.equal(terminal.status, 101, terminal.text);
      type(terminal, 'sleep 0.05; exit\n');
      await shows(terminal, 'sleep');
      terminal.destroy();
      await until('nobody is attached', async () => await sessions() === 0);
    }
    await box.assertNothingRuns();
    const last = await open();
    assert.equal(last.status, 101);
    await end(last);
  });
});

describe('a terminal without a client', () => {
  it('is hung up after a minute, with everything in it', { timeout: 90_000 }, async () => {
    const terminal = await open();
    type(terminal, 'trap "touch hung-up" HUP; setsid sleep 1000 & echo rea""dy; while :; do sleep 0.1; done\n');
    await shows(terminal, 'ready');
    terminal.destroy();
    const since = Date.now();
    await until('all is gone', async () => (await box.processes()).length === 1, 75_000);
    assert.ok(Date.now() - since > 55_000);
    assert.equal((await box.call('GET', '/v1/files/hung-up')).status, 200);
  });
});

describe('a sandbox that stops', () => {
  it('tells its terminals so', async () => {
    const terminal = await open();
    await docker('stop', '--time', '5', box.name);
    await until('the close', () => terminal.closed);
    assert.equal(terminal.closeCode, 1001);
  });
});
