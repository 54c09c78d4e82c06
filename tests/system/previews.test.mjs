// Who may see a preview: tickets and share links, through nginx, the application and the router.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Client, assertProblem } from './lib/client.mjs';
import { printLogsOnFailure, startInstance, waitFor } from './lib/instance.mjs';
import { Previews } from './lib/preview.mjs';

const COOKIE = '__Host-slipway-preview';
const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const PERSON = { ...HTML, 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

let instance;
let previews;
let owner;
let project;
let session; // the owner's cookie of the editor

before(async () => {
  instance = await startInstance();
  owner = instance.client();
  previews = new Previews(instance);
  project = await previews.project({ name: 'Shown', files: { 'index.html': '<h1>Only for some</h1>' } });
  const { json: me } = await owner.expect(200, 'GET', 'me');
  const login = await new Client(instance.url).expect(200, 'POST', 'auth/login', {
    json: { email: me.email, password: instance.adminPassword },
  });
  session = Object.entries(login.cookies).map(([name, { value }]) => `${name}=${value}`).join('; ');
});
after(() => instance?.stop());
afterEach(printLogsOnFailure(() => instance));

const visit = (url, options = {}) => previews.get(url, { ...options, headers: { ...PERSON, ...options.headers } });

const send = (url, form, headers = {}) => visit(url, {
  method: 'POST', body: form, headers: { ...FORM, 'content-length': Buffer.byteLength(form), ...headers },
});

async function share(body = {}) {
  return (await owner.expect(201, 'POST', `projects/${project.id}/shares`, { json: body })).json;
}

const shareNow = async ({ id }) => (await owner.expect(200, 'GET', `projects/${project.id}/shares/${id}`)).json;

function grantOf(answer) {
  const lines = answer.headers['set-cookie'] ?? [];
  assert.equal(lines.length, 1, `${answer.status} ${answer.text}`);
  const [pair, ...attributes] = lines[0].split('; ');
  assert.match(pair, /^__Host-slipway-preview=[A-Za-z0-9_-]{40,}$/);
  return { pair, attributes };
}

function assertNoWayIn(answer, status, words) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['set-cookie'], undefined);
  assert.match(answer.headers['content-type'], /^text\/html/);
  assert.match(answer.text, words);
  assert.doesNotMatch(answer.text, /<script|\{\{/);
  assert.match(answer.headers['content-security-policy'], /^default-src 'none'; style-src 'sha256-/);
  assert.match(answer.headers['cache-control'], /no-store/);
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
}

describe('a ticket', () => {
  it('lets one browser in, once', async () => {
    const { json } = await owner.expect(201, 'POST', `projects/${project.id}/preview-tickets`, { json: { path: '/a?b=c d' } });
    assert.ok(json.url.startsWith(`${project.preview_url}/.slipway/enter?ticket=`));
    const lasts = Date.parse(json.expires_at) - Date.now();
    assert.ok(lasts > 50_000 && lasts <= 61_000, `${lasts} ms`);
    const answer = await visit(json.url);
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.location, '/a?b=c%20d');
    assert.deepEqual(grantOf(answer).attributes, ['Path=/', 'Max-Age=43200', 'Secure', 'HttpOnly', 'SameSite=None', 'Partitioned']);
    assertNoWayIn(await visit(json.url), 403, /This way in is used up/);
  });

  it('lets one of many in who come at once', async () => {
    const url = await previews.ticket(project);
    const answers = await Promise.all(Array.from({ length: 10 }, () => visit(url)));
    assert.equal(answers.filter((a) => a.status === 303).length, 1);
  });

  it('is not used up by what loads ahead or makes previews of links', async () => {
    const url = await previews.ticket(project);
    assertNoWayIn(await visit(url, { headers: { 'sec-purpose': 'prefetch;prerender' } }), 503, /private/);
    assertNoWayIn(await visit(url, { headers: { 'user-agent': 'Slackbot-LinkExpanding 1.0' } }), 403, /private/);
    assert.equal((await visit(url, { method: 'HEAD' })).status, 403);
    assert.equal((await visit(url)).status, 303);
  });

  it('is nothing at another host, or made up', async () => {
    const other = await previews.project({ name: 'Other' });
    const url = await previews.ticket(project);
    assertNoWayIn(await visit(url.replace(project.slug, other.slug)), 403, /used up/);
    for (const ticket of ['', 'x', 'swt_x', '%00', `swt_${'A'.repeat(43)}`, 'a'.repeat(3000)]) {
      assertNoWayIn(await visit(`${project.preview_url}/.slipway/enter?ticket=${ticket}`), 403, /used up/);
    }
    assertNoWayIn(await visit(`${project.preview_url}/.slipway/enter`), 403, /used up/);
    assert.equal((await visit(url)).status, 303, 'and is still good at its own');
  });

  it('leads to no other site', async () => {
    for (const path of ['//evil.example', '/\\evil.example', '/\t/evil.example', 'https://evil.example', 'evil', '', '\\\\evil',
      '/a\r\nSet-Cookie: x=y']) {
      assertProblem(await owner.post(`projects/${project.id}/preview-tickets`, { path }), 400);
      const to = encodeURIComponent(path);
      if (path) {
        assertProblem(await owner.get(`previews/${project.slug}/open?to=${to}`), 400);
      }
    }
  });

  it('is only for the owner', async () => {
    const { client } = await instance.createUser();
    assertProblem(await client.post(`projects/${project.id}/preview-tickets`), 404);
    assertProblem(await new Client(instance.url).post(`projects/${project.id}/preview-tickets`), 401);
  });
});

describe('the address that opens a preview', () => {
  const address = (rest = '') => `/api/v1/previews/${project.slug}/open${rest}`;

  it('sends the owner on, by key and by session', async () => {
    for (const headers of [{ authorization: `Bearer ${instance.apiKey}` }, { cookie: session }]) {
      const answer = await new Client(instance.url, { headers: { ...PERSON, ...headers } }).expect(303, 'GET', address('?to=/x%3Fy'));
      assert.ok(answer.headers.location.startsWith(`${project.preview_url}/.slipway/enter?ticket=`));
      const entered = await visit(answer.headers.location);
      assert.equal(entered.headers.location, '/x?y');
    }
    const port = await owner.expect(303, 'GET', `/api/v1/previews/3001--${project.slug}/open`);
    assert.match(port.headers.location, new RegExp(`//3001--${project.slug}\\.`));
    assert.equal((await visit(port.headers.location)).status, 303);
  });

  it('tells a browser that is not signed in what to do, and a program 401', async () => {
    const page = await new Client(instance.url, { headers: PERSON }).get(address('?to=/a%26b%22'));
    assertNoWayIn(page, 401, /This preview is private/);
    const link = /href="(\/sign-in\?next=[^"]*)"/.exec(page.text)?.[1];
    const next = new URL(link, instance.url).searchParams.get('next');
    assert.equal(next, address('?to=/a%26b%22'), 'it leads back to what was asked for');
    assertProblem(await new Client(instance.url).get(address()), 401);
  });

  it('is the same for what is not there and what is not yours', async () => {
    const { client } = await instance.createUser();
    const texts = new Set();
    for (const slug of [project.slug, 'no-such-0123456789', 'A_b', '0--x']) {
      texts.add(assertProblem(await client.get(`previews/${slug}/open`), 404).type);
      const page = await client.with(PERSON).get(`previews/${slug}/open`);
      assertNoWayIn(page, 404, /There is no such preview/);
      texts.add(page.text);
    }
    assert.equal(texts.size, 2);
  });

  it('does not serve a page that calls it from within', async () => {
    for (const headers of [{ 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }, { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }]) {
      const answer = await new Client(instance.url, { headers: { cookie: session, ...headers } }).get(address());
      assertProblem(answer, 401);
    }
  });
});

