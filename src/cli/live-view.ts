import type { Terminal } from './io.ts';

/** Lines that are drawn again in place, on a terminal that can do so. */
export class LiveView {
  readonly #terminal: Terminal;
  #drawnLines = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  draw(lines: readonly string[]): void {
    this.clear();
    // Some terminals do not tell their width and say 0.
    const columns = (this.#terminal.columns || 80) - 1;
    // A line that wraps would take two, and the next drawing would start in the middle.
    for (const line of lines) this.#terminal.write(`${line.slice(0, columns)}\n`);
    this.#drawnLines = lines.length;
  }

  clear(): void {
    // Up to the first of the drawn lines, then everything below it is erased.
    if (this.#drawnLines > 0) this.#terminal.write(`\u001B[${this.#drawnLines}A\u001B[J`);
    this.#drawnLines = 0;
  }
}
