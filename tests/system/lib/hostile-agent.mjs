// An agent that has fallen into an attacker's hands. It takes the place of a sandbox's socket, as the root
// of a container could, answers health checks well, so that nobody replaces it, and each run as it is told.
//
//   const agent = await seize(sandbox);           // a SandboxView
//   agent.answer = (socket, agent, request) => socket.end(…);
//   … agent.runs, agent.sent …
//   await agent.close();

import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';

const HEALTH = JSON.stringify({ version: '1', uptime_ms: 1, runs: 0, queued: 0 });

// Type numbers of lib/frame.h.
export const STDOUT = 1;
export const STDERR = 2;
export const STARTED = 3;
export const LISTENING = 4;
export const EXIT = 5;
export const QUEUED = 6;

export function frame(type, payload = '', length) {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeUInt32BE(length ?? body.length, 1);
  return Buffer.concat([head, body]);
}

export function exit(more = {}) {
  return frame(EXIT, JSON.stringify({
    exit_code: 0, signal: '', timed_out: false, truncated: false, oom_killed: false, listening: false, duration_ms: 1, ...more,
  }));
}

// A head that begins a good answer. Chunked by hand: whoever lies about lengths needs to.
export function head(more = '') {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/x-slipway-frames\r\nTransfer-Encoding: chunked\r\n${more}\r\n`;
}

export function chunk(bytes) {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

export const LAST_CHUNK = '0\r\n\r\n';

// A whole answer made of these frames.
export function frames(...all) {
  return (socket) => {
    socket.write(head());
    for (const f of all) {
      socket.write(chunk(f));
    }
    socket.end(LAST_CHUNK);
  };
}

// Whatever bytes these are, then the end.
export function bytes(...all) {
  return (socket) => socket.end(Buffer.concat(all.map((b) => Buffer.from(b))));
}

// The same bytes over and over, as fast as they are taken, until somebody hangs up or `max` are sent.
export function endlessly(before, piece, max = 10 * 2 ** 30) {
  return (socket, agent, what) => {
    let left = max;
    const more = () => {
      while (left > 0 && !socket.destroyed) {
        left -= piece.length;
        agent.sent.set(what, max - left);
        if (!socket.write(piece)) {
          socket.once('drain', more);
          return;
        }
      }
      socket.destroy();
    };
    socket.write(before);
    more();
  };
}

// A piece at a time, so that the connection is never silent.
export function drip(before, pieces, everyMs = 100) {
  return (socket) => {
    socket.write(before);
    const timer = setInterval(() => socket.write(pieces()), everyMs);
    socket.on('close', () => clearInterval(timer));
  };
}

function whole(request) {
  const end = request.indexOf('\r\n\r\n');
  const length = /^content-length: (\d+)/im.exec(request);
  return end >= 0 && request.length >= end + 4 + Number(length?.[1] ?? 0);
}

class HostileAgent {
  answer = frames(exit());
  runs = 0;
  sent = new Map(); // bytes, by what the run's answer was called
  #sockets = new Set();

  async listen(path) {
    this.path = path;
    fs.rmSync(path, { force: true });
    this.server = net.createServer((socket) => this.#take(socket)).listen(path);
    await once(this.server, 'listening');
    fs.chmodSync(path, 0o770);
    return this;
  }

  #take(socket) {
    let seen = '';
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      const answered = whole(seen);
      seen += piece.toString('latin1');
      if (answered || !whole(seen)) {
        return;
      }
      if (seen.startsWith('GET /v1/health ')) {
        socket.end(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${HEALTH.length}\r\n\r\n${HEALTH}`);
      } else {
        this.runs++;
        this.answer(socket, this, seen);
      }
    });
  }

  async close() {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.server.close();
    await once(this.server, 'close');
    fs.rmSync(this.path, { force: true });
  }
}

export function seize(sandbox) {
  return new HostileAgent().listen(`${sandbox.socketDir}/agent.sock`);
}