describe('a share link', () => {
  it('lets in whoever has it, and counts them', async () => {
    const made = await share({ name: 'For Grace' });
    assert.match(made.url, /\/\.slipway\/share\/[A-Za-z0-9_-]{43}$/);
    for (const headers of [{ 'user-agent': 'Twitterbot/1.0' }, { purpose: 'prefetch' }]) {
      const answer = await visit(made.url, { headers });
      assertNoWayIn(answer, headers.purpose ? 503 : 200, /shared with you|ahead/);
    }
    assert.equal((await visit(made.url, { method: 'HEAD' })).headers['set-cookie'], undefined);
    assert.equal((await shareNow(made)).opens, 0);
    const answer = await visit(made.url);
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.location, '/');
    assert.ok(grantOf(answer).attributes.includes('Max-Age=43200'));
    assert.equal((await send(made.url, '')).status, 303, 'the button of its page');
    const now = await shareNow(made);
    assert.equal(now.opens, 2);
    assert.ok(Date.parse(now.last_opened_at) > Date.now() - 60_000);
    const { items } = (await owner.expect(200, 'GET', `projects/${project.id}/shares?limit=1`)).json;
    assert.deepEqual(items, [now]);
  });

  it('ends when it was to end', async () => {
    const made = await share({ expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    const seconds = Number(/Max-Age=(\d+)/.exec(grantOf(await visit(made.url)).attributes.join())[1]);
    assert.ok(seconds > 3500 && seconds <= 3600, `${seconds}`);
    await instance.sql(`UPDATE shares SET expires_at = now() - interval '1 second' WHERE id = '${made.id}'`);
    assertNoWayIn(await visit(made.url), 410, /has expired/);
    await owner.expect(200, 'PATCH', `projects/${project.id}/shares/${made.id}`, { json: { expires_at: null } });
    assert.equal((await visit(made.url)).status, 303);
  });

  it('asks for its password, and is locked when it is guessed at', async () => {
    const made = await share({ password: 'open sesame & more' });
    const right = 'password=open+sesame+%26+more';
    assert.equal(made.has_password, true);
    assert.doesNotMatch(JSON.stringify(made), /sesame|argon/);
    const page = await visit(made.url);
    assertNoWayIn(page, 200, /<input id="password"/);
    assert.ok(page.text.includes(`action="${new URL(made.url).pathname}"`));
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'http://evil.example' },
      { origin: instance.url }]) {
      assertNoWayIn(await send(made.url, right, headers), 403, /Forbidden/);
    }
    assert.equal((await send(made.url, right, { origin: project.preview_url, 'sec-fetch-site': 'same-origin' })).status, 303);
    assert.equal((await send(made.url, right, { 'content-type': 'text/plain' })).status, 415);
    for (let i = 0; i < 5; i++) {
      assertNoWayIn(await send(made.url, i % 2 ? 'password=wrong' : 'password=%00'), 401, /That is not the password/);
    }
    const locked = await send(made.url, right);
    assertNoWayIn(locked, 429, /Too many wrong passwords/);
    assert.match(locked.headers['retry-after'], /^[1-9]\d*$/);
    assert.equal((await shareNow(made)).opens, 1);
  });

  it('is nothing at another host, or with a character changed', async () => {
    const other = await previews.project({ name: 'Else' });
    const { url } = await share();
    assertNoWayIn(await visit(url.replace(project.slug, other.slug)), 404, /leads nowhere/);
    assertNoWayIn(await visit(url.replace(/.$/, (c) => (c === 'A' ? 'E' : 'A'))), 404, /leads nowhere/);
    assertNoWayIn(await visit(`${url}A`), 404, /leads nowhere/);
    assertNoWayIn(await visit(url.slice(0, -1)), 404, /leads nowhere/);
  });

  it('is its project’s owner’s alone', async () => {
    const made = await share();
    const { client } = await instance.createUser();
    const at = `projects/${project.id}/shares`;
    assertProblem(await client.get(at), 404);
    assertProblem(await client.post(at, {}), 404);
    assertProblem(await client.get(`${at}/${made.id}`), 404);
    assertProblem(await client.call('PATCH', `${at}/${made.id}`, { json: { name: 'x' } }), 404);
    assertProblem(await client.call('DELETE', `${at}/${made.id}`), 404);
  });

  it('is not written into logs', async () => {
    const made = await share();
    await visit(made.url);
    const token = made.url.split('/').at(-1);
    const logs = await instance.logs();
    assert.ok(logs.includes('/.slipway/share/'));
    assert.ok(!logs.includes(token));
  });
});

