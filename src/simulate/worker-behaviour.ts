import type { Random } from '../base/random.ts';

/** What a simulated worker does, from its start on. */
export interface WorkerBehaviour {
  /** When it can take requests; null: never. */
  readonly readyMs: number | null;
  /** From the wish to stop to its end. */
  readonly stopMs: number;
  /** When its process ends by itself with exit code 1; null: never. */
  readonly endsMs: number | null;
}

/** A behaviour written as a worker's command: "pull=800 start=300 stop=50", "never", "exit", "dies=1500". */
export function behaviourOfCommand(command: string): WorkerBehaviour {
  const words = wordsOf(command);
  const dies = words.get('dies');
  const exits = words.has('exit');
  return {
    readyMs: words.has('never') || exits ? null : Number(words.get('start') ?? 300),
    stopMs: Number(words.get('stop') ?? 20),
    endsMs: exits ? 1 : dies === undefined ? null : Number(dies),
  };
}

/** How long its image takes to come onto the machine. */
export function pullMsOfCommand(command: string): number {
  return Number(wordsOf(command).get('pull') ?? 0);
}

function wordsOf(command: string): ReadonlyMap<string, string> {
  return new Map(
    command.split(' ').map((word): [string, string] => {
      const [name = '', value = ''] = word.split('=');
      return [name, value];
    }),
  );
}

/** How long starts take. */
export type StartTimes =
  | { readonly kind: 'fixed'; readonly ms: number }
  | { readonly kind: 'logNormal'; readonly meanMs: number; readonly coefficientOfVariation: number }
  /** Measured ones; each is as likely as the others. */
  | { readonly kind: 'samples'; readonly ms: readonly number[] };

export function drawStartMs(times: StartTimes, random: Random): number {
  switch (times.kind) {
    case 'fixed':
      return times.ms;
    case 'samples':
      return times.ms[Math.floor(random.next() * times.ms.length)] ?? 0;
    case 'logNormal': {
      const variance = Math.log(1 + times.coefficientOfVariation ** 2);
      return times.meanMs * Math.exp(Math.sqrt(variance) * standardNormal(random) - variance / 2);
    }
  }
}

/** Box-Muller; one of its two numbers. */
function standardNormal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}
