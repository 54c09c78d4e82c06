// Apps on a Docker of the test's own, which makes no firewall rules: restarted under running apps, and with a host
// whose name server listens on loopback.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { IMAGE, SandboxdFixture, ask, run, until } from './lib/sandboxd-fixture.mjs';

const NAME_SERVER = '127.53.5.53';
const START_MS = 30_000;

const f = new SandboxdFixture();
const dir = fs.mkdtempSync(`/var/lib/slipway-${f.tag}-`);
const socket = `${dir}/docker.sock`;
const bridge = `sld${f.tag.slice(1)}`;
let dockerd;

// `wrapper` runs it: a program and its arguments.
async function startDocker(wrapper = []) {
  const args = [
    '-H', `unix://${socket}`, '--data-root', `${dir}/data`, '--exec-root', `/run/slipway-docker-${f.tag}`, '--pidfile', `${dir}/pid`,
    '--bridge', bridge, '--iptables=false', '--ip6tables=false', '--ip-masq=false', '--ip-forward=false', '--group', 'root',
  ];
  const log = fs.openSync(`${dir}/dockerd.log`, 'a');
  const [command, ...rest] = [...wrapper, 'dockerd', ...args];
  dockerd = spawn(command, rest, { stdio: ['ignore', log, log] });
  dockerd.ended = new Promise((resolve) => { dockerd.on('exit', resolve); });
  await until(() => ask('docker', ['-H', `unix://${socket}`, 'version', '--format', '{{.Server.Version}}']), 'Docker answers', 60_000);
}

async function stopDocker() {
  process.kill(Number(fs.readFileSync(`${dir}/pid`, 'utf8')), 'SIGTERM');
  await dockerd.ended;
}

before(async () => {
  f.create();
  run('ip', ['link', 'add', bridge, 'type', 'bridge']);
});

after(async () => {
  await f.destroy();
  await stopDocker().catch(() => {});
  ask('ip', ['link', 'del', bridge]);
  for (const under of [`/run/slipway-docker-${f.tag}`, dir]) {
    const mounts = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')[1] ?? '');
    for (const target of mounts.filter((m) => m.startsWith(`${under}/`)).reverse()) {
      ask('umount', ['--lazy', target]);
    }
    fs.rmSync(under, { recursive: true, force: true });
  }
});
afterEach((t) => {
  if (t.error) {
    process.stderr.write(`${f.lastLog()}\n${fs.readFileSync(`${dir}/dockerd.log`, 'utf8').split('\n').slice(-15).join('\n')}\n`);
  }
});

