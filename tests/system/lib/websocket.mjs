// A small WebSocket client (RFC 6455) that may send any header: Node's own can not.

import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

// Clients mask what they send.
function frame(opcode, payload) {
  const mask = randomBytes(4);
  const head = payload.length < 126 ? Buffer.from([0x80 | opcode, 0x80 | payload.length])
    : Buffer.from([0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([head, mask, Buffer.from(payload.map((b, i) => b ^ mask[i % 4]))]);
}

export class WebSocket {
  #socket;
  #pending;
  received = ''; // all of text and binary, as text
  bytes = 0; // of binary frames
  texts = []; // text frames that are JSON, parsed
  pongs = [];
  closed = false;

  // `url` may also be {socketPath, path}. The open socket, or the plain answer {status, headers, text} of a server that refused.
  static connect(url, { headers = {}, ms = 30_000 } = {}) {
    const key = randomBytes(16).toString('base64');
    return new Promise((resolve, reject) => {
      const options = {
        agent: false, timeout: ms,
        headers: {
          connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key, ...headers,
        },
      };
      const request = typeof url === 'string' ? http.get(url, options) : http.get({ ...url, ...options });
      request.on('error', reject);
      request.on('timeout', () => request.destroy(new Error(`no answer within ${ms} ms`)));
      request.on('response', async (response) => {
        let text = '';
        for await (const piece of response) {
          text += piece;
        }
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
      request.on('upgrade', (response, socket, first) => {
        if (response.headers['sec-websocket-accept'] !== createHash('sha1').update(key + GUID).digest('base64')) {
          reject(new Error('the handshake is wrong'));
          return;
        }
        socket.setTimeout(0);
        resolve(new WebSocket(socket, first));
      });
    });
  }

  constructor(socket, first) {
    this.#socket = socket;
    this.#pending = first;
    this.status = 101;
    socket.on('data', (piece) => {
      this.#pending = Buffer.concat([this.#pending, piece]);
      this.#read();
    });
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => (this.closed = true));
    this.#read();
  }

  #read() {
    for (let at = this.#pending; at.length >= 2;) {
      let length = at[1] & 127;
      let head = 2;
      if (length === 126) {
        head = 4;
        length = at.length >= 4 ? at.readUInt16BE(2) : Infinity;
      } else if (length === 127) {
        head = 10;
        length = at.length >= 10 ? Number(at.readBigUInt64BE(2)) : Infinity;
      }
      if (at.length < head + length) {
        return;
      }
      this.#take(at[0] & 15, at.subarray(head, head + length));
      at = at.subarray(head + length);
      this.#pending = at;
    }
  }

  #take(opcode, payload) {
    if (opcode === PING) {
      this.#socket.write(frame(PONG, payload));
    } else if (opcode === CLOSE) {
      this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : undefined;
      this.close();
    } else if (opcode === PONG) {
      this.pongs.push(payload.toString('utf8'));
    } else {
      this.#takeData(opcode, payload);
    }
  }

  #takeData(opcode, payload) {
    const text = payload.toString('utf8');
    this.received += text;
    if (opcode === BINARY) {
      this.bytes += payload.length;
    } else {
      try {
        this.texts.push(JSON.parse(text));
      } catch {
        // Text of an app, such as a dev server's.
      }
    }
  }

  send(data) {
    this.#socket.write(frame(typeof data === 'string' ? TEXT : BINARY, Buffer.from(data)));
  }

  // Bytes as they are, for what no client should send.
  write(bytes) {
    this.#socket.write(bytes);
  }

  // Stops reading.
  pause() {
    this.#socket.pause();
  }

  // Goes without a word.
  destroy() {
    this.closed = true;
    this.#socket.destroy();
  }

  close() {
    this.closed = true;
    this.#socket.end(frame(CLOSE, Buffer.alloc(0)));
  }
}
