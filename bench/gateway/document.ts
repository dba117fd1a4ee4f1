import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../../docs/performance.md');
const END = '<!-- bench:gateway ends -->';

/** What one measure put into the page, with the command that made it. */
export interface Block {
  readonly measure: string;
  readonly text: string;
}

/**
 * Puts each measure's tables where docs/performance.md keeps them; those of measures that did not run stay,
 * with the command that made them. `skipped`: peers that could not be run.
 */
export function writeToDocument(
  blocks: readonly Block[],
  skipped: readonly string[],
  command: (measure: string) => string,
): void {
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
  let whole = readFileSync(FILE, 'utf8');
  for (const { measure, text } of blocks) {
    const [begins, ends] = [`<!-- bench:gateway ${measure} -->`, `<!-- ${measure} ends -->`];
    const parts = [
      begins,
      text.replaceAll(/^####/gm, '###'),
      `\`\`\`sh\n${command(measure)}\n\`\`\``,
      `${machine}.${skipped.length > 0 ? ` Not measured: ${skipped.join('; ')}.` : ''}`,
      ends,
    ];
    const [begin, end] = [whole.indexOf(begins), whole.indexOf(ends)];
    const last = whole.indexOf(END);
    if (last === -1 || (begin !== -1 && end < begin))
      throw new Error(`${FILE} has lost its marks "${END}", "${ends}"`);
    whole =
      begin === -1
        ? `${whole.slice(0, last)}${parts.join('\n\n')}\n\n${whole.slice(last)}`
        : `${whole.slice(0, begin)}${parts.join('\n\n')}${whole.slice(end + ends.length)}`;
  }
  writeFileSync(FILE, whole);
}