describe('on previews’ own hosts', () => {
  it('the API is not there, whoever asks', async () => {
    for (const path of ['/api/v1/me', '/api/v1/projects', '/api/v1/openapi.json', '/healthz', '/readyz', '/metrics']) {
      for (const headers of [{}, { authorization: `Bearer ${instance.apiKey}` }, { cookie: session }]) {
        const answer = await previews.get(project.preview_url + path, { headers });
        assert.notEqual(answer.status, 200, path);
        assert.doesNotMatch(answer.text, /"email"|"openapi"|"alive"|slipway_/, path);
      }
    }
    const login = await previews.get(`${project.preview_url}/api/v1/auth/login`, { method: 'POST', headers: { 'content-length': 0 } });
    assert.equal(login.headers['set-cookie'], undefined);
  });

  it('the editor’s session opens nothing', async () => {
    for (const path of ['/', '/.slipway/enter', '/.slipway/enter?ticket=x']) {
      const answer = await previews.get(project.preview_url + path, { headers: { cookie: session } });
      assert.ok([302, 303, 401, 403].includes(answer.status), `${path}: ${answer.status}`);
      assert.doesNotMatch(answer.text, /Only for some/);
      assert.ok(!(answer.headers['set-cookie'] ?? []).join().includes(COOKIE));
    }
  });
});