describe('a name server on the host\'s loopback', () => {
  const asked = () => fs.readFileSync(`${dir}/asked`, 'utf8');
  const LOOKUP = `
    const dns = require('node:dns'), dgram = require('node:dgram');
    const direct = new dns.Resolver({ timeout: 1000, tries: 1 }); direct.setServers(['127.0.0.11']);
    dns.lookup('lookup.test', () => dns.resolve4('resolve.test', () => direct.resolve4('direct.test', () => process.exit())));`;
  let server;

  before(async () => {
    fs.writeFileSync(`${dir}/resolv.conf`, `nameserver ${NAME_SERVER}\n`);
    fs.writeFileSync(`${dir}/asked`, '');
    server = spawn(process.execPath, ['-e', `
      const s = require('node:dgram').createSocket('udp4');
      s.on('message', (m, from) => {
        require('node:fs').appendFileSync(process.argv[1], m.subarray(12).toString('latin1').replace(/[^a-z]+/g, '.') + '\\n');
        const a = Buffer.from(m); a[2] = 0x81; a[3] = 0x83; s.send(a, from.port, from.address);
      }).bind(53, '${NAME_SERVER}');`, `${dir}/asked`], { stdio: 'inherit' });
    // Docker sees another /etc/resolv.conf than this machine.
    await startDocker(['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', `${dir}/resolv.conf`]);
    const loaded = spawnSync('sh', ['-c', `docker save "$1" | docker -H unix://${socket} load`, 'sh', IMAGE], { encoding: 'utf8', timeout: 120_000 });
    assert.equal(loaded.status, 0, loaded.stderr);
  });

  after(async () => {
    server.kill('SIGKILL');
    await stopDocker();
  });

  const look = (...options) => {
    fs.writeFileSync(`${dir}/asked`, '');
    ask('docker', ['-H', `unix://${socket}`, 'run', '--rm', '--network', 'names', ...options, '--entrypoint', 'node', IMAGE, '-e', LOOKUP]);
    return asked();
  };

  it('is asked by a usual container, and by none of ours', async () => {
    // What a sandbox of an app has, by the Docker of this machine.
    await f.start();
    const user = f.user();
    const box = await f.ensure(user, f.project(user));
    const { Dns, DnsOptions, DnsSearch } = f.inspect(box).HostConfig;
    const ours = [
      ...Dns.flatMap((v) => ['--dns', v]), ...DnsOptions.flatMap((v) => ['--dns-opt', v]), ...DnsSearch.flatMap((v) => ['--dns-search', v]),
    ];
    fs.copyFileSync(`${f.run}/sandboxes/${box.id}/resolv.conf`, `${dir}/ours`);
    await f.clean();
    await f.end();
    run('docker', ['-H', `unix://${socket}`, 'network', 'create', '--subnet', f.subnet.replace('.0/24', '.64/28'), 'names']);
    try {
      for (const name of ['lookup.test', 'resolve.test', 'direct.test']) {
        assert.match(look(), new RegExp(name), 'the attack works without the defence');
      }
      assert.equal(look(...ours), '');
      assert.equal(look(...ours, '--volume', `${dir}/ours:/etc/resolv.conf:ro`), '');
    } finally {
      ask('docker', ['-H', `unix://${socket}`, 'network', 'rm', 'names']);
    }
  });
});

describe('Docker restarted under running apps', () => {
  let user, project;

  const rowOf = () => {
    const [[id]] = f.db.query(`SELECT id FROM sandboxes WHERE project_id = '${project}'`);
    return { id, ...f.row(id) };
  };
  const running = async () => {
    await f.expect(202, 'POST', '/v1/apps/wake', { project_id: project });
    await until(() => rowOf().phase === '' && ['running', 'failed'].includes(rowOf().actual_state), 'it is started', START_MS);
    assert.equal(rowOf().actual_state, 'running', rowOf().error);
    return rowOf();
  };

  before(async () => {
    run(path.join(path.resolve(process.env.BUILD_DIR ?? 'build/release'), 'slipway-sandboxd'), ['--remove-network'], { env: f.environment() });
    process.env.DOCKER_HOST = `unix://${socket}`; // the docker command's
    process.env.SLIPWAY_DOCKER_SOCKET = socket; // sandboxd's
    await startDocker();
    await f.start();
    user = f.user();
    project = f.project(user);
    f.version(user, project, { 'index.js': 'require("node:http").createServer((q, r) => r.end("up")).listen(process.env.PORT)' });
  });

  it('leaves their rows stopped, and the next request wakes them', async () => {
    const before_ = await running();
    assert.match(run('iptables', ['-w', '-S', 'FORWARD']), new RegExp(`-A FORWARD -j ${f.chains.forward}`));
    await stopDocker();
    await startDocker();
    await until(() => rowOf().actual_state === 'stopped', 'the row is stopped', START_MS);
    assert.deepEqual([rowOf().port, rowOf().relay_secret], ['', '']);
    const after_ = await running();
    assert.notEqual(after_.container_id, before_.container_id);
    assert.notEqual(after_.relay_secret, before_.relay_secret);
    const c = net.connect(Number(after_.port), '127.0.0.1');
    const first = await new Promise((resolve, reject) => {
      c.on('data', resolve).on('error', reject);
      c.write(`SLW1 ${after_.relay_secret} 0 20000\n`);
    });
    c.destroy();
    assert.match(first.toString(), /^OK /);
  });
});
