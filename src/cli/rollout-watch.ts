import type { Client } from '../client/client.ts';
import type { Endpoint } from '../client/schema.ts';
import type { Io } from './io.ts';
import { LiveView } from './live-view.ts';
import { printable, spanText } from './output.ts';
import type { Output } from './output.ts';
import { patiently } from './patience.ts';
import { progressOf } from './rollout-progress.ts';
import type { RolloutProgress, WatchedRollout } from './rollout-progress.ts';

const POLL_MS = 250;
/** After a lost worker the next one starts within seconds, unless no request is there to ask for it. */
const STANDSTILL_LIMIT_MS = 30_000;
const BAR_WIDTH = 24;
const WORKERS_SHOWN = 8;

interface Watch {
  readonly client: Client;
  readonly io: Io;
  readonly output: Output;
  readonly watched: WatchedRollout;
  /** Nothing is drawn; only the end counts. */
  readonly silent: boolean;
}

/** Follows a rollout to its end, drawn in place on a terminal or told line by line. */
export async function watchRollout({ client, io, output, watched, silent }: Watch): Promise<RolloutProgress> {
  const startedAtMs = io.nowMs();
  const view = io.stdout.isTty && !silent ? new LiveView(io.stdout) : null;
  let lastMoveMs = startedAtMs;
  let told = '';
  for (;;) {
    const now = await patiently(io, () =>
      client.call('getEndpoint', { path: { endpoint_id: watched.before.id } }),
    );
    const progress = progressOf(watched, now);
    const still = now.rollout?.state === 'waiting' && now.workers.length === 0;
    if (!still) lastMoveMs = io.nowMs();
    const asleep = io.nowMs() - lastMoveMs >= STANDSTILL_LIMIT_MS;
    if (progress.outcome !== 'moving' || asleep) {
      view?.clear();
      return asleep ? { ...progress, outcome: 'asleep' } : progress;
    }
    const line = lineOf(progress, watched.revision);
    if (view !== null) {
      view.draw(frameOf(progress, now, line, spanText(io.nowMs() - startedAtMs)));
    } else if (!silent && line !== told) {
      output.line(line);
      told = line;
    }
    await io.sleep(POLL_MS);
  }
}

function lineOf(progress: RolloutProgress, revision: number): string {
  const { replaced, total, oldServing, draining, message } = progress;
  const facts = [
    `revision ${revision}: ${replaced} of ${total} workers ready`,
    oldServing > 0 ? `${oldServing} old serving` : '',
    draining > 0 ? `${draining} draining` : '',
    printable(message),
  ];
  return facts.filter((fact) => fact !== '').join('; ');
}

function frameOf(progress: RolloutProgress, now: Endpoint, line: string, elapsed: string): string[] {
  const filled = Math.round((BAR_WIDTH * progress.replaced) / progress.total);
  const bar = '#'.repeat(filled) + '-'.repeat(BAR_WIDTH - filled);
  const workers = now.workers.slice(0, WORKERS_SHOWN).map(({ id, revision, status }) => {
    return `  ${printable(id)}  revision ${revision}  ${printable(status.status)}`;
  });
  const hidden = now.workers.length - workers.length;
  return [`[${bar}] ${elapsed}  ${line}`, ...workers, ...(hidden > 0 ? [`  and ${hidden} more`] : [])];
}
