// Debian's Chromium, driven by playwright-core. Each browser has a profile of its own and speaks to
// nobody but this machine.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

import { ROOT } from './instance.mjs';

const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];

// `trust` is a CA certificate (a PEM file) this browser believes, `names` maps host names to 127.0.0.1.
export async function startBrowser({ trust, names = [] } = {}) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-browser-'));
  if (trust) {
    const store = path.join(home, '.pki/nssdb');
    fs.mkdirSync(store, { recursive: true });
    execFileSync('certutil', ['-d', `sql:${store}`, '-N', '--empty-password']);
    execFileSync('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'slipway-test', '-i', trust]);
  }
  const resolve = names.map((name) => `MAP ${name} 127.0.0.1`).join(', ');
  const browser = await chromium.launch({
    executablePath: path.join(ROOT, 'tests/chromium'),
    args: [...QUIET, ...(resolve ? [`--host-resolver-rules=${resolve}`] : [])],
    env: { ...process.env, HOME: home },
  });
  browser.on('disconnected', () => fs.rmSync(home, { recursive: true, force: true }));
  return browser;
}

// A page that keeps what its console and network said, for a failing test's message.
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultNavigationTimeout(60_000); // a loaded machine may take its time
  const page = await context.newPage();
  page.said = [];
  page.on('console', (message) => page.said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => page.said.push(`error: ${error.message}`));
  page.on('requestfailed', (rq) => page.said.push(`failed: ${rq.url()} ${rq.failure()?.errorText}`));
  return page;
}

// A test CA and a certificate of it for the given names: {ca, cert, key}, paths of PEM files.
export function makeCertificates(directory, names) {
  const at = (name) => path.join(directory, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  fs.mkdirSync(directory, { recursive: true });
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=Slipway test CA',
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-keyout', at('key.pem'), '-out', at('request.pem'), '-subj', `/CN=${names[0]}`);
  fs.writeFileSync(at('names.cnf'), [
    `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`,
    'basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth', '',
  ].join('\n'));
  openssl('x509', '-req', '-in', at('request.pem'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'),
    '-CAcreateserial', '-days', '2', '-extfile', at('names.cnf'), '-out', at('cert.pem'));
  return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') };
}
