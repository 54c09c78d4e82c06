// The design this project is measured against, as a careful person would write it: one container a
// user that runs `tail -f /dev/null`, code written through base64, `docker exec` for every step.
//
//   IMAGE=… PORT=0 node server.mjs     prints {"port": n, "container": id} and serves POST /execute

import { PassThrough } from 'node:stream';
import Docker from 'dockerode';
import express from 'express';

const RUN_TIMEOUT_MS = 10_000;
const docker = new Docker({ socketPath: process.env.DOCKER_SOCKET || '/var/run/docker.sock' });

async function createContainer() {
  const container = await docker.createContainer({
    Image: process.env.IMAGE,
    Entrypoint: ['tail', '-f', '/dev/null'],
    Cmd: [],
    WorkingDir: '/workspace',
    Labels: { 'slipway.bench': '1' },
    HostConfig: {
      Memory: 512 * 1024 * 1024,
      MemorySwap: 512 * 1024 * 1024,
      CpuPeriod: 100_000,
      CpuQuota: 100_000,
      PidsLimit: 64,
      NetworkMode: 'none',
    },
  });
  await container.start();
  return container;
}

async function runExec(container, cmd) {
  const exec = await container.exec({ Cmd: cmd, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({ hijack: true, stdin: false });
  const out = new PassThrough();
  const err = new PassThrough();
  const chunks = { output: [], error: [] };
  out.on('data', (c) => chunks.output.push(c));
  err.on('data', (c) => chunks.error.push(c));
  docker.modem.demuxStream(stream, out, err);
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stream.destroy();
      reject(new Error('timeout'));
    }, RUN_TIMEOUT_MS);
    stream.on('end', () => {
      clearTimeout(timer);
      resolve();
    });
    stream.on('error', reject);
  });
  return {
    output: Buffer.concat(chunks.output).toString(),
    error: Buffer.concat(chunks.error).toString(),
  };
}

const container = await createContainer();
const app = express();
app.use(express.json({ limit: '1mb' }));
app.post('/execute', async (req, res) => {
  try {
    const encoded = Buffer.from(req.body.code).toString('base64');
    await runExec(container, ['sh', '-c', `echo ${encoded} | base64 -d > /workspace/index.js`]);
    res.json(await runExec(container, ['node', '/workspace/index.js']));
  } catch (e) {
    res.status(500).json({ error: e.message });
  }
});

const server = app.listen(Number(process.env.PORT || 0), '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port, container: container.id }));
});
process.on('SIGTERM', async () => {
  await container.remove({ force: true });
  process.exit(0);
});
