// A sandbox as the host sees it, without asking anything inside: its container, cgroups, processes and
// disk. And containers of the test's own, for showing that an attack works where a defence is missing.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';

import { waitFor } from './instance.mjs';

const run = promisify(execFile);
const MiB = 1024 * 1024;

export async function docker(...args) {
  const { stdout } = await run('docker', args, { maxBuffer: 64 * MiB, timeout: 60_000 });
  return stdout.trimEnd();
}

// Files of one fact in cgroup v1 (under its controller) and v2.
const FILES = {
  pidsMax: ['pids/pids.max', 'pids.max'],
  pidsCurrent: ['pids/pids.current', 'pids.current'],
  pidsEvents: ['pids/pids.events', 'pids.events'],
  memoryMax: ['memory/memory.limit_in_bytes', 'memory.max'],
  procs: ['pids/cgroup.procs', 'cgroup.procs'],
};

function statusField(pid, name) {
  const match = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  return match && Number(match[1]);
}

// VmRSS in bytes; 0 when the process is gone.
export function residentBytes(pid) {
  try {
    return (statusField(pid, 'VmRSS') ?? 0) * 1024;
  } catch {
    return 0;
  }
}

export class SandboxView {
  constructor(row) {
    Object.assign(this, row);
  }

  // The running sandbox of a user (or of one of the user's projects).
  static async of(instance, userId, projectId) {
    const project = projectId ? `= '${projectId}'` : 'IS NULL';
    const line = await instance.psql(`SELECT id, container_id, host_uid FROM sandboxes
      WHERE user_id = '${userId}' AND project_id ${project} AND actual_state = 'running'`);
    assert.ok(line, 'there is no running sandbox');
    const [id, container, uid] = line.split('|');
    const [inspected] = JSON.parse(await docker('inspect', container));
    return new SandboxView({
      id, container, uid: Number(uid), agent: inspected.State.Pid, image: inspected.Image, inspected,
      image_file: `${instance.stateDir}/disks/${id}.img`,
      socketDir: `${instance.runDir}/sandboxes/${id}`,
    });
  }

  // Of a container that is not Slipway's.
  static async ofContainer(container) {
    const [inspected] = JSON.parse(await docker('inspect', container));
    return new SandboxView({ container, agent: inspected.State.Pid, inspected });
  }

  #cgroupFile(fact) {
    const [v1, v2] = FILES[fact];
    const lines = fs.readFileSync(`/proc/${this.agent}/cgroup`, 'utf8').trim().split('\n');
    const controller = v1.slice(0, v1.indexOf('/'));
    for (const line of lines) {
      const [, controllers, where] = line.split(/^\d+:([^:]*):/);
      if (controllers.split(',').includes(controller)) {
        return `/sys/fs/cgroup/${controllers}${where}/${v1.slice(controller.length + 1)}`;
      }
    }
    return `/sys/fs/cgroup${lines.at(-1).split('::')[1]}/${v2}`;
  }

  cgroup(fact) {
    return fs.readFileSync(this.#cgroupFile(fact), 'utf8').trim();
  }

  // Every live process in the container: {pid, uid, command}.
  processes() {
    const found = [];
    for (const pid of this.cgroup('procs').split('\n').filter(Boolean).map(Number)) {
      try {
        found.push({
          pid, uid: statusField(pid, 'Uid'),
          command: fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
        });
      } catch {
        // it ended meanwhile
      }
    }
    return found;
  }

  // Nothing of a run may be alive once its end was told. The run's supervisor, which told it, may
  // still be on its way out.
  async assertOnlyAgent() {
    const left = this.processes().filter((p) => p.uid === this.uid);
    assert.deepEqual(left, [], 'processes of code are left in the sandbox');
    await this.onlyAgent(2000);
  }

  onlyAgent(ms) {
    return waitFor('nothing but the agent in the sandbox', () => {
      const all = this.processes();
      return all.length === 1 && all[0].pid === this.agent;
    }, { ms, every: 10 });
  }

  // As root in the container, with Docker's own defaults: what code must not be able to do.
  execAsRoot(...argv) {
    return docker('exec', '--user', '0', this.container, ...argv);
  }

  // Bytes of the image file on the host: {size, used}.
  disk() {
    const { size, blocks } = fs.statSync(this.image_file);
    return { size, used: blocks * 512 };
  }
}

const controls = new Set();
const networks = new Set();

// An ordinary bridge of the test's own: {name, gateway}.
export async function controlNetwork() {
  const name = `slipway-test-${process.pid}`;
  await docker('network', 'create', name);
  networks.add(name);
  const [{ IPAM }] = JSON.parse(await docker('network', 'inspect', name));
  return { name, gateway: IPAM.Config[0].Gateway };
}

// A container of the test's own, from the sandbox's image, without Slipway's defences:
// `options` are docker's. Removed by removeControls.
export async function controlContainer(image, options = [], command = ['sleep', '600']) {
  const id = await docker('run', '--detach', '--label', `slipway.test=${process.pid}`,
    '--entrypoint', command[0], ...options, image, ...command.slice(1));
  controls.add(id);
  return id;
}

export async function removeControls() {
  if (controls.size > 0) {
    await docker('rm', '--force', '--volumes', ...controls);
    controls.clear();
  }
  for (const name of networks) {
    await docker('network', 'rm', name);
    networks.delete(name);
  }
}
