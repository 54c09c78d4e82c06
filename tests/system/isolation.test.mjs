// What code in a sandbox can see and reach: not the network, not the host, not the agent that runs it, not
// its neighbour. Each is tried from inside, and once more in a container without the defence, where it works.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { after, before, describe, it } from 'node:test';

import { startInstance } from './lib/instance.mjs';
import { SandboxView, controlContainer, controlNetwork, docker, removeControls } from './lib/sandbox-view.mjs';

const UID_BASE = 1_000_000_000;
const CANARY = 'sk-canary-4f1c9d';

let instance;
let users; // two strangers: {id, key, client}
let sandboxes; // theirs, from the host

before(async () => {
  instance = await startInstance({ env: { OPENAI_API_KEY: CANARY, OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' } });
  users = [await instance.createUser(), await instance.createUser()];
  sandboxes = [];
  for (const user of users) {
    await execute('1', user);
    sandboxes.push(await SandboxView.of(instance, user.id));
  }
});
after(async () => {
  await removeControls();
  await instance?.stop();
});

async function execute(code, user = users[0], more = {}) {
  return (await user.client.expect(200, 'POST', 'execute', { json: { code, ...more } })).json;
}

// What code reports by console.log(JSON.stringify(…)).
async function report(code, user) {
  const result = await execute(code, user);
  assert.equal(result.exit_code, 0, JSON.stringify(result));
  return JSON.parse(result.output);
}

// Reports the error code of each expression, or 'done'.
function outcomes(expressions) {
  return `
    const fs = require('fs'), net = require('net');
    const connect = (path) => new Promise((resolve, reject) =>
      net.connect(path).on('connect', function () { this.destroy(); resolve(); }).on('error', reject));
    (async () => {
      const found = {};
      ${expressions.map((e) => `
      try { await (${e}); found[${JSON.stringify(e)}] = 'done'; }
      catch (e) { found[${JSON.stringify(e)}] = e.code ?? e.message; }`).join('')}
      console.log(JSON.stringify(found));
    })();`;
}

// System calls by number, through the perl of the image. Arguments are numbers, or quoted strings.
const SYSCALLS = {
  x64: { mount: 165, ptrace: 101, unshare: 272, setns: 308, chroot: 161, bpf: 321, keyctl: 250, perf_event_open: 298,
    init_module: 175, kexec_load: 246, swapon: 167, reboot: 169, userfaultfd: 323, inotify_init1: 294 },
  arm64: { mount: 40, ptrace: 117, unshare: 97, setns: 268, chroot: 51, bpf: 280, keyctl: 219, perf_event_open: 241,
    init_module: 105, kexec_load: 104, swapon: 224, reboot: 142, userfaultfd: 282, inotify_init1: 26 },
}[process.arch];

function perl(name, ...args) {
  const call = [SYSCALLS[name], ...args.map((a, i) => (typeof a === 'string' ? `my $s${i} = "${a}"` : a))].join(', ');
  return `$r = syscall(${call}); print $r < 0 ? $!+0 : 0`;
}

// Prints 0, or the number of the error.
function syscallCode(name, ...args) {
  return `process.stdout.write(require('child_process').execFileSync('perl', ['-e', ${JSON.stringify(perl(name, ...args))}]))`;
}

const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWNS = 0x20000;
const PTRACE_ATTACH = 16;

describe('the network', () => {
  // Reports what became of connecting to each target, by TCP and by UDP, and of looking up names.
  const PROBE = (targets) => `
    const net = require('net'), dgram = require('dgram'), dns = require('dns');
    const targets = ${JSON.stringify(targets)};
    const tcp = ({ host, port }) => new Promise((resolve) => {
      const s = net.connect({ host, port, timeout: 2500 });
      s.on('connect', () => (s.destroy(), resolve('connected')));
      s.on('timeout', () => (s.destroy(), resolve('timeout')));
      s.on('error', (e) => resolve(e.code));
    });
    const udp = ({ host, port }) => new Promise((resolve) => {
      const s = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
      s.on('error', (e) => resolve(e.code));
      s.send('x', port, host, (e) => (s.close(), resolve(e ? e.code : 'sent')));
    });
    const unix = (path) => new Promise((resolve) => {
      net.connect(path).on('connect', function () { this.destroy(); resolve('connected'); })
        .on('error', (e) => resolve(e.code));
    });
    (async () => {
      const found = {};
      await Promise.all(targets.map(async (t) => {
        found[t.host + ' tcp'] = await tcp(t);
        found[t.host + ' udp'] = await udp(t);
      }));
      found.dns = await dns.promises.resolve4('example.com').then(() => 'resolved', (e) => e.code);
      found.lookup = await dns.promises.lookup('example.com').then(() => 'resolved', (e) => e.code);
      found.abstract = await unix('\\0slipway-test-${process.pid}');
      found.interfaces = Object.keys(require('os').networkInterfaces());
      console.log(JSON.stringify(found));
      process.exit();
    })();`;
  let listener;
  let abstract;
  let targets;
  let bridge;
  let gateway;
  let accepted = 0;

  before(async () => {
    listener = net.createServer((socket) => (accepted++, socket.destroy())).listen(0, '::');
    abstract = net.createServer((socket) => (accepted++, socket.destroy())).listen(`\0slipway-test-${process.pid}`);
    await Promise.all([once(listener, 'listening'), once(abstract, 'listening')]);
    const { port } = listener.address();
    const ours = Object.values(os.networkInterfaces()).flat().filter((a) => !a.internal).map((a) => a.address);
    // The gateway of a bridge is this host, seen from a container.
    gateway = { host: (bridge = await controlNetwork()).gateway, port };
    targets = [...ours.filter((a) => !a.startsWith('fe80')).map((host) => ({ host, port })), gateway];
  });
  after(() => {
    listener?.close();
    abstract?.close();
  });

  it('is not there', async () => {
    const outside = [{ host: '169.254.169.254', port: 80 }, { host: '192.0.2.1', port: 53 }, { host: '2001:db8::1', port: 53 }];
    const found = await report(PROBE([...targets, ...outside]));
    const { interfaces, dns, lookup, abstract: unix, ...rest } = found;
    assert.deepEqual(interfaces.filter((name) => name !== 'lo'), []);
    assert.equal(Object.keys(rest).length, 2 * (targets.length + outside.length));
    for (const [what, became] of Object.entries(rest)) {
      assert.match(became, /^(ENETUNREACH|EADDRNOTAVAIL|EAFNOSUPPORT)$/, what);
    }
    assert.notEqual(dns, 'resolved');
    assert.notEqual(lookup, 'resolved');
    assert.equal(unix, 'ECONNREFUSED');
    assert.equal(accepted, 0, 'a listener on the host was reached');
  });

  it('would reach this host from a container with Docker\'s defaults', async () => {
    const container = await controlContainer(sandboxes[0].image, ['--network', bridge.name]);
    const found = JSON.parse(await docker('exec', container, 'node', '-e', PROBE([gateway])));
    assert.equal(found[`${gateway.host} tcp`], 'connected');
    assert.equal(found[`${gateway.host} udp`], 'sent');
    assert.ok(accepted > 0);
  });
});

describe('the file system', () => {
  it('is read-only but for /workspace and small scratch space', async () => {
    // As root in the container, whom no permission stops.
    for (const path of ['/x', '/etc/x', '/usr/local/bin/x', '/node_modules/x', '/var/x', '/root/x']) {
      await assert.rejects(sandboxes[0].execAsRoot('sh', '-c', `echo x >${path}`), /Read-only file system/, path);
    }
    const found = await report(outcomes([
      "fs.writeFileSync('/x', '')", "fs.writeFileSync('/etc/x', '')", "fs.writeFileSync('/node_modules/express/index.js', '')",
      "fs.writeFileSync('/usr/local/bin/node', '')", "fs.writeFileSync('/usr/local/bin/slipway-agent', '')",
      "fs.chmodSync('/usr/local/bin/slipway-agent', 0o777)", "fs.rmSync('/usr/local/bin/node')",
      "fs.writeFileSync('/workspace/x', '')", "fs.writeFileSync('/tmp/x', '')",
    ]));
    const writable = Object.keys(found).filter((e) => found[e] === 'done');
    assert.deepEqual(writable, ["fs.writeFileSync('/workspace/x', '')", "fs.writeFileSync('/tmp/x', '')"]);
    const mounts = (await execute("console.log(require('fs').readFileSync('/proc/self/mounts', 'utf8'))")).output.trim().split('\n')
      .map((line) => line.split(' '));
    const free = mounts.filter(([, , , options]) => /^rw(,|$)/.test(options)).map(([, where]) => where);
    const harmless = ['/workspace', '/tmp', '/run/slipway', '/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue',
      '/sys/fs/cgroup']; // with cgroup v1 an empty tmpfs that holds the mount points
    assert.deepEqual(free.filter((where) => !harmless.includes(where) && !where.startsWith('/proc/')), []);
    for (const where of ['/workspace', '/tmp', '/run/slipway']) {
      const options = mounts.find(([, at]) => at === where)[3].split(',');
      assert.ok(options.includes('nosuid') && options.includes('nodev'), `${where}: ${options}`);
    }
  });

  it('would be writable without the setting', async () => {
    const container = await controlContainer(sandboxes[0].image, ['--network', 'none']);
    assert.equal(await docker('exec', container, 'sh', '-c', 'echo x >/etc/x && cat /etc/x'), 'x');
  });

  it('holds no device but the harmless ones', async () => {
    const nodes = await report(`
      const fs = require('fs');
      console.log(JSON.stringify(fs.readdirSync('/dev').filter((n) => {
        const st = fs.lstatSync('/dev/' + n);
        return st.isBlockDevice() || st.isCharacterDevice();
      }).sort()))`);
    assert.deepEqual(nodes, ['full', 'null', 'random', 'tty', 'urandom', 'zero']);
  });

  it('of one user shows nothing of another\'s', async () => {
    const look = `
      const { execSync } = require('child_process');
      console.log(execSync('ls -A /workspace /tmp /dev/shm; grep -rls secret.of.a / --exclude-dir=proc --exclude-dir=sys --exclude=index.js || true', { maxBuffer: 1e7 }).toString());`;
    const code = "for (const d of ['/workspace', '/tmp', '/dev/shm']) require('fs').writeFileSync(d + '/mine', 'secret-of-a')";
    assert.equal((await execute(code)).exit_code, 0);
    assert.match((await execute(look)).output, /\/workspace\/mine\n(.*\n)*/);
    assert.doesNotMatch((await execute(look, users[1])).output, /mine/);
  });
});

describe('code', () => {
  it('has a user of its own on the host, no capability, no way to gain any, and a system call filter', async () => {
    const uids = [];
    for (const [i, user] of users.entries()) {
      const status = (await execute("console.log(require('fs').readFileSync('/proc/self/status', 'utf8'))", user)).output;
      const field = (name) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)[1].trim();
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) {
        assert.match(field(set), /^0+$/, set);
      }
      assert.equal(field('NoNewPrivs'), '1');
      assert.equal(field('Seccomp'), '2');
      assert.equal(field('Groups'), '');
      const uid = Number(field('Uid').split(/\s+/)[0]);
      assert.equal(field('Uid'), Array(4).fill(uid).join('\t'));
      assert.equal(field('Gid'), field('Uid'));
      assert.equal(uid, sandboxes[i].uid);
      assert.ok(uid >= UID_BASE);
      uids.push(uid);
    }
    assert.notEqual(uids[0], uids[1]);
  });

  it('runs in a container whose root keeps three capabilities only', () => {
    const { HostConfig: host } = sandboxes[0].inspected;
    assert.deepEqual(host.CapDrop, ['ALL']);
    assert.deepEqual(host.CapAdd.map((c) => c.replace('CAP_', '')).sort(), ['KILL', 'SETGID', 'SETUID']);
    assert.deepEqual([host.Privileged, host.PidMode, host.NetworkMode, host.IpcMode, host.UTSMode],
      [false, '', 'none', 'private', '']);
    const status = fs.readFileSync(`/proc/${sandboxes[0].agent}/status`, 'utf8');
    assert.equal(/^CapBnd:\s+(\w+)$/m.exec(status)[1], '00000000000000e0'); // KILL 5, SETGID 6, SETUID 7
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^Seccomp:\s+2$/m);
  });

  it('sees three variables and no secret of the host', async () => {
    const env = await report('console.log(JSON.stringify(process.env))');
    assert.deepEqual(Object.keys(env).sort(), ['HOME', 'LANG', 'PATH']);
    assert.ok(fs.readFileSync(`${instance.stateDir}/slipway.env`, 'utf8').includes(CANARY), 'the host has the secret');
    assert.ok(!JSON.stringify(sandboxes[0].inspected).includes(CANARY));
    assert.ok(!fs.readFileSync(`/proc/${sandboxes[0].agent}/environ`, 'utf8').includes(CANARY));
  });

  it('cannot touch the agent: no signal, no memory, no environment, no socket', async () => {
    const expressions = [
      'process.kill(1, 0)', "process.kill(1, 'SIGKILL')", "process.kill(process.ppid, 'SIGKILL')",
      "fs.readFileSync('/proc/1/environ')", "fs.readFileSync('/proc/1/mem')", "fs.openSync('/proc/1/mem', 'r+')",
      "fs.readFileSync('/proc/1/maps')", "fs.readdirSync('/proc/1/fd')", "fs.readlinkSync('/proc/1/cwd')",
      "fs.readdirSync('/proc/1/root')", "fs.writeFileSync('/proc/1/oom_score_adj', '1000')",
      "fs.readdirSync('/run/slipway')", "connect('/run/slipway/agent.sock')", "fs.writeFileSync('/run/slipway/x', '')",
      "fs.rmSync('/run/slipway/agent.sock')", "fs.writeFileSync('/run/x', '')",
    ];
    const found = await report(outcomes(expressions));
    for (const e of expressions) {
      assert.match(found[e], /^(EPERM|EACCES|EROFS)$/, e);
    }
    // The same words do something where nobody is kept out.
    const asRoot = JSON.parse(await sandboxes[0].execAsRoot('node', '-e',
      outcomes(["fs.readdirSync('/run/slipway')", "connect('/run/slipway/agent.sock')", 'process.kill(1, 0)'])));
    assert.deepEqual([...new Set(Object.values(asRoot))], ['done']);
  });

  it('cannot use what the kernel keeps for administrators', async () => {
    const calls = [
      ['mount', 'none', '/mnt', 'tmpfs', 0, 0], ['ptrace', PTRACE_ATTACH, 1, 0, 0], ['unshare', CLONE_NEWUSER],
      ['unshare', CLONE_NEWNS], ['setns', 0, 0], ['chroot', '/tmp'], ['bpf', 0, 0, 0], ['keyctl', 0, 0, 0],
      ['perf_event_open', 0, 0, -1, -1, 0], ['init_module', 0, 0, 0], ['kexec_load', 0, 0, 0, 0], ['swapon', '/tmp', 0],
      ['reboot', 0, 0, 0, 0], ['userfaultfd', 0],
    ];
    for (const call of calls) {
      assert.equal((await execute(syscallCode(...call))).output, String(os.constants.errno.EPERM), call.join(' '));
    }
    const found = await report(outcomes([
      "fs.writeFileSync('/proc/sys/kernel/hostname', 'x')", "fs.writeFileSync('/proc/sysrq-trigger', 'h')",
      "fs.writeFileSync('/sys/fs/cgroup/pids/pids.max', 'max')", "fs.writeFileSync('/sys/fs/cgroup/pids.max', 'max')",
      "fs.openSync('/proc/kcore')", "fs.writeFileSync('/proc/self/oom_score_adj', '-1000')",
    ]));
    assert.ok(!Object.values(found).includes('done'), JSON.stringify(found));
  });

  it('could use some of it without capabilities dropped and calls filtered', async () => {
    const container = await controlContainer(sandboxes[0].image, ['--network', 'none', '--cap-add', 'SYS_ADMIN',
      '--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined']);
    for (const call of [['mount', 'none', '/mnt', 'tmpfs', 0, 0], ['ptrace', PTRACE_ATTACH, 1, 0, 0], ['unshare', CLONE_NEWUSER]]) {
      assert.equal(await docker('exec', container, 'perl', '-e', perl(...call)), '0', call.join(' '));
    }
  });
});

