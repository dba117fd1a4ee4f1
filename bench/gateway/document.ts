import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../../docs/performance.md');
const BEGIN = '<!-- bench:gateway begins; written by the command below -->';
const END = '<!-- bench:gateway ends -->';

/** Puts the tables where docs/performance.md keeps them, with the command that made them. */
export function writeToDocument(text: string, skipped: readonly string[], command: string): void {
  const whole = readFileSync(FILE, 'utf8');
  const [begin, end] = [whole.indexOf(BEGIN), whole.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`${FILE} has lost its marks "${BEGIN}" and "${END}"`);
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
  const parts = [
    BEGIN,
    `\`\`\`sh\n${command}\n\`\`\``,
    `${machine}.${skipped.length > 0 ? ` Not measured: ${skipped.join('; ')}.` : ''}`,
    text.replaceAll(/^####/gm, '###'),
  ];
  writeFileSync(FILE, `${whole.slice(0, begin)}${parts.join('\n\n')}\n\n${whole.slice(end)}`);
}
