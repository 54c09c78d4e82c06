// A scripted model service that speaks the OpenAI-compatible wire format, well or badly. Each request
// is answered by the next script in the queue; none left is a test's mistake and answers 500.
//
//   const model = await startFakeModel();
//   model.next(reply('Hello'), status(429, {}, { 'retry-after': '1' }));
//   … OPENAI_BASE_URL = model.baseUrl …
//   model.requests[0].body.messages
//   await model.close();

import http from 'node:http';
import { once } from 'node:events';

const RECORDED_MAX_BYTES = 16 * 1024 * 1024;

async function readBody(request) {
  const pieces = [];
  let bytes = 0;

  for await (const piece of request) {
    bytes += piece.length;
    if (bytes > RECORDED_MAX_BYTES) {
      throw new Error('the request is larger than a test expects');
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

export async function startFakeModel({ port = 0 } = {}) {
  const requests = [];
  const scripts = [];
  const sockets = new Set();
  const waiting = [];

  const server = http.createServer(async (request, response) => {
    const text = await readBody(request);
    const record = { method: request.method, path: request.url, headers: request.headers, text };

    try {
      record.body = JSON.parse(text);
    } catch {
      record.body = undefined;
    }
    requests.push(record);
    waiting.splice(0).forEach((wake) => wake());
    const script = scripts.shift() ?? status(500, { error: { message: 'the test has no script for this request' } });
    response.on('error', () => {});
    await script({ request: record, response });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.setNoDelay(true);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  return {
    baseUrl: `http://127.0.0.1:${server.address().port}/v1`,
    port: server.address().port,
    requests,
    next: (...more) => scripts.push(...more),
    left: () => scripts.length,
    reset() {
      requests.length = 0;
      scripts.length = 0;
    },
    // Resolves when the n-th request (from 1) has come.
    async request(n) {
      while (requests.length < n) {
        await new Promise((wake) => waiting.push(wake));
      }
      return requests[n - 1];
    },
    async close() {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}

function chunkObject(choice, more = {}) {
  return {
    id: 'chatcmpl-fake', object: 'chat.completion.chunk', created: 1, model: 'fake-1',
    choices: choice ? [{ index: 0, logprobs: null, finish_reason: null, ...choice }] : [], ...more,
  };
}

// Writes the wire format piece by piece.
export class Stream {
  constructor(response, { crlf = false } = {}) {
    this.response = response;
    this.end = crlf ? '\r\n' : '\n';
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' });
    response.flushHeaders();
  }

  raw(bytes) {
    return new Promise((resolve) => this.response.write(bytes, () => resolve()));
  }

  data(text) {
    return this.raw(`data: ${text}${this.end}${this.end}`);
  }

  role() {
    return this.data(JSON.stringify(chunkObject({ delta: { role: 'assistant', content: '' } })));
  }

  text(content) {
    return this.data(JSON.stringify(chunkObject({ delta: { content } })));
  }

  ping() {
    return this.raw(`: ping${this.end}${this.end}`);
  }

  async finish({ reason = 'stop', usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }, done = true } = {}) {
    await this.data(JSON.stringify(chunkObject({ delta: {}, finish_reason: reason })));
    if (usage) {
      await this.data(JSON.stringify(chunkObject(null, { usage })));
    }
    if (done) {
      await this.data('[DONE]');
    }
    this.response.end();
  }

  cut() {
    this.response.destroy();
  }
}

// Pieces of about `size` characters, never half of one.
export function pieces(text, size) {
  const all = [...text];
  const out = [];

  for (let i = 0; i < all.length; i += size) {
    out.push(all.slice(i, i + size).join(''));
  }
  return out;
}

// The whole text as a well-made stream.
export function reply(text, { size = 8, crlf = false, pings = false, finish = {} } = {}) {
  return async ({ response }) => {
    const stream = new Stream(response, { crlf });

    await stream.role();
    for (const piece of pieces(text, size)) {
      if (pings) {
        await stream.ping();
      }
      await stream.text(piece);
    }
    await stream.finish(finish);
  };
}

// The same bytes on the wire, but in writes of `size` bytes: split anywhere.
export function shredded(text, size = 3) {
  return async ({ response }) => {
    const lines = pieces(text, 5).map((piece) => `data: ${JSON.stringify(chunkObject({ delta: { content: piece } }))}\n\n`);
    const end = `data: ${JSON.stringify(chunkObject({ delta: {}, finish_reason: 'stop' }))}\n\ndata: [DONE]\n\n`;
    const bytes = Buffer.from(lines.join('') + end);
    const stream = new Stream(response);

    for (let i = 0; i < bytes.length; i += size) {
      await stream.raw(bytes.subarray(i, i + size));
    }
    response.end();
  };
}

// A server that does not stream.
export function whole(text, { reason = 'stop' } = {}) {
  return ({ response }) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({
      id: 'chatcmpl-fake', object: 'chat.completion', created: 1, model: 'fake-1',
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: reason }],
      usage: { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 },
    }));
  };
}

export function status(code, body = {}, headers = {}) {
  return ({ response }) => {
    response.writeHead(code, { 'Content-Type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

// Some text, then the connection breaks.
export function cutAfter(text) {
  return async ({ response }) => {
    const stream = new Stream(response);

    await stream.role();
    if (text) {
      await stream.text(text);
    }
    stream.cut();
  };
}

// Not even a status line.
export function hangUp() {
  return ({ response }) => {
    response.destroy();
  };
}

export function garbage(body = '<html>It works!</html>', type = 'text/html') {
  return ({ response }) => {
    response.writeHead(200, { 'Content-Type': type });
    response.end(body);
  };
}

// An error object in the middle of the stream, as several services send it.
export function errorAfter(text, error) {
  return async ({ response }) => {
    const stream = new Stream(response);

    await stream.role();
    if (text) {
      await stream.text(text);
    }
    await stream.data(JSON.stringify({ error }));
    response.end();
  };
}

// Nothing, for as long as the other end stays.
export function silent() {
  return async ({ response }) => {
    response.flushHeaders();
    await once(response, 'close');
  };
}

// Held in the test's hands: `opened` resolves with the Stream.
export function byHand() {
  let opened;
  const held = new Promise((resolve) => {
    opened = resolve;
  });
  const script = async ({ response }) => {
    const stream = new Stream(response);

    stream.closed = new Promise((resolve) => response.on('close', resolve));
    await stream.role();
    opened(stream);
  };

  return { script, opened: held };
}

export function file(path, text) {
  return `<slipway-file path="${path}">\n${text.endsWith('\n') ? text : `${text}\n`}</slipway-file>\n`;
}
