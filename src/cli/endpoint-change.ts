import type { Client } from '../client/client.ts';
import { ClientError } from '../client/client-error.ts';
import type { Endpoint, UpdateAnswer, UpdatePlan } from '../client/schema.ts';
import {
  rolloutQuery,
  type CHANGE_OPTIONS,
  type ROLLOUT_OPTIONS,
  type RolloutQuery,
} from './change-flags.ts';
import type { OptionValues } from './define-command.ts';
import { given } from './endpoint-flags.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { printable } from './output.ts';
import { showPlan } from './plan-view.ts';
import type { Output } from './output.ts';
import type { RolloutProgress, WatchedRollout } from './rollout-progress.ts';
import { watchRollout } from './rollout-watch.ts';

type ChangeOptions = OptionValues<typeof CHANGE_OPTIONS & typeof ROLLOUT_OPTIONS> & {
  readonly json: boolean;
};
type TermHeaders = { readonly 'if-match'?: string; readonly 'idempotency-key'?: string };

interface EndpointChange {
  readonly client: Client;
  readonly io: Io;
  readonly output: Output;
  readonly options: ChangeOptions;
  /** The endpoint as it was read: the change is made for this one. */
  readonly before: Endpoint;
  send(
    header: TermHeaders,
    query: RolloutQuery & { readonly dry_run?: boolean },
  ): Promise<UpdateAnswer | UpdatePlan>;
}

/**
 * Makes a change that may start a rollout: shows it first and asks where somebody is there, tells what it
 * does, and follows it where that is asked for.
 */
export async function applyChange(change: EndpointChange): Promise<number> {
  const { client, io, output, options, before } = change;
  // What others changed since it was read is not to be overwritten.
  const header = {
    'if-match': options['if-match'] ?? before.etag,
    ...given({ 'idempotency-key': options['idempotency-key'] }),
  };
  const query = rolloutQuery(options);
  const asked = io.stdout.isTty && io.stdinIsTty && !options.json && !options.yes;
  if (options.plan || asked) {
    const plan = planOf(await change.send(header, { ...query, dry_run: true }));
    if (options.json) output.json(plan);
    else {
      showPlan(plan, before.id, output);
      output.warnings(plan.warnings);
    }
    if (options.plan || plan.effect === 'none') return EXIT.ok;
    if (!(await confirmed(io))) {
      output.note('Nothing was changed.');
      return EXIT.failed;
    }
  }
  const answer = answerOf(await change.send(header, query));
  const rollout = options.watch ? answer.rollout : null;
  // A plan has told them already.
  if (!options.json && !asked) output.warnings(answer.warnings);
  if (!options.json) tell(answer, output, rollout === null ? before.id : null);
  else if (rollout === null) output.json(answer);
  if (rollout === null) return EXIT.ok;
  const watched = { rolloutId: rollout.id, revision: answer.revision, before };
  return await follow({ client, io, output, watched, answer, json: options.json });
}

async function confirmed(io: Io): Promise<boolean> {
  return /^y(es)?$/i.test((await io.ask('Make this change? [y/N] ')).trim());
}

/** The query decides which of the two an operation answers; another one is of another server. */
function planOf(answer: UpdateAnswer | UpdatePlan): UpdatePlan {
  if ('dry_run' in answer) return answer;
  throw new ClientError('the server knows no dry run, and made the change', {
    status: 200,
    reason: 'BAD_ANSWER',
  });
}

function answerOf(answer: UpdateAnswer | UpdatePlan): UpdateAnswer {
  if (!('dry_run' in answer)) return answer;
  throw new ClientError('the server made a dry run of a change', { status: 200, reason: 'BAD_ANSWER' });
}

/** `endpointId`: null when the rollout is followed, else for the advice how to follow it. */
function tell({ revision, changed, rollout }: UpdateAnswer, output: Output, endpointId: string | null): void {
  const named = (wanted: string): string =>
    Object.entries(changed)
      .filter(([, changeClass]) => changeClass === wanted)
      .map(([path]) => printable(path))
      .join(', ');
  const settings = named('settings');
  const renewing = named('revision');
  if (settings === '' && renewing === '') output.line('Nothing changed.');
  if (settings !== '') output.line(`In force now: ${settings}.`);
  if (renewing !== '') output.line(`Needs new workers, revision ${revision}: ${renewing}.`);
  if (rollout !== null && endpointId !== null) {
    output.line(`The rollout runs; see it with: pilotlight rollout get ${endpointId}`);
  }
}

interface Follow {
  readonly client: Client;
  readonly io: Io;
  readonly output: Output;
  readonly watched: WatchedRollout;
  readonly answer: UpdateAnswer;
  readonly json: boolean;
}

async function follow({ client, io, output, watched, answer, json }: Follow): Promise<number> {
  const startedAtMs = io.nowMs();
  const progress = await watchRollout({ client, io, output, watched, silent: json });
  const failed = progress.outcome === 'failed' || progress.outcome === 'superseded';
  const seconds = ((io.nowMs() - startedAtMs) / 1000).toFixed(1);
  const text = endText(progress, answer.revision, seconds);
  if (json) output.json({ ...answer, outcome: progress.outcome, message: progress.message });
  else if (failed) output.note(`error: ${text}`);
  else output.line(text);
  return failed ? EXIT.failed : EXIT.ok;
}

function endText({ outcome, replaced, message }: RolloutProgress, revision: number, seconds: string): string {
  const why = printable(message);
  switch (outcome) {
    case 'failed':
      return why;
    case 'superseded':
      return why === ''
        ? `revision ${revision} was superseded by a newer update`
        : `revision ${revision} was superseded: ${why}`;
    case 'asleep':
      return asleepText(revision);
    case 'done':
    case 'moving':
      // Idle workers may leave in the middle of it.
      if (replaced === 0) return asleepText(revision);
      return `Revision ${revision} serves: ${replaced} ${replaced === 1 ? 'worker' : 'workers'} after ${seconds} s.`;
  }
}

function asleepText(revision: number): string {
  return `No worker runs now; the next one to start has revision ${revision}.`;
}
