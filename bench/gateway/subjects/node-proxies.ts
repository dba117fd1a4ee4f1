import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { freePort } from '../child.ts';
import type { Subject, Target } from '../subject.ts';
import { upstreamOf } from '../upstreams.ts';
import { openChildSubject } from './child-subject.ts';

const require = createRequire(import.meta.url);

/** A gateway of one package, whose program in `programs/` has its name. */
function packageSubject(name: string, packageName: string, program: string): Subject {
  return {
    name,
    ours: false,
    checksKey: true,
    queues: false,
    transparent: true,
    missing: () => missingPackage(packageName),
    async open(ground) {
      const port = await freePort();
      return await openChildSubject(ground, {
        name,
        command: [
          process.execPath,
          '--disable-warning=ExperimentalWarning',
          join(import.meta.dirname, '../programs', program),
        ],
        environment: {
          PORT: String(port),
          API_KEY: ground.apiKey,
          PLAIN_PORTS: ground.upstreams.ports('plain').join(','),
          FULL_PORTS: ground.upstreams.ports('full').join(','),
        },
        port,
      });
    },
  };
}

export const httpProxy3 = packageSubject('http-proxy-3', 'http-proxy-3', 'http-proxy-3.ts');
export const replyFrom = packageSubject('@fastify/reply-from', '@fastify/reply-from', 'reply-from.ts');

/**
 * Portkey's gateway for language models. The caller names the program in a header, so it does not
 * choose one, and it passes the key on instead of checking it.
 */
export const portkey: Subject = {
  name: '@portkey-ai/gateway',
  ours: false,
  checksKey: false,
  queues: false,
  transparent: false,
  missing: () => missingPackage('@portkey-ai/gateway'),
  async open(ground) {
    const port = await freePort();
    const folder = dirname(require.resolve('@portkey-ai/gateway/package.json'));
    const program = join(folder, 'build/start-server.js');
    return await openChildSubject(ground, {
      name: '@portkey-ai/gateway',
      command: [process.execPath, program, `--port=${port}`, '--headless'],
      environment: { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
      port,
      target: (route): Target => ({
        port,
        prefix: '',
        headers: {
          authorization: `Bearer ${ground.apiKey}`,
          'x-portkey-provider': 'openai',
          'x-portkey-custom-host': `http://127.0.0.1:${ground.upstreams.ports(upstreamOf(route))[0]}/v1`,
        },
      }),
    });
  },
};

function missingPackage(name: string): string | null {
  try {
    require.resolve(`${name}/package.json`);
    return null;
  } catch {
    return `the package ${name} (npm ci)`;
  }
}
