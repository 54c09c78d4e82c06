// Runs `node FILE` each time a line comes in on stdin and answers how long it took, in milliseconds:
// what a run costs with nothing around it. Started inside the sandbox's container, and on the host.
//
//   node meter.cjs /path/to/node /path/to/index.js

const { spawnSync } = require('node:child_process');
const readline = require('node:readline');

// With `node -e` there is no script name in argv: the last two are ours either way.
const [node, file] = process.argv.slice(-2);

readline.createInterface({ input: process.stdin }).on('line', () => {
  const start = process.hrtime.bigint();
  const r = spawnSync(node, [file]);
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  if (r.status !== 0 || String(r.stdout) !== '2\n') {
    console.log(JSON.stringify({ error: String(r.error || r.stderr) }));
    process.exit(1);
  }
  console.log(JSON.stringify({ ms }));
});
