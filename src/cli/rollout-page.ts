import type { RolloutDetails } from '../client/schema.ts';
import { stateColour, type Output } from './output.ts';

type Figures = NonNullable<RolloutDetails['guard']>['new_revision'];

/** A rollout in full, for people. */
export function showRollout(rollout: RolloutDetails, output: Output): void {
  const { options, guard } = rollout;
  const facts: [string, string][] = [
    ['rollout', `${rollout.id}, revision ${rollout.from_revision} to ${rollout.to_revision}`],
    [
      'state',
      output.paint(rollout.state, stateColour(rollout.state)) +
        (rollout.order === 'go' ? '' : `, ${rollout.order} asked`),
    ],
    ['message', rollout.message],
    ['waits for', rollout.waits_for],
    ['surge', `${options.max_surge}, first step ${options.first_step}`],
    [
      'proof',
      `${options.bake_requests} answers or ${options.bake_seconds} s, then watched for ${options.watch_seconds} s`,
    ],
    ['drain', options.drain_seconds === 0 ? 'no deadline' : `closed after ${options.drain_seconds} s`],
    ['guard', guardText(rollout)],
  ];
  const shown = facts.filter(([, text]) => text !== '');
  for (const text of output.aligned(shown.map(([name, text]) => [{ text: name }, { text }])))
    output.line(text);
  if (guard !== null) {
    output.line();
    output.table(
      ['GUARD', 'ANSWERED', 'ENDED', 'FAILED', 'HANG', 'DIED', 'FIRST BYTE'],
      [
        row(`revision ${rollout.to_revision}`, guard.new_revision),
        row(`revision ${rollout.from_revision}`, guard.old_revision),
      ],
    );
  }
  output.line();
  output.table(
    ['WORKER', 'REVISION', 'STATE', 'REASON'],
    rollout.workers.map(({ id, revision, status }) => [
      { text: id },
      { text: String(revision) },
      { text: status.status, colour: stateColour(status.status) },
      { text: status.message },
    ]),
  );
  if (rollout.drain_holders.length === 0) return;
  output.line();
  output.table(
    ['HOLDS A DRAIN', 'WORKER', 'CLOSED AT', 'REQUEST'],
    rollout.drain_holders.map(({ request, closed_at: closedAt }) => [
      { text: request.id },
      { text: request.worker_id ?? '-' },
      { text: closedAt === null ? 'never' : new Date(closedAt * 1_000).toISOString() },
      { text: `${request.method} ${request.path}` },
    ]),
  );
}

function guardText({ options, guard }: RolloutDetails): string {
  if (options.guard === 'off') return 'off';
  if (guard === null) return 'on, nothing seen yet';
  if (guard.verdict !== null) return `taken back: ${guard.verdict}`;
  const evidence = `evidence ${guard.failure_evidence} for failures, ${guard.slowness_evidence} for slowness, of 333`;
  return `${guard.doubtful ? 'doubtful' : 'nothing against it'}; ${evidence}`;
}

function row(name: string, figures: Figures) {
  const { answered, ended, failed, unanswered, deaths, first_byte_ms: firstByteMs } = figures;
  return [
    name,
    answered,
    ended,
    failed,
    unanswered,
    deaths,
    firstByteMs === null ? '-' : `${firstByteMs} ms`,
  ].map((value) => ({
    text: String(value),
  }));
}
