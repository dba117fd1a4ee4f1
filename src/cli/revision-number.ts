import { UsageError } from './io.ts';

/** A revision as it is named on the command line. */
export function revisionNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`a revision is a number such as 4, and "${text}" was given`);
  return Number(text);
}