describe('what the kernel counts by user', () => {
  // Takes inotify instances until there are no more; says how many, and keeps them while it is told to.
  const HOARD = `
    my @kept;
    for (1 .. 16000) { my $fd = syscall(${SYSCALLS.inotify_init1}, 0); last if $fd < 0; push @kept, $fd; }
    $| = 1; print scalar(@kept), "\\n"; sleep($ARGV[0]);`;
  const limit = Number(fs.readFileSync('/proc/sys/fs/inotify/max_user_instances', 'utf8'));
  // The kernel lets go of a closed one a moment later.
  const all = Math.min(limit, 16_000) - 4;
  const hoard = (seconds) => `require('child_process').spawn('perl', ['-e', \`${HOARD}\`, '${seconds}'], { stdio: 'inherit' })`;

  it('runs out for one sandbox only', async () => {
    const abort = new AbortController();
    const json = { code: hoard(60) };
    let neighbour;
    await assert.rejects(async () => {
      for await (const event of instance.sse('execute', { key: users[0].key, json, signal: abort.signal })) {
        assert.equal(event.type, 'stdout');
        assert.ok(Number(event.data.data) >= all, event.data.data);
        neighbour = await execute(hoard(0), users[1]);
        abort.abort();
      }
    }, { name: 'AbortError' });
    assert.ok(Number(neighbour.output) >= all, neighbour.output);
  });

  it('would run out for all of them with one user for all', async () => {
    const options = ['--network', 'none', '--user', '999999999'];
    const [a, b] = [await controlContainer(sandboxes[0].image, options), await controlContainer(sandboxes[0].image, options)];
    const taken = [];
    // As many as it takes where the limit is higher than what one process may open.
    for (let left = limit; left > 0; left -= 16_000) {
      taken.push(await docker('exec', a, 'sh', '-c', `perl -e '${HOARD}' 60 >/tmp/n & until [ -s /tmp/n ]; do :; done; cat /tmp/n; rm /tmp/n`));
    }
    assert.ok(taken.map(Number).reduce((x, y) => x + y) > 0);
    assert.equal(await docker('exec', b, 'perl', '-e', HOARD, '0'), '0');
  });
});
