import type { Bench } from '../bench.ts';
import type { Subject } from '../subject.ts';
import type { Table } from '../table.ts';

/** One question to all proxies. */
export interface Measure {
  /** For `--only`. */
  readonly name: string;
  run(bench: Bench): Promise<Table>;
}

/** What the ratios are to. */
export const BASE = 'nginx';
/** The names of ours begin with this; the rest of a name says what is switched. */
export const OURS = 'Pilotlight';

/** The peers that targets are about. The others are in the cost of a request, and in the long run. */
const MAIN_PEERS = new Set([BASE, 'HAProxy', 'Go ReverseProxy']);

export function chosen(bench: Bench): (subject: Subject) => boolean {
  return ({ name, transparent, several }) =>
    transparent &&
    several !== true &&
    (bench.options.size.allPeers || MAIN_PEERS.has(name) || name.startsWith(OURS));
}
