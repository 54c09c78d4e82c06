// What slipway-router decides: who may see a preview, who waits, who is shown what, and who wakes an
// app. A real router on a real PostgreSQL; relay and sandboxd are the test's own.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { PolicyFixture } from './lib/preview-parts.mjs';
import { until } from './lib/router-fixture.mjs';

const HOLD_MS = 3000;
const PAGE = { accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const router = new PolicyFixture();

before(() => router.start({ SLIPWAY_ROUTER_HOLD_MS: String(HOLD_MS), SLIPWAY_PUBLIC_URL: 'https://build.example.test' }));
after(() => router.destroy());

const json = (answer) => JSON.parse(answer.text);
const wakesOf = (project) => router.sandboxd.woken.filter((w) => w.project === project.id).length;

// A problem (RFC 9457) that says when to come back, and nothing of a page.
function assertProblem(answer, status) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(json(answer).status, status);
}

function assertLivePage(answer) {
  assert.equal(answer.status, 503, answer.text);
  assert.match(answer.headers['content-type'], /^text\/html/);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.ok(answer.headers['retry-after']);
  assert.match(answer.headers['content-security-policy'], /default-src 'none'; script-src 'self';/);
  assert.match(answer.text, /role="status"/);
  assert.match(answer.text, /<noscript><meta http-equiv="refresh"/);
}

async function told(project, wanted, headers = router.owner(project)) {
  let status;
  await until(async () => {
    status = json(await router.status(project, headers));
    return status.state === wanted;
  }, `${project.slug} is ${wanted}`).catch((e) => { throw new Error(`${e.message}: ${JSON.stringify(status)}`); });
  return status;
}

test('an unknown host is a page for people and a problem for programs', async () => {
  for (const host of ['nope.preview.example.test', 'preview.example.test', 'a.b.preview.example.test', 'evil.test', '127.0.0.1']) {
    const page = await router.call({ host, headers: PAGE });
    assert.equal(page.status, 404);
    assert.match(page.text, /There is no such preview/);
    assertProblem(await router.call({ host }), 404);
  }
});

