import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram, freePort } from '../child.ts';
import type { Subject } from '../subject.ts';
import { SLOTS } from '../upstreams.ts';
import { openChildSubject } from './child-subject.ts';

const SOURCE = join(import.meta.dirname, '../programs/reverse-proxy.go');

/** A gateway on Go's standard library, with the same slots and queue. */
export const goProxy: Subject = {
  name: 'Go ReverseProxy',
  ours: false,
  checksKey: true,
  queues: true,
  transparent: true,
  missing: () => (findProgram('go') === null ? 'golang-go' : null),
  async open(ground) {
    const program = join(ground.folder, 'reverse-proxy');
    execFileSync(findProgram('go') ?? 'go', ['build', '-o', program, SOURCE], {
      env: { ...process.env, GOFLAGS: '-mod=mod', GO111MODULE: 'off' },
    });
    const port = await freePort();
    return await openChildSubject(ground, {
      name: 'Go ReverseProxy',
      command: [program],
      environment: {
        GOMAXPROCS: '1',
        PORT: String(port),
        API_KEY: ground.apiKey,
        SLOTS: String(SLOTS),
        PLAIN_PORTS: ground.upstreams.ports('plain').join(','),
        FULL_PORTS: ground.upstreams.ports('full').join(','),
      },
      port,
    });
  },
};
