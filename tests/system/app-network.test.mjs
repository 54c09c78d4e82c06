// The apps' network is closed: from a project's sandbox only the package cache can be reached. Every way out is tried
// from inside one, first with the firewall's rules taken away, so that the attack is seen to work, then with them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { BUILD, SandboxdFixture, ask, run, until } from './lib/sandboxd-fixture.mjs';

const ECHO_PORT = 17_853;
const CACHE_PORT = 4873;
const METADATA = '169.254.169.254';

const f = new SandboxdFixture();
const netns = `slw-${f.tag}`;
const IPV6 = (n) => `fd53:${one}:${two}:1::${n}`; // on the apps' bridge
const servers = [];
const [one, two] = Buffer.from(f.tag.slice(1), 'hex');
const outside = { ns: `198.18.${one}.2`, host: `198.18.${one}.1`, ns6: `fd53:${one}:${two}::2`, host6: `fd53:${one}:${two}::1` };
let attacker, victim;

// Says "hello" to whoever connects, and sends datagrams back, at each of the addresses given. Not in this
// process, which waits for the commands it runs.
const ECHO = `
  const net = require('node:net'), dgram = require('node:dgram');
  const serve = (host, port) => net.createServer((c) => { c.on('error', () => {}); c.end('hello'); }).listen(port, host);
  for (const address of process.argv.slice(1)) {
    const [host, port = ${ECHO_PORT}] = address.split('|');
    serve(host, Number(port));
    const u = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
    u.on('message', (m, from) => u.send(m, from.port, from.address));
    u.bind(Number(port), host);
  }
`;

// Tries every target at once; prints the names of those that answered.
const PROBE = `
  const net = require('node:net'), dgram = require('node:dgram');
  const tcp = ({ host, port }) => new Promise((done) => {
    const c = net.connect({ host, port, timeout: 1500 });
    c.on('data', () => { done(true); c.destroy(); });
    for (const event of ['error', 'timeout', 'end']) c.on(event, () => { done(false); c.destroy(); });
  });
  const udp = ({ host, port }) => new Promise((done) => {
    const u = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
    const end = (answered) => { done(answered); try { u.close(); } catch {} };
    u.on('message', () => end(true)); u.on('error', () => end(false));
    u.send('hello', port, host, (e) => { if (e) end(false); });
    setTimeout(() => end(false), 1500);
  });
  Promise.all(JSON.parse(process.argv[1]).map(async (t) => (await (t.proto === 'tcp' ? tcp(t) : udp(t))) && t.name))
    .then((names) => { console.log(JSON.stringify(names.filter(Boolean))); process.exit(); });
`;

function inside(box, args, options = []) {
  const uid = f.row(box.id).host_uid;
  return run('docker', ['exec', '-u', `${uid}:${uid}`, ...options, `slipway-${f.tag}-${box.id}`, ...args]);
}

const reachable = (box, targets) => JSON.parse(inside(box, ['node', '-e', PROBE, JSON.stringify(targets)]));

function both(name, host) {
  return ['tcp', 'udp'].map((proto) => ({ name: `${name} ${proto}`, proto, host, port: ECHO_PORT }));
}

const addressOf = (box) => f.inspect(box).NetworkSettings.Networks[`slipway-${f.tag}`].IPAddress;

function targets() {
  return [
    ...both('the host at its own address', outside.host),
    ...both('the host at the bridge', f.gateway),
    ...both('the metadata address', METADATA),
    ...both('a machine with a way back', outside.ns),
    ...both('a neighbour', addressOf(victim)),
    ...both('the host, IPv6', IPV6(1)),
    ...both('the host elsewhere, IPv6', outside.host6),
    ...both('a machine with a way back, IPv6', outside.ns6),
    ...both('a neighbour, IPv6', IPV6('b')),
  ];
}

const names = () => targets().map((t) => t.name).sort();

function inNetns(...args) {
  return run('nsenter', [`--net=/run/netns/${netns}`, ...args]);
}

const setSwitch = (name, value, enter = []) => run('nsenter', [...enter, 'sh', '-c', `echo ${value} > /proc/sys/net/${name}`]);

// On this machine, where it may be switched off for interfaces to come.
const switchIpv6On = (name) => setSwitch(`ipv6/conf/${name}/disable_ipv6`, 0);

