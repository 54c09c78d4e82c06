// What the tests of previews send, receive and compare: bytes that no buffer's size divides, and an app that
// says what it got.

import crypto from 'node:crypto';

export const MIB = 1024 * 1024;
const PATTERN = crypto.randomBytes(MIB + 7); // no multiple of any buffer

export function* pattern(size, piece = 64 * 1024) {
  for (let at = 0; at < size;) {
    const from = at % PATTERN.length;
    const n = Math.min(size - at, piece, PATTERN.length - from);
    yield PATTERN.subarray(from, from + n);
    at += n;
  }
}

export function digestOf(size) {
  const hash = crypto.createHash('sha256');
  for (const piece of pattern(size)) hash.update(piece);
  return hash.digest('hex');
}

export async function digest(stream) {
  const hash = crypto.createHash('sha256');
  let size = 0;
  for await (const piece of stream) {
    hash.update(piece);
    size += piece.length;
  }
  return { size, hash: hash.digest('hex') };
}

export async function writeAll(to, pieces) {
  for (const piece of pieces) {
    if (to.destroyed) return;
    if (!to.write(piece)) await new Promise((resolve) => {
      const go = () => {
        to.off('drain', go);
        to.off('close', go);
        resolve();
      };
      to.on('drain', go);
      to.on('close', go);
    });
  }
}

// Answers with what the request was, and what the path asks for.
export async function echo(request, response) {
  const url = new URL(request.url, 'http://app');
  const size = Number(url.searchParams.get('size') ?? 0);
  const { size: got, hash } = await digest(request);
  response.setHeader('x-got', `${request.method} ${got} ${hash}`);
  response.setHeader('x-sent', JSON.stringify(request.rawHeaders));
  response.setHeader('x-port', String(request.socket.remotePort));
  switch (url.pathname) {
    case '/length':
      response.setHeader('content-length', size);
      break;
    case '/close':
      response.setHeader('connection', 'close');
      response.useChunkedEncodingByDefault = false;
      response.removeHeader('transfer-encoding');
      break;
    case '/status':
      response.statusCode = Number(url.searchParams.get('code'));
      break;
    default:
  }
  await writeAll(response, pattern(size));
  response.end();
}
