import type { SimulateBody } from '../client/schema.ts';
import { UsageError } from './io.ts';

type Goals = NonNullable<SimulateBody['advise']>;

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60 };
const FIELDS = { p50: 'p50_wait_seconds', p95: 'p95_wait_seconds', p99: 'p99_wait_seconds' } as const;

/** What `--advise` asks for: `p95<2s`, several of them apart or with commas. */
export function waitGoals(texts: readonly string[]): Goals | undefined {
  const goals: Partial<Record<(typeof FIELDS)[keyof typeof FIELDS], number>> = {};
  for (const text of texts.flatMap((given) => given.split(','))) {
    const [, share, amount, unit = 's'] =
      /^\s*(p50|p95|p99)\s*<=?\s*(\d+(?:\.\d+)?)\s*(ms|s|m)?\s*$/.exec(text) ?? [];
    if (share === undefined || amount === undefined) {
      throw new UsageError(
        `--advise is "${text}"; it takes p50, p95 or p99, "<" and a time, such as "p95<2s"`,
      );
    }
    goals[FIELDS[share as keyof typeof FIELDS]] = Number(amount) * (UNITS[unit] ?? 1);
  }
  return texts.length === 0 ? undefined : goals;
}

/** The goals as they are written. */
export function goalsText(goals: Goals): string {
  return Object.entries(FIELDS)
    .flatMap(([share, field]) => (goals[field] === undefined ? [] : [`${share} < ${goals[field]} s`]))
    .join(', ');
}
