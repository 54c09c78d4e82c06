// The reverse proxies the router is measured against, each on one pinned thread with kept-alive
// upstream connections and no access log, and the load generator.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const PROXY_CPU = '0'; // the proxies'; the app and the load share the other
export const LOAD_CPU = '1';

/** Waits until a TCP port takes connections. */
export async function listening(port, ms = 10_000) {
  const deadline = performance.now() + ms;
  for (;;) {
    const ok = await new Promise((resolve) => {
      const s = net.connect(port, '127.0.0.1', () => s.end(() => resolve(true)));
      s.on('error', () => resolve(false));
    });
    if (ok) return;
    if (performance.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A child on one core; stop() ends it. */
export function pinned(cpu, command, args, options = {}) {
  const child = spawn('taskset', ['-c', cpu, command, ...args], { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  return {
    child,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) {
          resolve();
          return;
        }
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  };
}

export function haproxy(work, port, app) {
  const file = path.join(work, 'haproxy.cfg');
  writeFileSync(file, `global
    nbthread 1
    maxconn 8000
defaults
    mode http
    option http-keep-alive
    option forwardfor
    http-reuse always
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    timeout tunnel 300s
frontend in
    bind 127.0.0.1:${port}
    default_backend app
backend app
    server app 127.0.0.1:${app} pool-max-conn 1024
`);
  return pinned(PROXY_CPU, 'haproxy', ['-db', '-q', '-f', file]);
}

export function caddy(work, port, app) {
  const file = path.join(work, 'Caddyfile');
  writeFileSync(file, `{
	admin off
	auto_https off
}
http://:${port} {
	bind 127.0.0.1
	reverse_proxy 127.0.0.1:${app}
}
`);
  return pinned(PROXY_CPU, 'caddy', ['run', '--adapter', 'caddyfile', '--config', file], {
    env: { ...process.env, GOMAXPROCS: '1', HOME: work, XDG_DATA_HOME: work, XDG_CONFIG_HOME: work },
    stdio: 'ignore',
  });
}

/** nginx with one worker: a plain proxy on `port`, and our preview server block in front of the router on `previewPort`. */
export function nginx(work, { port, app, previewPort, instance }) {
  mkdirSync(path.join(work, 'nginx/tmp'), { recursive: true });
  const file = path.join(work, 'nginx/nginx.conf');
  const conf = `${instance.stateDir}/nginx`;
  const zones = readFileSync(`${conf}/nginx.conf`, 'utf8').match(/^\s*limit_(req|conn)_zone .*$/gm).join('\n');
  writeFileSync(file, `worker_processes 1;
daemon off;
pid ${work}/nginx/pid;
error_log stderr warn;
worker_rlimit_nofile 20000;
user slipway-web;
events { worker_connections 16384; }
http {
	access_log off;
	server_tokens off;
	client_body_temp_path ${work}/nginx/tmp/body;
	proxy_temp_path ${work}/nginx/tmp/proxy;
	fastcgi_temp_path ${work}/nginx/tmp/fastcgi;
	uwsgi_temp_path ${work}/nginx/tmp/uwsgi;
	scgi_temp_path ${work}/nginx/tmp/scgi;
	keepalive_requests 1000000;
	map $https $strict_transport { default ""; }
	map $request_id $request_uuid { default $request_id; }
	map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
	map $http_accept $away { "~text/html" /_away; default /_problem; }
${zones}
	include ${conf}/problem-texts.conf;
	upstream router {
		server unix:${instance.runDir}/router/router.sock;
		keepalive 64;
		keepalive_requests 1000000;
	}
	upstream app {
		server 127.0.0.1:${app};
		keepalive 64;
		keepalive_requests 1000000;
	}
	server {
		listen 127.0.0.1:${previewPort};
		include ${conf}/preview.conf;
	}
	server {
		listen 127.0.0.1:${port};
		location / {
			proxy_pass http://app;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header X-Forwarded-For $remote_addr;
		}
	}
}
`);
  return pinned(PROXY_CPU, 'nginx', ['-e', 'stderr', '-p', `${work}/nginx/`, '-c', file]);
}

/** What a process and its children used of a CPU until now, in ms. */
export function cpuMs(pid) {
  const stat = execFileSync('ps', ['-o', 'cputimes=', '--ppid', String(pid), '--pid', String(pid)], { encoding: 'utf8' });
  return stat.split('\n').filter(Boolean).reduce((sum, line) => sum + Number(line) * 1000, 0);
}

const MS = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/** wrk for some seconds: {rps, p50_ms, p99_ms, errors}. */
export async function load(url, { connections, seconds, headers = {} }) {
  const args = ['-c', LOAD_CPU, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency'];
  for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}: ${value}`);
  const { stdout } = await run('taskset', [...args, url]);
  const at = (p) => {
    const m = new RegExp(`^ +${p}% +([0-9.]+)(us|ms|s|m)`, 'm').exec(stdout);
    return Number(m[1]) * MS[m[2]];
  };
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout);
  const wrong = /Non-2xx or 3xx responses: (\d+)/.exec(stdout);
  return {
    rps: Number(/^Requests\/sec: +([0-9.]+)/m.exec(stdout)[1]),
    p50_ms: at(50),
    p99_ms: at(99),
    errors: (sockets ? sockets.slice(1).reduce((a, b) => a + Number(b), 0) : 0) + (wrong ? Number(wrong[1]) : 0),
  };
}
