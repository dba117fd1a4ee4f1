import type { OptionSpecs } from './define-command.ts';

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
} as const satisfies OptionSpecs;