describe('on the editor’s own host', () => {
  it('nothing of previews is there', async () => {
    const { url } = await share();
    const token = new URL(url).pathname;
    const entry = new URL(await previews.ticket(project));
    for (const path of [token, entry.pathname + entry.search, '/.slipway/status']) {
      assertProblem(await owner.get(path), 404);
      // a header is no parameter of nginx's
      assertProblem(await owner.with({ 'slipway-preview': '1', 'slipway_preview': '1' }).get(path), 404);
    }
    assert.equal((await visit(entry.href)).status, 303);
  });
});

describe('a browser that was let in', () => {
  before(() => previews.start(project));

  const look = (cookie) => visit(`${project.preview_url}/`, { headers: { cookie } });

  it('sees the app, until its share is revoked', async () => {
    const made = await share();
    const { pair } = grantOf(await visit(made.url));
    // The router is told of a new share by the database.
    const seen = await waitFor('the share is known', async () => {
      const answer = await look(pair);
      return answer.status === 200 && answer;
    });
    assert.match(seen.text, /Only for some/);
    await owner.expect(204, 'DELETE', `projects/${project.id}/shares/${made.id}`);
    await waitFor('the browser to be out', async () => !(await look(pair)).text.includes('Only for some'), { ms: 2000, every: 10 });
    assertNoWayIn(await visit(made.url), 410, /withdrawn/);
    assertProblem(await owner.call('PATCH', `projects/${project.id}/shares/${made.id}`, { json: { name: 'x' } }), 409);
  });

  it('sees nothing with a grant that was changed, or another project’s', async () => {
    const pair = await previews.cookie(project);
    assert.match((await look(pair)).text, /Only for some/);
    const bent = pair.replace(/.{3}$/, 'AAA');
    assert.doesNotMatch((await look(bent)).text, /Only for some/);
    const other = await previews.cookie(await previews.project({ name: 'Third' }));
    assert.doesNotMatch((await look(other)).text, /Only for some/);
  });

  it('is out when the project is deleted', async () => {
    const gone = await previews.project({ name: 'Gone', visibility: 'public', files: { 'index.html': 'x' } });
    const pair = await previews.cookie(gone);
    await owner.expect(204, 'DELETE', `projects/${gone.id}`);
    await waitFor('its preview to be unknown', async () =>
      (await visit(`${gone.preview_url}/`, { headers: { cookie: pair } })).status === 404, { ms: 2000, every: 10 });
  });
});
