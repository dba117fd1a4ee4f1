import type { Operations } from '../client/schema.ts';
import type { OptionSpecs, OptionValues } from './define-command.ts';
import { given } from './endpoint-flags.ts';

export type RolloutQuery = Omit<NonNullable<Operations['updateEndpoint']['query']>, 'dry_run'>;

/** Terms under which a change is made; sent as the headers of the same names. */
export const CHANGE_OPTIONS = {
  'if-match': {
    kind: 'text',
    value: 'ETAG',
    description: 'change it only while it has this etag, as get --json shows it',
  },
  'idempotency-key': {
    kind: 'text',
    value: 'KEY',
    description: 'a repeat with the same key within 24 hours changes nothing and is answered alike',
  },
} as const satisfies OptionSpecs;

/** Of changes that may start a rollout. */
export const ROLLOUT_OPTIONS = {
  plan: { kind: 'flag', description: 'show what would be done, and do nothing' },
  yes: { kind: 'flag', description: 'do not ask; on a terminal the plan is shown and asked about' },
  watch: { kind: 'flag', description: 'follow the rollout to its end; exit code 1 when it fails' },
  'max-surge': {
    kind: 'text',
    value: 'N',
    description: 'workers above the wanted number, or a share such as 25%',
  },
  'first-step': { kind: 'text', value: 'N', description: 'workers that prove the new revision, or a share' },
  'bake-seconds': { kind: 'integer', value: 'SECONDS', description: 'time in service that proves them' },
  'bake-requests': { kind: 'integer', value: 'N', description: 'or answers, if they come sooner' },
  'watch-seconds': {
    kind: 'integer',
    value: 'SECONDS',
    description: 'guarded for so long after the last old worker left',
  },
  'drain-seconds': {
    kind: 'integer',
    value: 'SECONDS',
    description: 'running requests of a leaving worker are closed then; 0: never',
  },
  guard: { kind: 'text', value: 'on|off', description: 'whether failures, slowness and deaths take it back' },
  'guard-slowdown': {
    kind: 'text',
    value: 'FACTOR',
    description: 'times the first byte may take that it took before',
  },
  'guard-failures': {
    kind: 'integer',
    value: 'N',
    description: 'failed requests without which it is not taken back for them',
  },
} as const satisfies OptionSpecs;

/** The query in which the server is told them; what is wrong in it is the server's to say. */
export function rolloutQuery(options: OptionValues<typeof ROLLOUT_OPTIONS>): RolloutQuery {
  return given({
    max_surge: options['max-surge'],
    first_step: options['first-step'],
    bake_seconds: options['bake-seconds'],
    bake_requests: options['bake-requests'],
    watch_seconds: options['watch-seconds'],
    drain_seconds: options['drain-seconds'],
    guard: options.guard as RolloutQuery['guard'],
    guard_slowdown: options['guard-slowdown'],
    guard_failures: options['guard-failures'],
  });
}