// A machine outside that knows the way to the sandboxes, and has the metadata service's address.
function makeOutside() {
  run('ip', ['netns', 'add', netns]);
  run('ip', ['link', 'add', `${f.bridge}o`, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', netns]);
  run('ip', ['addr', 'add', `${outside.host}/30`, 'dev', `${f.bridge}o`]);
  switchIpv6On(`${f.bridge}o`);
  run('ip', ['addr', 'add', `${outside.host6}/64`, 'dev', `${f.bridge}o`, 'nodad']);
  run('ip', ['link', 'set', `${f.bridge}o`, 'up']);
  for (const args of [
    ['link', 'set', 'lo', 'up'], ['link', 'set', 'uplink', 'up'], ['addr', 'add', `${outside.ns}/30`, 'dev', 'uplink'],
    ['addr', 'add', `${outside.ns6}/64`, 'dev', 'uplink', 'nodad'], ['addr', 'add', `${METADATA}/32`, 'dev', 'lo'],
    ['route', 'add', 'default', 'via', outside.host], ['-6', 'route', 'add', 'default', 'via', outside.host6],
  ]) {
    inNetns('ip', ...args);
  }
  run('ip', ['route', 'replace', `${METADATA}/32`, 'via', outside.ns]);
}

// Sandboxes have no IPv6. Here they get it, so that more than its absence protects.
let forwarding;
function giveIpv6() {
  switchIpv6On(f.bridge);
  run('ip', ['addr', 'add', `${IPV6(1)}/64`, 'dev', f.bridge, 'nodad']);
  for (const [box, address] of [[attacker, IPV6('a')], [victim, IPV6('b')]]) {
    const enter = ['--target', String(f.inspect(box).State.Pid), '--net'];
    setSwitch('ipv6/conf/eth0/disable_ipv6', 0, enter);
    run('nsenter', [...enter, 'ip', 'addr', 'add', `${address}/64`, 'dev', 'eth0', 'nodad']);
    run('nsenter', [...enter, 'ip', '-6', 'route', 'add', 'default', 'via', IPV6(1)]);
  }
  const own = `ipv6/conf/${f.bridge}/force_forwarding`; // Linux 6.17
  if (fs.existsSync(`/proc/sys/net/${own}`)) {
    setSwitch(own, 1);
    setSwitch(`ipv6/conf/${f.bridge}o/force_forwarding`, 1);
  } else {
    forwarding = fs.readFileSync('/proc/sys/net/ipv6/conf/all/forwarding', 'utf8').trim();
    setSwitch('ipv6/conf/all/forwarding', 1);
  }
}

const rules = (command) => run(command, ['-w', '-S']).split('\n').filter((line) => line.includes(f.chains.forward) || line.includes(f.chains.input));

// The rules gone, Docker's own against traffic between members overruled; and nobody who puts them back.
const icc = ['FORWARD', '-i', f.bridge, '-o', f.bridge, '-j', 'DROP'];
function takeRulesAway() {
  f.child.kill('SIGSTOP');
  for (const command of ['iptables', 'ip6tables']) {
    run(command, ['-w', '-F', f.chains.forward]);
    run(command, ['-w', '-F', f.chains.input]);
  }
  run('iptables', ['-w', '-I', ...icc.slice(0, -1), 'ACCEPT']);
}

// The host's end of all this, and the machine outside.
function serve() {
  const start = (command, args) => servers.push(spawn(command, args, { stdio: 'inherit' }));
  start(process.execPath, ['-e', ECHO, outside.host, f.gateway, IPV6(1), outside.host6, `${f.gateway}|${CACHE_PORT}`]);
  start('nsenter', [`--net=/run/netns/${netns}`, process.execPath, '-e', ECHO, outside.ns, outside.ns6, METADATA]);
  inside(victim, ['node', '-e', ECHO, addressOf(victim), IPV6('b')], ['-d']);
}

before(async () => {
  f.create();
  await f.start();
  const user = f.user();
  attacker = await f.ensure(user, f.project(user));
  victim = await f.ensure(user, f.project(user));
  makeOutside();
  giveIpv6();
  serve();
});

after(async () => {
  for (const server of servers) {
    server.kill('SIGKILL');
  }
  if (forwarding !== undefined) {
    setSwitch('ipv6/conf/all/forwarding', forwarding);
  }
  ask('ip', ['route', 'del', `${METADATA}/32`, 'via', outside.ns]);
  for (let n = 0; n < 5; n++) {
    ask('iptables', ['-w', '-D', ...icc.slice(0, -1), 'ACCEPT']);
  }
  ask('ip', ['link', 'del', `${f.bridge}o`]);
  ask('ip', ['netns', 'del', netns]);
  await f.destroy();
});
afterEach((t) => {
  f.child.kill('SIGCONT'); // however a test that took the rules away ended
  if (t.error) {
    process.stderr.write(`${f.lastLog()}\n`);
  }
});

describe('from a project\'s sandbox', () => {
  it('every way out is open without the rules', async () => {
    takeRulesAway();
    await until(() => {
      const open = reachable(attacker, targets()).sort();
      return JSON.stringify(open) === JSON.stringify(names()) || process.stderr.write(`only ${open}\n`) && false;
    }, 'every attack works without the defence', 30_000);
  });

  it('nothing is reachable but the package cache', async () => {
    f.child.kill('SIGCONT');
    const user = f.user();
    await f.ensure(user, f.project(user)); // its start asserts the rules
    const cache = { name: 'the cache', proto: 'tcp', host: f.gateway, port: CACHE_PORT };
    assert.deepEqual(reachable(attacker, [...targets(), cache]), ['the cache']);
  });

  it('a connection from before the rules does not outlive them', async () => {
    takeRulesAway();
    const script = `
      const c = require('node:net').connect(${CACHE_PORT + 1}, '${f.gateway}');
      c.on('data', (d) => process.stdout.write(d)); c.on('error', (e) => { console.log(e.code); });
      setInterval(() => c.write('ping'), 100); setTimeout(() => process.exit(), 4000);`;
    let heard = 0;
    const server = net.createServer((c) => {
      c.on('error', () => {});
      c.unref();
      c.on('data', () => (heard += 1));
    });
    await new Promise((resolve) => { server.listen(CACHE_PORT + 1, f.gateway, resolve); });
    const uid = f.row(attacker.id).host_uid;
    const child = spawn('docker', ['exec', '-u', `${uid}:${uid}`, `slipway-${f.tag}-${attacker.id}`, 'node', '-e', script]);
    const ended = new Promise((resolve) => { child.on('exit', resolve); });
    await until(() => heard > 2, 'it talks without the rules');
    f.child.kill('SIGCONT');
    const user = f.user();
    await f.ensure(user, f.project(user));
    heard = 0;
    await ended;
    server.close();
    assert.ok(heard <= 1, `${heard} messages came through`);
  });

  it('the host name server is not asked', () => {
    const lookup = `const d = require('node:dns'); const t = performance.now();
      d.lookup('slipway.test', (e) => d.resolve4('slipway.test', (r) => console.log(e?.code, r?.code, performance.now() - t < 1500)));`;
    assert.equal(inside(attacker, ['node', '-e', lookup]).trim(), 'EAI_AGAIN ECONNREFUSED true');
    assert.deepEqual(f.inspect(attacker).HostConfig.Dns, ['127.0.0.1']);
  });
});

describe('to a project\'s sandbox', () => {
  const knock = (host, port) => inNetns(process.execPath, '-e', PROBE, JSON.stringify([{ name: 'in', proto: 'tcp', host, port }])).trim();

  it('nobody outside gets, nor to the cache', async () => {
    const open = [[addressOf(victim), ECHO_PORT], [f.gateway, CACHE_PORT]];
    takeRulesAway();
    // What Docker itself lets in is the published port, whoever routes to it.
    const published = ['-w', '-I', 'DOCKER', '-d', addressOf(victim), '-o', f.bridge, '-p', 'tcp', '-j', 'ACCEPT'];
    run('iptables', published);
    try {
      assert.deepEqual(open.map(([host, port]) => knock(host, port)), ['["in"]', '["in"]']);
      f.child.kill('SIGCONT');
      const user = f.user();
      await f.ensure(user, f.project(user));
      assert.deepEqual(open.map(([host, port]) => knock(host, port)), ['[]', '[]']);
    } finally {
      run('iptables', published.map((word) => (word === '-I' ? '-D' : word)));
    }
  });
});

describe('the rules', () => {
  it('are put back when something happens to a container, and at a start of sandboxd', async () => {
    const before_ = ['iptables', 'ip6tables'].map(rules);
    const user = f.user();
    const box = await f.ensure(user, f.project(user));
    for (const command of ['iptables', 'ip6tables']) {
      run(command, ['-w', '-F', f.chains.input]);
      run(command, ['-w', '-D', 'INPUT', '-j', f.chains.input]);
    }
    run('docker', ['kill', `slipway-${f.tag}-${box.id}`]);
    await until(() => JSON.stringify(['iptables', 'ip6tables'].map(rules)) === JSON.stringify(before_), 'the rules are back');
    await f.end();
    run('iptables', ['-w', '-F', f.chains.forward]);
    await f.start();
    await until(() => JSON.stringify(['iptables', 'ip6tables'].map(rules)) === JSON.stringify(before_), 'the rules are back again');
  });

  it('are reached from FORWARD too, out of which Docker takes its own chain for moments', () => {
    assert.ok(rules('iptables').includes(`-A FORWARD -j ${f.chains.forward}`), rules('iptables').join('\n'));
    assert.ok(rules('iptables').includes(`-A DOCKER-USER -j ${f.chains.forward}`), rules('iptables').join('\n'));
  });

  it('come before what others put first', async () => {
    const other = ['INPUT', '-i', f.bridge, '-j', 'ACCEPT'];
    run('iptables', ['-w', '-I', ...other]);
    try {
      const user = f.user();
      await f.ensure(user, f.project(user));
      const jumps = run('iptables', ['-w', '-S', 'INPUT']).split('\n').filter((line) => line.startsWith('-A'));
      assert.ok(jumps.indexOf(`-A INPUT -j ${f.chains.input}`) < jumps.indexOf(`-A ${other.join(' ')}`), jumps.join('\n'));
    } finally {
      run('iptables', ['-w', '-D', ...other]);
    }
  });

  it('that cannot be had keep every app from starting', async () => {
    await f.end();
    const broken = fs.mkdtempSync(path.join(BUILD, 'broken-')); // in /tmp perhaps nothing may run
    fs.writeFileSync(path.join(broken, 'ip6tables'), '#!/bin/sh\necho "no such table" >&2\nexit 3\n', { mode: 0o755 });
    await f.start({ PATH: `${broken}:${process.env.PATH}` });
    const user = f.user();
    const project = f.project(user);
    const answer = await f.expect(500, 'POST', '/v1/sandboxes/ensure', { user_id: user, project_id: project, profile: 'app' });
    assert.match(answer.detail, /the apps' network: cannot read the firewall: ip6tables ended with status 3: no such table/);
    const [[id, state]] = f.db.query(`SELECT id, actual_state FROM sandboxes WHERE project_id = '${project}'`);
    assert.equal(state, 'failed');
    assert.deepEqual(ask('docker', ['ps', '-aq', '--filter', `label=slipway.sandbox=${id}`]), '');
    assert.equal((await f.ensure(user)).state, 'running'); // scripts have no network and go on
    await f.restart();
    fs.rmSync(broken, { recursive: true });
  });
});

describe('the network', () => {
  it('is as it must be', () => {
    const [network] = JSON.parse(run('docker', ['network', 'inspect', `slipway-${f.tag}`]));
    const option = (name) => network.Options[`com.docker.network.bridge.${name}`];
    assert.deepEqual([network.EnableIPv6, option('enable_icc'), option('enable_ip_masquerade'), option('host_binding_ipv4'), option('name')],
      [false, 'false', 'false', '127.0.0.1', f.bridge]);
    assert.deepEqual(network.IPAM.Config, [{ Subnet: f.subnet, Gateway: f.gateway }]);
    const { HostConfig } = f.inspect(attacker);
    assert.equal(HostConfig.PortBindings['7411/tcp'][0].HostIp, '127.0.0.1');
  });

  it('is replaced when it is another\'s and nobody uses it', async () => {
    await f.clean();
    await f.end();
    const name = `slipway-${f.tag}`;
    run('docker', ['network', 'rm', name]);
    run('docker', ['network', 'create', '--subnet', f.subnet, name]);
    await f.start();
    const user = f.user();
    await f.ensure(user, f.project(user));
    assert.equal(JSON.parse(run('docker', ['network', 'inspect', name]))[0].Options['com.docker.network.bridge.enable_icc'], 'false');
  });

  it('whose addresses another has is a clear error', async () => {
    await f.clean();
    await f.end();
    run(path.join(BUILD, 'slipway-sandboxd'), ['--remove-network'], { env: f.environment() });
    run('docker', ['network', 'create', '--subnet', f.subnet, `${f.tag}-other`]);
    try {
      await f.start();
      const user = f.user();
      const answer = await f.expect(409, 'POST', '/v1/sandboxes/ensure', { user_id: user, project_id: f.project(user), profile: 'app' });
      assert.match(answer.detail, /set SLIPWAY_APP_SUBNET to free ones/);
    } finally {
      run('docker', ['network', 'rm', `${f.tag}-other`]);
    }
  });

  it('and its rules are gone when they are removed', async () => {
    await f.clean();
    await f.end();
    run(path.join(BUILD, 'slipway-sandboxd'), ['--remove-network'], { env: f.environment() });
    assert.deepEqual(['iptables', 'ip6tables'].flatMap(rules), []);
    assert.equal(ask('docker', ['network', 'ls', '-q', '--filter', `name=slipway-${f.tag}`]), '');
    await f.start();
  });
});
