/** What the tour writes: short plain lines; colours only on a terminal that did not ask for none. */
const COLOURS = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const WIDTH = 76;

type Colour = 'bold' | 'dim' | 'green' | 'red';
const CODES: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, green: 32, red: 31 };

function coloured(text: string, colour: Colour): string {
  return COLOURS ? `\u001B[${CODES[colour]}m${text}\u001B[0m` : text;
}

export function title(text: string): void {
  console.log(`\n${coloured(text, 'bold')}`);
}

export function say(text: string): void {
  for (const line of wrapped(text)) console.log(`  ${line}`);
}

/** Background of what happens, such as the picture of the workers. */
export function murmur(text: string): void {
  console.log(coloured(`  ${text}`, 'dim'));
}

/** A step's claim that was checked and held. */
export function good(text: string): void {
  mark('ok', 'green', text);
}

export function bad(text: string): void {
  mark('FAILED', 'red', text);
}

function mark(word: string, colour: Colour, text: string): void {
  const indent = ' '.repeat(word.length + 4);
  const [first = '', ...rest] = wrapped(text, indent.length);
  console.log(`  ${coloured(word, colour)}  ${first}`);
  for (const line of rest) console.log(`${indent}${line}`);
}

/** The first column as wide as its longest cell. */
export function table(rows: readonly (readonly [name: string, value: string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) console.log(`  ${name.padEnd(width)}   ${value}`);
}

export function seconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(1)} s`;
}

/** Lines of at most WIDTH columns, the indent included; line breaks of the text stay. */
function wrapped(text: string, indent = 2): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines;
}
