import { good } from './screen.ts';

/** Something that the tour promised did not come true. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
}

/** Says what was checked when it held; ends the tour when it did not. */
export function check(holds: boolean, claim: string): void {
  if (!holds) throw new StepFailure(claim);
  good(claim);
}