test('a private preview opens to its owner and to nobody else', async () => {
  const relay = await router.relay((rq, rs) => rs.end(JSON.stringify(rq.headers)));
  const project = router.project({ relay });
  const other = router.project({ relay: await router.relay() });
  await router.settled(project, 'running');
  await router.settled(other, 'running');

  assert.equal((await router.call({ host: project.host, headers: router.owner(project) })).status, 200);
  for (const [what, headers] of Object.entries({
    nothing: {},
    'another project’s': router.owner(other),
    'another user’s': router.owner(project, { subject: other.user }),
    expired: router.owner(project, { expires: Date.now() / 1000 - 1 }),
    'a share that is none': router.guest(project, project.user),
    nonsense: { cookie: '__Host-slipway-preview=xyz' },
  })) {
    assertProblem(await router.call({ host: project.host, headers }), 401);
    assertProblem(await router.status(project, headers), 401);
    assert.equal(relay.asked.app, 1, what);
  }
  const upgrade = await router.call({
    host: project.host,
    headers: { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-version': '13' },
  });
  assertProblem(upgrade, 401);
});

test('a browser without a grant is led to the way in', async () => {
  const project = router.project();
  await router.settled(project, 'stopped');
  const open = `https://build.example.test/api/v1/previews/${project.slug}/open?to=`;
  const to = async (path, headers = {}, host = project.host) =>
    (await router.call({ host, path, headers: { ...PAGE, ...headers } })).headers.location;

  assert.equal(await to('/a/b?c=d&e=%20f'), `${open}/a/b%3Fc%3Dd%26e%3D%2520f`);
  assert.equal(await to('//evil.test/'), `${open}/`);
  assert.equal(await to('/\\evil.test/'), `${open}/`);
  assert.equal(await to(`/${'x'.repeat(3000)}`), `${open}/`);
  assert.equal(await to('/', {}, `3000--${project.host}`), open.replace(project.slug, `3000--${project.slug}`) + '/');
  const framed = await router.call({ host: project.host, path: '/x', headers: { ...PAGE, 'sec-fetch-dest': 'iframe' } });
  assert.equal(framed.status, 401);
  assert.match(framed.text, /This preview is private/);
  assert.ok(framed.text.includes(`target="_blank" rel="noopener" href="${open}/x"`), framed.text);
  assert.equal(wakesOf(project), 0, 'who may not see an app does not wake it');
});

test('visibility and shares count at once', async () => {
  const relay = await router.relay();
  const project = router.project({ relay });
  await router.settled(project, 'running');
  const as = async (headers) => (await router.call({ host: project.host, headers })).status;
  // A request that is under way when its grant ends is broken off.
  const becomes = (status, headers, what) => until(
    async () => await as(headers).catch((e) => assert.equal(e.code, 'ECONNRESET')) === status, what);

  assert.equal(await as({}), 401);
  router.db.query(`UPDATE projects SET visibility = 'public' WHERE id = '${project.id}'`);
  await becomes(200, {}, 'public');
  router.db.query(`UPDATE projects SET visibility = 'private' WHERE id = '${project.id}'`);
  await becomes(401, {}, 'private');

  const share = (expires) => router.db.query(`INSERT INTO shares (project_id, expires_at) VALUES ('${project.id}', ${expires}) RETURNING id`)[0][0];
  const lasting = share('NULL');
  const brief = share("now() + interval '2 s'");
  await becomes(200, router.guest(project, lasting), 'a share');
  await becomes(200, router.guest(project, brief), 'another');
  assert.equal(json(await router.status(project, router.guest(project, lasting))).lines, undefined);
  await becomes(401, router.guest(project, brief), 'expired');
  assert.equal(await as(router.guest(project, lasting)), 200);
  router.db.query(`UPDATE shares SET revoked_at = now() WHERE id = '${lasting}'`);
  await becomes(401, router.guest(project, lasting), 'revoked');
});

test('a revoked link ends what was opened by it', async () => {
  const relay = await router.relay((rq, rs) => rs.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n'));
  relay.app.on('upgrade', (rq, socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'));
  const project = router.project({ relay });
  await router.settled(project, 'running');
  const share = router.db.query(`INSERT INTO shares (project_id) VALUES ('${project.id}') RETURNING id`)[0][0];
  await until(async () => (await router.status(project, router.guest(project, share))).status === 200, 'the share is known');

  // What comes, and when it ended.
  const open = (who, more) => {
    const socket = net.connect(router.socket);
    const stream = { text: '', closed: false };
    socket.on('data', (bytes) => { stream.text += bytes; }).on('close', () => { stream.closed = true; }).on('error', () => {});
    socket.write(`GET / HTTP/1.1\r\nHost: ${project.host}\r\nCookie: ${who.cookie}\r\n${more}\r\n`);
    return stream;
  };
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n';
  const guests = [open(router.guest(project, share), upgrade), open(router.guest(project, share), '')];
  const owners = [open(router.owner(project), upgrade), open(router.owner(project), '')];
  await until(() => [guests[0], owners[0]].every((s) => s.text.includes(' 101 ')) &&
    [guests[1], owners[1]].every((s) => s.text.includes('data: 1')), 'all are open');
  router.db.query(`UPDATE shares SET revoked_at = now() WHERE id = '${share}'`);
  await until(() => guests.every((s) => s.closed), 'those of the link end');
  assert.ok(owners.every((s) => !s.closed), 'the owner’s go on');
});

test('one start for a hundred requests, and they are served when it listens', async () => {
  const relay = await router.relay();
  relay.become({ state: 'starting' });
  const project = router.project({ visibility: 'public' });
  await router.settled(project, 'stopped');

  const answers = Array.from({ length: 60 }, (_, i) =>
    router.call({ host: project.host, path: `/${i}`, method: i % 2 ? 'GET' : 'POST', body: i % 2 ? undefined : 'x' }));
  const pages = Array.from({ length: 40 }, () => router.call({ host: project.host, headers: PAGE }));
  for (const page of await Promise.all(pages)) assertLivePage(page);
  await until(() => wakesOf(project) === 1, 'woken');
  assert.deepEqual({ ...router.sandboxd.woken.at(-1), at: 0 }, { method: 'POST', path: '/v1/apps/wake', project: project.id, at: 0 });

  router.setState(project, { state: 'starting', phase: 'sandbox' });
  await told(project, 'starting');
  router.setState(project, { state: 'running', relay });
  await until(() => relay.waiting.size === 60, 'all wait at the relay');
  const listened = performance.now();
  relay.become({ state: 'running' });
  for (const answer of await Promise.all(answers)) assert.equal(answer.text, 'the app');
  assert.ok(performance.now() - listened < 1000, `${performance.now() - listened} ms`);
  assert.equal(wakesOf(project), 1);
});

test('who waits for an app that listens is served within 50 ms', async () => {
  const relay = await router.relay();
  const project = router.project({ visibility: 'public', relay });
  await router.settled(project, 'running');
  const took = [];
  for (let i = 0; i < 5; i++) {
    relay.become({ state: 'starting' });
    for (const socket of relay.sockets) socket.destroy();
    const answer = router.call({ host: project.host });
    await until(() => relay.waiting.size > 0, 'it waits');
    const listened = performance.now();
    relay.become({ state: 'running' });
    assert.equal((await answer).status, 200);
    took.push(performance.now() - listened);
  }
  assert.ok(took.toSorted((a, b) => a - b)[2] < 50, `${took.map(Math.round)} ms`);
});

test('what waits too long is told so, and so is what finds no place to wait', async () => {
  const relay = await router.relay();
  relay.become({ state: 'installing' });
  const project = router.project({ visibility: 'public', state: 'stopped', phase: 'packages' });
  await router.settled(project, 'stopped');
  const begun = performance.now();
  const answers = await Promise.all(Array.from({ length: 80 }, async () => {
    const answer = await router.call({ host: project.host });
    return { answer, ms: performance.now() - begun };
  }));
  for (const { answer } of answers) {
    assertProblem(answer, 503);
    assert.ok(answer.headers['retry-after']);
    assert.match(json(answer).title, /Installing packages/);
  }
  const atOnce = answers.filter(({ ms }) => ms < HOLD_MS / 2).length;
  assert.equal(atOnce, 80 - 64);
  assert.ok(answers.every(({ ms }) => ms < HOLD_MS + 1500), 'none waits much longer than it may');
  assert.equal((await router.metrics()).waiting, 0);
  assert.equal(wakesOf(project), 0, 'a start is under way');
  // It fails: whoever asked meanwhile still wants it.
  router.setState(project, { state: 'failed', error: 'no network' });
  await until(() => wakesOf(project) === 1, 'started once more');
});

test('previews, robots and prefetchers wake nothing', async () => {
  const project = router.project({ visibility: 'public' });
  await router.settled(project, 'stopped');
  for (const headers of [
    { 'user-agent': 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)' },
    { 'user-agent': 'Mozilla/5.0 (compatible; Googlebot/2.1)', ...PAGE },
    { 'user-agent': 'WhatsApp/2.23.20.0' },
    { 'sec-purpose': 'prefetch;prerender', ...PAGE },
    { purpose: 'prefetch' },
  ]) {
    const answer = await router.call({ host: project.host, headers });
    assert.equal(answer.status, 503);
    assert.doesNotMatch(answer.text, /live\.js/);
  }
  assert.equal((await router.call({ host: project.host, method: 'HEAD' })).status, 503);
  assert.equal((await router.call({ host: project.host, method: 'OPTIONS' })).status, 503);
  await router.status(project);
  assert.equal(wakesOf(project), 0);
});

test('an app that cannot be started is asked for ever less often', async () => {
  const project = router.project({ visibility: 'public' });
  await router.settled(project, 'stopped');
  router.sandboxd.answer = () => ({ status: 503, body: { kind: 'unavailable', detail: 'Docker is down' } });
  try {
    assertLivePage(await router.call({ host: project.host, headers: PAGE }));
    await told(project, 'waking');
    for (const end = performance.now() + 1000; performance.now() < end;) await router.call({ host: project.host, headers: PAGE });
    assert.equal(wakesOf(project), 1, 'not before two seconds');
    await until(() => wakesOf(project) === 2, 'a page that waits has it tried again');
    const [first, second] = router.sandboxd.woken.filter((w) => w.project === project.id);
    assert.ok(second.at - first.at > 1900);
    const status = json(await router.status(project, {}));
    assert.doesNotMatch(JSON.stringify(status), /Docker/);
    router.sandboxd.answer = () => ({ status: 429, body: { kind: 'rate_limited', detail: 'no place' } });
    await told(project, 'waiting', {});
  } finally {
    router.sandboxd.answer = () => ({ status: 202, body: { phase: 'waiting' } });
  }
});

test('what its owner stopped, and what is empty, stays so', async () => {
  for (const [project, state] of [[router.project({ app_stopped: true }), 'stopped'], [router.project({ files: false }), 'empty']]) {
    await router.settled(project, 'stopped');
    const headers = router.owner(project);
    const page = await router.call({ host: project.host, headers: { ...PAGE, ...headers } });
    assertLivePage(page);
    const begun = performance.now();
    assertProblem(await router.call({ host: project.host, headers }), 503);
    assert.ok(performance.now() - begun < HOLD_MS / 2, 'nothing to wait for');
    await told(project, state);
    assert.equal(wakesOf(project), 0);
  }
});

test('a crash shows its error to the owner, as text', async () => {
  const relay = await router.relay();
  const evil = '</pre><script>alert(1)</script>"\'&';
  relay.become({
    state: 'crashed', error: `Error: ${evil}`,
    lines: [{ stream: 'stderr', source: 'app', text: evil }, { stream: evil, source: 'app', text: 'x' }],
  });
  const project = router.project({ relay, visibility: 'public' });
  await router.settled(project, 'running');
  const owner = router.owner(project);
  const status = await told(project, 'crashed');
  assert.equal(status.error, `Error: ${evil}`);
  assert.deepEqual(status.lines, [{ stream: 'stderr', text: evil }, { stream: 'stdout', text: 'x' }]);
  const page = await router.call({ host: project.host, headers: { ...PAGE, ...owner } });
  assertLivePage(page);
  assert.ok(page.text.includes('&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;'));
  assert.doesNotMatch(page.text, /<script>/);

  const guest = json(await router.status(project, {}));
  assert.equal(guest.error, null);
  assert.equal(guest.lines, undefined);
  const asked = relay.asked.app;
  const begun = performance.now();
  for (let i = 0; i < 200; i++) assertProblem(await router.call({ host: project.host }), 503);
  assert.ok(relay.asked.app - asked <= 2 + (performance.now() - begun) / 1000, 'a dead app is hardly asked');
  assert.equal(wakesOf(project), 0, 'a crash is not slept off');

  relay.become({ state: 'running' });
  await until(async () => (await router.call({ host: project.host })).status === 200, 'it is back');
});

test('a sandbox without its app is told to start it', async () => {
  const relay = await router.relay();
  relay.become({ state: 'stopped' });
  const project = router.project({ relay, visibility: 'public' });
  await router.settled(project, 'running');
  const answer = router.call({ host: project.host });
  await until(() => wakesOf(project) === 1, 'woken');
  relay.become({ state: 'running' });
  router.setState(project, { state: 'running', phase: 'app', relay });
  assert.equal((await answer).status, 200);
});

test('a row that outlived its sandbox is waited out', async () => {
  const old = await router.relay();
  const project = router.project({ relay: old, visibility: 'public' });
  await router.settled(project, 'running');
  old.close();
  await once(old.server, 'close');
  assertLivePage(await router.call({ host: project.host, headers: PAGE }));
  const answer = router.call({ host: project.host });
  const relay = await router.relay((rq, rs) => rs.end('anew'));
  await until(async () => (await router.metrics()).waiting > 0, 'it waits');
  router.setState(project, { state: 'stopped' });
  await until(() => wakesOf(project) === 1, 'woken');
  router.setState(project, { state: 'running', relay });
  assert.equal((await answer).text, 'anew');
});

test('another port of the app', async () => {
  const relay = await router.relay();
  const project = router.project({ relay, visibility: 'public' });
  await router.settled(project, 'running');
  const host = `4000--${project.host}`;
  assertLivePage(await router.call({ host, headers: PAGE }));
  const status = json(await router.call({ host, path: '/.slipway/status' }));
  assert.equal(status.state, 'port');
  assert.match(status.detail, /port 4000/);
  const answer = router.call({ host });
  await until(() => relay.waiting.size > 0, 'it waits');
  relay.become({ state: 'running', ports: [3000, 4000] });
  assert.equal((await answer).status, 200);
});

for (const [what, answer, state] of [
  ['garbage', (socket) => socket.end('\x00\x01 hello\r\n\r\n'), 'bad_answer'],
  ['a hang-up', (socket) => socket.destroy(), 'bad_answer'],
]) {
  test(`an app that answers ${what} is shown as such, and not gone to again and again`, async () => {
    const relay = await router.relay();
    relay.app.removeAllListeners('connection');
    relay.app.on('connection', (socket) => {
      socket.on('data', () => answer(socket));
      socket.on('error', () => {});
    });
    const project = router.project({ relay, visibility: 'public' });
    await router.settled(project, 'running');
    assertLivePage(await router.call({ host: project.host, headers: PAGE }));
    const status = json(await router.status(project));
    assert.equal(status.state, state);
    assert.equal(status.ready, false);
    assertProblem(await router.call({ host: project.host }), 503);
  });
}

test('what is ours never reaches the app, and what it may not see is not there', async () => {
  const relay = await router.relay();
  const project = router.project({ relay, visibility: 'public' });
  await router.settled(project, 'running');
  const css = await router.call({ host: 'nope.preview.example.test', path: '/.slipway/live.css' });
  assert.equal(css.status, 200);
  assert.match(css.headers['content-type'], /^text\/css/);
  assert.match((await router.call({ host: project.host, path: '/.slipway/live.js' })).headers['content-type'], /^text\/javascript/);
  for (const path of ['/.slipway/', '/.slipway/enter', '/.slipway/../x', '/.slipway/status/', '/.slipway/live.js/x']) {
    assert.equal((await router.call({ host: project.host, path })).status, 404, path);
  }
  assert.equal(relay.asked.app, 0);
});

test('a relay that lies harms nobody', async () => {
  const project = router.project({ visibility: 'public' });
  for (const text of ['', 'OK 0\n', 'OK 0\n{', 'OK 0\n[]', 'OK 0\n{"state": 7}', `OK 0\n{"state": "running", "ports": ${'['.repeat(20000)}`,
    `OK 0\n{"state": "crashed", "error": "\xff"}`, 'NO secret\n', 'x'.repeat(200_000)]) {
    const liar = net.createServer((socket) => socket.on('error', () => {}).end(Buffer.from(text, 'latin1')));
    liar.listen(0, '127.0.0.1');
    await once(liar, 'listening');
    router.setState(project, { state: 'running', relay: { port: liar.address().port, secret: 'a'.repeat(64) } });
    await router.settled(project, 'running');
    const status = json(await router.status(project));
    assert.equal(status.ready, false);
    liar.close();
  }
});

test('all apps together are started at a bounded rate', async () => {
  await until(async () => (await router.metrics()).waiting === 0, 'nothing else is under way');
  const begun = router.sandboxd.woken.length;
  const projects = Array.from({ length: 40 }, () => router.project({ visibility: 'public' }));
  for (const project of projects) await router.settled(project, 'stopped');
  const start = performance.now();
  await Promise.all(projects.map((project) => router.call({ host: project.host, headers: PAGE })));
  const woken = router.sandboxd.woken.length - begun;
  assert.ok(woken <= 20 + (performance.now() - start) / 500 + 1, `${woken} at once`);
  await until(() => router.sandboxd.woken.length - begun >= woken + 2, 'the others have their turn');
});

test('what is under way counts as use for as long as it lasts', async () => {
  const projects = [];
  for (let i = 0; i < 4; i++) {
    const relay = await router.relay((rq, rs) => {
      if (rq.url === '/events') rs.setHeader('content-type', 'text/event-stream');
      rs.write('begun');
      if (rq.url === '/over') rs.end();
    });
    relay.app.on('upgrade', (rq, socket) => {
      socket.on('error', () => {}).write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbegun');
    });
    projects.push(router.project({ relay, visibility: 'public' }));
    await router.settled(projects.at(-1), 'running');
  }
  const [download, events, tunnel, over] = projects;
  const sockets = [];
  for (const [project, path, headers] of [[download, '/file', ''], [events, '/events', ''],
    [tunnel, '/', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n']]) {
    const socket = router.connect();
    sockets.push(socket);
    let seen = '';
    socket.on('data', (piece) => { seen += piece; });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${project.host}\r\n${headers}\r\n`);
    await until(() => seen.includes('begun'), `${path} is open`);
  }
  assert.equal((await router.call({ host: over.host, path: '/over' })).text, 'begun');

  const moved = (project) => router.db.query(`SELECT 1 FROM sandboxes WHERE id = '${project.sandbox}' AND last_activity_at > now() - interval '1 h'`).length > 0;
  // At first each counts because it has just begun.
  for (let writes = 1; ; writes++) {
    router.db.query(`UPDATE sandboxes SET last_activity_at = now() - interval '1 day'`);
    await until(() => moved(download), 'the download counts', 20_000);
    if (!moved(over)) break;
    assert.ok(writes < 3, 'what is over does not count any more');
  }
  assert.ok(moved(events) && moved(tunnel));
  for (const socket of sockets) socket.destroy();
});

test('a database that is away takes nothing with it', async () => {
  const relay = await router.relay();
  const project = router.project({ relay });
  await router.settled(project, 'running');
  router.db.stop();
  try {
    await until(async () => (await router.metrics()).routes_connected === 0, 'it is noticed');
    assert.equal((await router.call({ host: project.host, headers: router.owner(project) })).status, 200);
    assertProblem(await router.call({ host: project.host }), 401);
    assertProblem(await router.call({ host: 'nope.preview.example.test' }), 404);
  } finally {
    router.db.start();
  }
  await until(async () => (await router.metrics()).routes_connected === 1, 'it is back');
  router.db.query(`UPDATE projects SET visibility = 'public' WHERE id = '${project.id}'`);
  await until(async () => (await router.call({ host: project.host })).status === 200, 'and followed');
});

test('a router that starts while the database is away says so, and serves when it is back', async () => {
  const relay = await router.relay();
  const project = router.project({ relay, visibility: 'public' });
  await router.settled(project, 'running');
  await router.end('SIGKILL');
  router.db.stop();
  const { serves } = router;
  router.serves = async () => {
    const { status } = await router.call({ host: project.host }).catch(() => ({}));
    return status === 503;
  };
  try {
    await router.start();
    const page = await router.call({ host: project.host, headers: PAGE });
    assert.equal(page.status, 503);
    assert.match(page.text, /Back in a moment/);
  } finally {
    router.serves = serves;
    router.db.start();
  }
  await until(async () => (await router.call({ host: project.host })).status === 200, 'it serves');
});

test('the router’s own role is enough', async () => {
  await router.end();
  router.db.query('CREATE ROLE slipway_router LOGIN');
  router.db.query(`GRANT SELECT ON routes, route_shares, installation TO slipway_router;
    GRANT SELECT (id, project_id), UPDATE (last_activity_at) ON sandboxes TO slipway_router`);
  await router.start({ DATABASE_URL: router.db.url.replace('user=postgres', 'user=slipway_router') });
  const relay = await router.relay();
  const project = router.project({ relay, visibility: 'public' });
  await router.settled(project, 'running');
  router.db.query(`UPDATE sandboxes SET last_activity_at = now() - interval '1 day' WHERE id = '${project.sandbox}'`);
  const used = () => router.db.query(`SELECT FROM sandboxes WHERE id = '${project.sandbox}' AND last_activity_at > now() - interval '1 h'`);
  const activity = () => router.db.query(`SELECT last_activity_at > now() - interval '1 h' FROM sandboxes WHERE id = '${project.sandbox}'`)[0][0];
  assert.equal(activity(), 'f');
  assert.equal(used().length, 0);
  assert.equal((await router.call({ host: project.host })).status, 200);
  await until(() => activity() === 't', 'a request counts as use', 20_000);
});
