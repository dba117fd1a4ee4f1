import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lowerBound } from './bound.ts';
import { Fleet, type Cell, type Rule, type RunResult } from './fleet.ts';
import { PEER_SETTINGS } from './peers/settings.ts';
import { pilotlight } from './pilotlight.ts';
import { costOf, type CellRuns, type CurvePoint, type PeerRun } from './scores.ts';
import type { Trace } from './traces.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const CACHE = join(HERE, '.cache', 'peers.json');
const SEED = 1;
export const PRICES: readonly number[] = [1, 4, 16];
export const CELLS: readonly Cell[] = [
  { slots: 1, startS: 5 },
  { slots: 1, startS: 30 },
  { slots: 1, startS: 120 },
  { slots: 8, startS: 30 },
];
/** `policy.value` on our curve. */
export const CURVE_VALUES: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128];
export const DEFAULT_VALUE = 4;
/** The peer that never starts or stops a worker after its first. */
const FIXED = 'fixed';

/** What the peers and the bound did with a trace and a cell; they change only with this folder. */
interface Cached {
  readonly peers: readonly RunResult[];
  readonly bounds: readonly number[];
}

export class Runs {
  readonly #cache: Map<string, Cached>;
  readonly #sources: string;
  readonly #withBounds: boolean;

  constructor(withBounds: boolean) {
    this.#withBounds = withBounds;
    this.#cache = readCache();
    const hash = createHash('sha256');
    for (const file of [
      'bound.ts',
      'event-heap.ts',
      'fleet.ts',
      'traces.ts',
      ...globSync('peers/*.ts', { cwd: HERE }),
    ].toSorted()) {
      hash.update(readFileSync(join(HERE, file)));
    }
    this.#sources = hash.digest('hex');
  }

  of(trace: Trace, cell: Cell, withCurve: boolean): CellRuns {
    const cached = this.#cached(trace, cell);
    const peers = PEER_SETTINGS.map((setting, index) => ({
      peer: setting.peer,
      knobs: setting.knobs,
      isDefault: setting.isDefault,
      result: cached.peers[index]!,
    }));
    const ours = PRICES.map((price) => run(trace, cell, pilotlight(16 / price)));
    const curve: CurvePoint[] = withCurve
      ? CURVE_VALUES.map((value) => ({ value, result: run(trace, cell, pilotlight(value)) }))
      : [];
    return {
      trace: trace.name,
      cell,
      peers,
      ours,
      // The default value is the one of price 4.
      byDefault: ours[PRICES.indexOf(16 / DEFAULT_VALUE)]!,
      bounds: this.#withBounds ? cached.bounds : [],
      curve,
      best: bestOf(peers),
      bestScaling: bestOf(peers.filter(({ peer }) => peer !== FIXED)),
    };
  }

  #cached(trace: Trace, cell: Cell): Cached {
    const hash = createHash('sha256').update(this.#sources);
    hash.update(new Uint8Array(trace.arrivalS.buffer)).update(new Uint8Array(trace.serviceS.buffer));
    const key = hash.update(`${cell.slots} ${cell.startS} ${this.#withBounds}`).digest('hex');
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const made: Cached = {
      peers: PEER_SETTINGS.map((setting) => run(trace, cell, setting.make(trace))),
      bounds: this.#withBounds ? PRICES.map((price) => lowerBound(trace, cell, price)) : [],
    };
    this.#cache.set(key, made);
    return made;
  }

  save(): void {
    mkdirSync(dirname(CACHE), { recursive: true });
    writeFileSync(CACHE, JSON.stringify([...this.#cache]));
  }
}

/** The best in hindsight, by price. */
function bestOf(peers: readonly PeerRun[]): PeerRun[] {
  return PRICES.map((price) =>
    peers.reduce((best, one) => (costOf(one.result, price) < costOf(best.result, price) ? one : best)),
  );
}

function run(trace: Trace, cell: Cell, rule: Rule): RunResult {
  return new Fleet(trace, cell, SEED).run(rule);
}

function readCache(): Map<string, Cached> {
  try {
    return new Map(JSON.parse(readFileSync(CACHE, 'utf8')) as [string, Cached][]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return new Map();
  }
}
