import type { Figures as Spread } from '../figures.ts';

/** What one measure found, ready to be read. */
export interface Table {
  readonly title: string;
  /** How it was measured, in a sentence or two. */
  readonly note: string;
  readonly columns: readonly string[];
  /** The first cell is the subject's name. */
  readonly rows: readonly (readonly string[])[];
  readonly goals: readonly Goal[];
  /** Promises that hold on any machine, such as that no request is lost; each one broken fails the bench. */
  readonly faults: readonly string[];
}

/** A target of the project, and what was seen. */
export interface Goal {
  readonly name: string;
  readonly limit: number;
  readonly atLeast?: boolean;
  readonly seen: number | null;
  readonly unit?: string;
}

export function ratioCell(spread: Spread | null): string {
  if (spread === null) return '';
  return `${figure(spread.median)} (${figure(spread.min)}–${figure(spread.max)})`;
}

/** Three digits that mean something. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '';
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(2);
}

function goalRow({ name, limit, atLeast = false, seen, unit = '' }: Goal): readonly string[] {
  const bound = `${atLeast ? '≥' : '≤'} ${limit}${unit}`;
  if (seen === null) return [name, bound, '', 'not measured'];
  const met = atLeast ? seen >= limit : seen <= limit;
  return [name, bound, `${figure(seen)}${unit}`, met ? 'met' : 'missed'];
}

/** As Markdown, which is also readable on a terminal. */
export function markdown(tables: readonly Table[]): string {
  const parts = tables.map((table) =>
    [
      `#### ${table.title}`,
      table.note,
      grid(table.columns, table.rows),
      ...(table.faults.length === 0 ? [] : [table.faults.map((fault) => `- FAULT: ${fault}`).join('\n')]),
    ].join('\n\n'),
  );
  const goals = tables.flatMap((table) => table.goals);
  if (goals.length > 0) parts.push(grid(['target', 'limit', 'seen', ''], goals.map(goalRow)));
  return parts.join('\n\n');
}

function grid(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [columns, columns.map((_, index) => (index === 0 ? '---' : '---:')), ...rows];
  return all.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
