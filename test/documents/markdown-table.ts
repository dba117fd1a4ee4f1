import { readFileSync } from 'node:fs';

/** Text between a `##` heading and the next one. */
export function section(path: string, heading: string): string {
  const parts = readFileSync(path, 'utf8').split(/^## /m);
  const found = parts.find((part) => part.split('\n', 1)[0] === heading);
  if (found === undefined) throw new Error(`${path} has no section "${heading}"`);
  return found;
}

/** Rows below the header `| first | …`, as cells without the marks of code; every such table of the text. */
export function rowsBelow(text: string, firstHeader: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let inside = false;
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) {
      inside = false;
      continue;
    }
    const cells = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''));
    if (cells[0] === firstHeader) inside = true;
    else if (inside && !/^-+$/.test(cells[0] ?? '')) rows.push(cells);
  }
  return rows;
}
