// An npm registry in one script, for sandboxes without a network: it runs inside one, as a run.

import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

function tarHeader(name, size) {
  const head = Buffer.alloc(512);
  head.write(name, 0);
  head.write('0000644\0', 100);
  head.write('0000000\0', 108);
  head.write('0000000\0', 116);
  head.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  head.write('00000000000\0', 136);
  head.write('        ', 148);
  head.write('0', 156);
  head.write('ustar\0' + '00', 257);
  const sum = head.reduce((a, b) => a + b, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return head;
}

function tarball(files) {
  const parts = Object.entries(files).flatMap(([name, text]) => {
    const body = Buffer.from(text);
    return [tarHeader(`package/${name}`, body.length), body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]));
}

// The script of a registry with these packages: {name: {manifest, files}}, all of version 1.0.0.
export function registryScript(packages, port = 4873) {
  const tarballs = {};
  const documents = {};
  for (const [name, { manifest = {}, files = {} }] of Object.entries(packages)) {
    const own = { name, version: '1.0.0', ...manifest };
    const bytes = tarball({ 'package.json': JSON.stringify(own), ...files });
    const path = `/${name}/-/${name}-1.0.0.tgz`;
    tarballs[path] = bytes.toString('base64');
    const dist = {
      tarball: `http://127.0.0.1:${port}${path}`,
      shasum: createHash('sha1').update(bytes).digest('hex'),
      integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    };
    documents[`/${name}`] = { name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': { ...own, dist } },
      time: { '1.0.0': '2020-01-01T00:00:00.000Z', modified: '2020-01-01T00:00:00.000Z' } };
  }
  return `
const tarballs = ${JSON.stringify(tarballs)};
const documents = ${JSON.stringify(documents)};
require('node:http').createServer((req, res) => {
  const path = new URL(req.url, 'http://x').pathname;
  if (tarballs[path]) return res.end(Buffer.from(tarballs[path], 'base64'));
  res.setHeader('content-type', 'application/json');
  if (documents[path]) return res.end(JSON.stringify(documents[path]));
  res.statusCode = 404;
  res.end('{"error":"Not found"}');
}).listen(${port}, '127.0.0.1', () => console.log('registry'));
`;
}
