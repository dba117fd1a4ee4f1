import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, freePort } from '../child.ts';
import type { Ground, Subject } from '../subject.ts';
import { ROUTES, upstreamOf, type Route } from '../upstreams.ts';
import { openChildSubject } from './child-subject.ts';

export const caddy: Subject = {
  name: 'Caddy',
  ours: false,
  checksKey: true,
  queues: false,
  transparent: true,
  missing: () => (findProgram('caddy') === null ? 'caddy' : null),
  async open(ground) {
    const port = await freePort();
    const file = join(ground.folder, 'Caddyfile');
    writeFileSync(file, configuration(port, ground));
    const command = [findProgram('caddy') ?? 'caddy', 'run', '--config', file, '--adapter', 'caddyfile'];
    // Its folders would be made in the home of whoever runs this.
    const environment = { GOMAXPROCS: '1', XDG_DATA_HOME: ground.folder, XDG_CONFIG_HOME: ground.folder };
    return await openChildSubject(ground, { name: 'Caddy', command, environment, port });
  },
};

function configuration(port: number, { upstreams, apiKey }: Ground): string {
  const place = (route: Route): string => {
    const servers = upstreams.ports(upstreamOf(route)).map((at) => `127.0.0.1:${at}`);
    return `    handle /${route}/* {
      reverse_proxy ${servers.join(' ')} {
        lb_policy least_conn
        flush_interval -1
        header_up X-Request-Id {http.request.uuid}
        transport http {
          keepalive_idle_conns 1024
          keepalive_idle_conns_per_host 256
        }
      }
    }`;
  };
  return `{
  admin off
  auto_https off
  log {
    level ERROR
  }
}
http://127.0.0.1:${port} {
  @nokey not header Authorization "Bearer ${apiKey}"
  route {
    respond @nokey 401
${ROUTES.map(place).join('\n')}
  }
}
`;
}
