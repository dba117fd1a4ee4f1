import { figuresOf, type Figures as Spread } from '../figures.ts';
import type { Figures } from './load/message.ts';

/** What one subject showed, one entry a round. */
export type Rounds = ReadonlyMap<string, readonly Figures[]>;

/** The same for all subjects in turns, so that whatever else the machine does meets each of them. */
export async function interleave<Named extends { readonly name: string }>(
  subjects: readonly Named[],
  rounds: number,
  measure: (subject: Named, round: number) => Promise<Figures>,
): Promise<Rounds> {
  const all = new Map<string, Figures[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    // The order turns too: nobody always follows the same one.
    for (let index = 0; index < subjects.length; index += 1) {
      const subject = subjects[(index + round) % subjects.length];
      if (subject !== undefined) all.get(subject.name)?.push(await measure(subject, round));
    }
  }
  return all;
}

/** One value a round of a subject. */
export function valuesOf(
  rounds: Rounds,
  name: string,
  value: (figures: Figures, round: number) => number,
): number[] {
  return (rounds.get(name) ?? []).map(value);
}

/** A subject's value for one of the base's in the same round; null when the base was not there. */
export function ratioTo(rounds: Rounds, base: string, name: string, key: string): Spread | null {
  const bases = rounds.get(base) ?? [];
  const ratios = valuesOf(rounds, name, (figures, round) => number(figures, key) / number(bases[round], key));
  return ratios.every(Number.isFinite) && ratios.length > 0 ? figuresOf(ratios) : null;
}

export function number(figures: Figures | undefined, key: string): number {
  return figures?.[key] ?? Number.NaN;
}
