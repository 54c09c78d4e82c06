// Asks for the page of the server on a port, and for what it loads, as a browser would: a 200 on "/"
// says nothing when its scripts are missing. Prints one line of JSON for the host (docs/ARCHITECTURE.md,
// "Looking at a page"): node page.mjs PORT

import net from 'node:net';

// The relay reaches apps at either address; "localhost" may stand for only one of them.
const listensAt = (host, port) => new Promise((resolve) => {
  const socket = net.connect({ host, port });
  socket.once('connect', () => resolve(true) ?? socket.destroy());
  socket.once('error', () => resolve(false));
});

const port = Number(process.argv[2]);
const isOnIpv6 = !(await listensAt('127.0.0.1', port)) && (await listensAt('::1', port));
const origin = `http://${isOnIpv6 ? '[::1]' : 'localhost'}:${port}`;
const ADDRESSES_MAX = 80;
const AT_ONCE = 6;
const BODY_MAX_BYTES = 2 * 1024 * 1024;
const FAILURES_MAX = 20;
const OUTDATED = 504; // Vite while it bundles dependencies: ask again
const deadline = AbortSignal.timeout(25_000);

async function bodyOf(answer) {
  const pieces = [];
  let size = 0;
  for await (const piece of answer.body ?? []) {
    size += piece.length;
    if (size > BODY_MAX_BYTES) {
      break;
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

async function ask(url, accept) {
  for (let tries = 1; ; tries++) {
    const answer = await fetch(url, { signal: deadline, headers: { accept } });
    const text = await bodyOf(answer);
    if (answer.status !== OUTDATED || tries === 5) {
      return { url: answer.url, status: answer.status, type: answer.headers.get('content-type') ?? '', text };
    }
    await new Promise((resolve) => setTimeout(resolve, 200 * tries));
  }
}

// Addresses on this server, without their fragments.
function local(reference, base) {
  try {
    const url = new URL(reference.replaceAll('&amp;', '&'), base);
    url.hash = '';
    return url.origin === new URL(base).origin ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function attribute(tag, name) {
  const match = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(tag);
  return match?.[1] ?? match?.[2] ?? match?.[3];
}

// What the page cannot do without; a picture it can.
function* references({ type, text, url }) {
  if (type.includes('html')) {
    const html = text.replace(/<!--.*?-->/gs, '');
    for (const [tag] of html.matchAll(/<(?:script|link)\b[^>]*>/gi)) {
      const isLink = /^<link/i.test(tag);
      if (!isLink || /\b(?:stylesheet|modulepreload)\b/i.test(attribute(tag, 'rel') ?? '')) {
        yield attribute(tag, isLink ? 'href' : 'src');
      }
    }
    for (const [, script] of html.matchAll(/<script\b[^>]*type\s*=\s*["']?module[^>]*>(.*?)<\/script>/gis)) {
      yield* references({ type: 'javascript', text: script, url });
    }
  } else if (type.includes('javascript')) {
    // Static imports begin their line in what dev servers send.
    for (const [, path] of text.matchAll(/^\s*(?:import|export)\b[^'"`;\n]*['"]([./][^'"\n]*)['"]/gm)) {
      yield path;
    }
  }
}

const wordsOf = (text) =>
  text.replace(/<(style|script)\b.*?<\/\1>/gis, ' ').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim().slice(0, 400);

const failures = [];
const seen = new Set();
const queue = [];
let checked = 0;

function failed(url, status, error) {
  if (failures.length < FAILURES_MAX) {
    failures.push({ url: url.replace(origin, ''), status, error });
  }
}

function follow(answer) {
  for (const reference of references(answer)) {
    const url = reference && local(reference, answer.url);
    if (url && !seen.has(url) && seen.size < ADDRESSES_MAX) {
      seen.add(url);
      queue.push(url);
    }
  }
}

async function check(url, accept = '*/*') {
  const isPage = accept !== '*/*';
  checked++;
  try {
    const answer = await ask(url, accept);
    const isModule = /\.(?:[cm]?[jt]sx?|vue|svelte)(?:\?|$)/.test(url);
    if (answer.status >= 400 && isPage && answer.status < 500 && wordsOf(answer.text)) {
      // A server without a page says so; the empty answer of a dev server without one is a fault.
      return answer;
    }
    if (answer.status >= 400 && answer.status !== 401 && answer.status !== 403) {
      failed(url, answer.status, wordsOf(answer.text) || 'an empty answer');
    } else if (!isPage && isModule && answer.type.includes('html')) {
      failed(url, answer.status, 'a page came in place of a script: there is no such file');
    } else {
      follow(answer);
    }
    return answer;
  } catch (e) {
    failed(url, null, deadline.aborted ? 'no answer in time' : (e.cause?.message ?? e.message));
    return undefined;
  }
}

const page = await check(`${origin}/`, 'text/html,*/*;q=0.8');
while (queue.length > 0) {
  await Promise.all(queue.splice(0, AT_ONCE).map((url) => check(url)));
}
process.stdout.write(`${JSON.stringify({
  ok: failures.length === 0, status: page?.status ?? null, content_type: page?.type || null, checked, failures,
})}\n`);
process.exit(0);
