import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, freePort } from '../child.ts';
import type { Ground, Subject } from '../subject.ts';
import { ROUTES, SLOTS, upstreamOf, type Route } from '../upstreams.ts';
import { openChildSubject } from './child-subject.ts';

/** One nginx process: key check, least connections, slots, keep-alive to the programs, nothing buffered. */
export const nginx: Subject = {
  name: 'nginx',
  ours: false,
  checksKey: true,
  queues: false,
  transparent: true,
  missing: () => (findProgram('nginx') === null ? 'nginx' : null),
  async open(ground) {
    const port = await freePort();
    const folder = join(ground.folder, 'nginx');
    mkdirSync(folder);
    writeFileSync(join(folder, 'nginx.conf'), configuration(port, folder, ground));
    const program = findProgram('nginx') ?? 'nginx';
    const command = [program, '-e', 'stderr', '-c', join(folder, 'nginx.conf')];
    return await openChildSubject(ground, { name: 'nginx', command, port });
  },
};

function configuration(port: number, folder: string, { upstreams, apiKey }: Ground): string {
  const group = (route: Route): string => {
    // Streams and sockets are more than the slots, and nginx has no queue that would hold them.
    const slots = route === 'plain' ? ` max_conns=${SLOTS}` : '';
    const servers = upstreams.ports(upstreamOf(route)).map((at) => `server 127.0.0.1:${at}${slots};`);
    return `upstream ${route} { zone ${route} 256k; least_conn; ${servers.join(' ')} keepalive 256; keepalive_requests 1000000000; }`;
  };
  const place = (route: Route): string => `location /${route}/ {
      if ($http_authorization != "Bearer ${apiKey}") { return 401; }
      proxy_pass http://${route}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $upgrade_or_none;
      proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_buffering off; proxy_request_buffering off; client_max_body_size 1g;
      proxy_read_timeout 600s; proxy_send_timeout 600s;
    }`;
  return `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit; worker_rlimit_nofile 20000;
events { worker_connections 20000; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 3600; tcp_nodelay on;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  map $http_upgrade $upgrade_or_none { default upgrade; '' ''; }
  ${ROUTES.map(group).join('\n  ')}
  server { listen 127.0.0.1:${port} backlog=16384; ${ROUTES.map(place).join('\n    ')} }
}
`;
}
