/** An invariant did not hold. */
export class Violation extends Error {
  constructor(invariant: string, facts: string) {
    super(`${invariant}: ${facts}`);
    this.name = 'Violation';
  }
}

export function hold(condition: boolean, invariant: string, facts: () => string): void {
  if (!condition) throw new Violation(invariant, facts());
}
