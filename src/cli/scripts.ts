import { fileURLToPath } from 'node:url';
import type { Io } from './io.ts';

/** A command that is a program of its own: it gets every word behind its name as it stands. */
export interface Script {
  readonly name: string;
  readonly summary: string;
  readonly arguments: Readonly<Record<string, string>>;
  run(argv: readonly string[], io: Io): Promise<number>;
}

// `.ts` in the sources, `.js` in the compiled package.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));

export const SCRIPTS: readonly Script[] = [
  {
    name: 'serve',
    summary: 'run the server; serve --help lists its settings',
    arguments: {},
    run: async (argv, io) => io.runScript(pathOf(`../main/serve${extension}`), argv),
  },
  {
    name: 'demo',
    summary: 'a tour of about a minute: wake, scale, update, back to zero',
    arguments: {},
    // Not part of the compiled package: it runs the examples of the repository.
    run: async (argv, io) => io.runScript(pathOf('../../examples/demo/demo.ts'), argv),
  },
];

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
