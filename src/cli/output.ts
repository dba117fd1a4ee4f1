import type { Io, Terminal } from './io.ts';

const COLOURS = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 } as const;
export type Colour = keyof typeof COLOURS;

export interface Cell {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

/** What a command says: results to stdout, remarks and faults to stderr. */
export class Output {
  readonly #out: Terminal;
  readonly #notes: Terminal;
  readonly #coloured: boolean;

  constructor({ stdout, stderr, environment }: Pick<Io, 'stdout' | 'stderr' | 'environment'>) {
    this.#out = stdout;
    this.#notes = stderr;
    const refused = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
    this.#coloured = stdout.isTty && !refused;
  }

  line(text = ''): void {
    this.#out.write(`${text}\n`);
  }

  /** Unchanged, without a line end of its own. */
  raw(text: string): void {
    this.#out.write(text);
  }

  json(value: unknown): void {
    this.line(JSON.stringify(value, null, 2));
  }

  note(text: string): void {
    this.#notes.write(`${text}\n`);
  }

  /** What the server did all the same, and would rather not have done. */
  warnings(warnings: readonly string[] | undefined): void {
    for (const warning of warnings ?? []) this.note(`warning: ${printable(warning)}`);
  }

  paint(text: string, colour: Colour | undefined): string {
    return this.#coloured && colour !== undefined ? `\u001B[${COLOURS[colour]}m${text}\u001B[0m` : text;
  }

  /** Aligned columns with a heading; the last column is as long as it likes. */
  table(heading: readonly string[], rows: readonly (readonly Cell[])[]): void {
    const all = [heading.map((text): Cell => ({ text, colour: 'dim' })), ...rows];
    for (const text of this.aligned(all)) this.line(text);
  }

  aligned(rows: readonly (readonly Cell[])[]): string[] {
    const widths: number[] = [];
    for (const row of rows) {
      row.forEach((cell, index) => {
        widths[index] = Math.max(widths[index] ?? 0, printable(cell.text).length);
      });
    }
    return rows.map((row) => {
      const cells = row.map(({ text, colour }, index) => {
        const width = index === row.length - 1 ? 0 : (widths[index] ?? 0);
        const shown = printable(text);
        return this.paint(shown, colour) + ' '.repeat(Math.max(0, width - shown.length));
      });
      return cells.join('  ').trimEnd();
    });
  }
}

/** One line that cannot steer the terminal, whatever a name or a message holds. */
export function printable(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ').replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, '?');
}

/** The colour of a state of an endpoint, of a worker or of a rollout. */
export function stateColour(state: string): Colour | undefined {
  const good = ['running', 'ready', 'done', 'watching', 'in_force'];
  if (good.includes(state)) return 'green';
  if (state === 'failed' || state === 'unhealthy') return 'red';
  if (state === 'stopped' || state === 'superseded' || state === 'replaced') return 'dim';
  return 'yellow';
}

/** A time span in its largest fitting unit: 45s, 12m, 3h, 9d. */
export function spanText(spanMs: number): string {
  const seconds = Math.max(0, Math.floor(spanMs / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
