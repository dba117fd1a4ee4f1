import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, freePort } from '../child.ts';
import { openFileLimit } from '../proc.ts';
import type { Ground, Subject } from '../subject.ts';
import { ROUTES, SLOTS, upstreamOf, type Route } from '../upstreams.ts';
import { openChildSubject } from './child-subject.ts';

/** One HAProxy thread: key check, least connections, slots and a queue before them. */
export const haproxy: Subject = {
  name: 'HAProxy',
  ours: false,
  checksKey: true,
  queues: true,
  transparent: true,
  missing: () => (findProgram('haproxy') === null ? 'haproxy' : null),
  async open(ground) {
    const port = await freePort();
    const file = join(ground.folder, 'haproxy.cfg');
    writeFileSync(file, configuration(port, ground));
    const command = [findProgram('haproxy') ?? 'haproxy', '-db', '-f', file];
    return await openChildSubject(ground, { name: 'HAProxy', command, port });
  },
};

// Without http-no-delay it holds the events of a stream back for some 90 ms.
function configuration(port: number, { upstreams, apiKey }: Ground): string {
  const connections = openFileLimit() - 200;
  const backend = (route: Route): string => {
    const slots = route === 'open' ? '' : ` maxconn ${SLOTS}`;
    const servers = upstreams
      .ports(upstreamOf(route))
      .map((at, index) => `  server s${index} 127.0.0.1:${at}${slots}`);
    return `backend ${route}\n  balance leastconn\n  http-reuse always\n${servers.join('\n')}`;
  };
  return `global
  nbthread 1
  maxconn ${connections}
  no strict-limits
defaults
  mode http
  option http-no-delay
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout queue 600s
  timeout tunnel 600s
frontend all
  bind 127.0.0.1:${port} backlog 16384
  maxconn ${connections}
  http-request deny deny_status 401 unless { req.hdr(authorization) -m str "Bearer ${apiKey}" }
  http-request set-header X-Request-Id %[uuid()]
  option forwardfor
  use_backend plain if { path_beg /plain/ }
  use_backend queued if { path_beg /queued/ }
  default_backend open
${ROUTES.map(backend).join('\n')}
`;
}
