import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, freePorts, LOAD_CORE, PinnedChild } from './child.ts';

/** `plain` answers one thing from memory, as quickly as can be; `full` does all that upstream.ts does. */
export type UpstreamKind = 'plain' | 'full';

/** Requests at once that a program behind a proxy is given where it has a limit. */
export const SLOTS = 32;

/**
 * The three ways through a proxy: `plain` to the plain programs with their slots, `queued` to the full
 * ones with theirs, `open` to the full ones without a limit that matters, for streams and sockets.
 */
export const ROUTES = ['plain', 'queued', 'open'] as const;
export type Route = (typeof ROUTES)[number];

export function upstreamOf(route: Route): UpstreamKind {
  return route === 'plain' ? 'plain' : 'full';
}

export const UPSTREAM_PROGRAM = join(import.meta.dirname, 'programs/upstream.ts');
const PLAIN_ANSWER = JSON.stringify({ id: 'answer-1', object: 'completion', text: 'x'.repeat(82) });

/** The configuration of one nginx that answers from memory on `port`. */
export function plainConfiguration(port: string, folder: string): string {
  return `daemon off; master_process off; pid ${folder}/plain-${port}.pid; error_log stderr crit;
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 3600;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  server {
    listen 127.0.0.1:${port} backlog=16384;
    location / { default_type application/json; return 200 '${PLAIN_ANSWER}'; }
  }
}
`;
}

/** The command line that makes one program of the kind listen on $PORT. */
export function upstreamCommand(kind: UpstreamKind, folder: string): readonly string[] {
  const nginx = findProgram('nginx');
  if (kind === 'full' || nginx === null) {
    return [process.execPath, '--disable-warning=ExperimentalWarning', UPSTREAM_PROGRAM];
  }
  const template = join(folder, 'plain.template');
  // Once: a program that starts meanwhile reads it.
  if (!existsSync(template)) writeFileSync(template, plainConfiguration('@PORT@', folder));
  const script = `sed "s/@PORT@/$PORT/g" ${template} > ${folder}/plain-$PORT.conf && exec ${nginx} -e stderr -c ${folder}/plain-$PORT.conf`;
  return ['sh', '-c', script];
}

/** The programs behind the peers. Ours are started by the server, with the same command. */
export class Upstreams {
  readonly #children: PinnedChild[] = [];
  readonly #ports: Record<UpstreamKind, number[]> = { plain: [], full: [] };

  static async start(folder: string, programs: number): Promise<Upstreams> {
    const upstreams = new Upstreams();
    try {
      const kinds = Array.from({ length: programs }, () => ['plain', 'full'] as const).flat();
      const ports = await freePorts(kinds.length);
      await Promise.all(
        kinds.map(async (kind, index) => await upstreams.#add(kind, folder, ports[index] ?? 0)),
      );
    } catch (error) {
      await upstreams.close();
      throw error;
    }
    return upstreams;
  }

  ports(kind: UpstreamKind): readonly number[] {
    return this.#ports[kind];
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(async (child) => await child.close()));
  }

  async #add(kind: UpstreamKind, folder: string, port: number): Promise<void> {
    const child = new PinnedChild(upstreamCommand(kind, folder), {
      core: LOAD_CORE,
      environment: { PORT: String(port) },
    });
    this.#children.push(child);
    await child.listening(port);
    this.#ports[kind].push(port);
  }
}
