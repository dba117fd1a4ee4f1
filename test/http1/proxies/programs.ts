import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { accepts } from '../../support/port-probe.ts';

/** A real proxy, with one port for each program behind it. */
export interface ProxyProgram {
  readonly ports: readonly number[];
  close(): Promise<void>;
}

const START_LIMIT_MS = 10_000;

/** Keeps connections to the programs, repeats no request, and passes the target on as it came. */
export async function startNginx(folder: string, upstreamPorts: readonly number[]): Promise<ProxyProgram> {
  const ports = await freePorts(upstreamPorts.length);
  mkdirSync(join(folder, 'nginx'));
  const at = join(folder, 'nginx');
  const lanes = upstreamPorts.map(
    (upstream, lane) => `upstream u${lane} { server 127.0.0.1:${upstream}; keepalive 4; }
  server { listen 127.0.0.1:${ports[lane]}; location / {
    proxy_pass http://u${lane}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_next_upstream off;
  } }`,
  );
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${at}/${name};`,
  );
  const text = `daemon off; worker_processes 1; pid ${at}/nginx.pid; error_log /dev/null crit;
events { worker_connections 4096; }
http { access_log off; ${places.join(' ')}
  ${lanes.join('\n  ')}
}
`;
  const file = join(at, 'nginx.conf');
  writeFileSync(file, text);
  return await started(spawn('nginx', ['-e', 'stderr', '-c', file], { stdio: 'ignore' }), ports);
}

export async function startHaproxy(folder: string, upstreamPorts: readonly number[]): Promise<ProxyProgram> {
  const ports = await freePorts(upstreamPorts.length);
  const lanes = upstreamPorts.map(
    (upstream, lane) => `listen lane${lane}
  bind 127.0.0.1:${ports[lane]}
  server s 127.0.0.1:${upstream}`,
  );
  const text = `global
  nbthread 1
  maxconn 4000
  no strict-limits
defaults
  mode http
  option http-no-delay
  http-reuse always
  retries 0
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${lanes.join('\n')}
`;
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, text);
  return await started(spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' }), ports);
}

async function started(child: ChildProcess, ports: readonly number[]): Promise<ProxyProgram> {
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const limit = AbortSignal.timeout(START_LIMIT_MS);
  for (const port of ports) {
    while (!(await accepts(port))) {
      if (child.exitCode !== null || child.pid === undefined)
        throw new Error(`${child.spawnfile} does not run; is it installed?`);
      await wait(20, undefined, { signal: limit });
    }
  }
  return {
    ports,
    async close() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
