import type { Cell, RunResult } from './fleet.ts';

export interface PeerRun {
  readonly peer: string;
  readonly knobs: string;
  readonly isDefault: boolean;
  readonly result: RunResult;
}

export interface CurvePoint {
  readonly value: number;
  readonly result: RunResult;
}

/** Everything that was run on one trace and cell; lists by price are in the order of the prices. */
export interface CellRuns {
  readonly trace: string;
  readonly cell: Cell;
  readonly peers: readonly PeerRun[];
  readonly ours: readonly RunResult[];
  readonly byDefault: RunResult;
  /** The peer setting that was best in hindsight. */
  readonly best: readonly PeerRun[];
  /** The same of those that scale: fleets that never stop are left out. */
  readonly bestScaling: readonly PeerRun[];
  readonly bounds: readonly number[];
  readonly curve: readonly CurvePoint[];
}

/** One number of the table: a trace, a cell and a price. */
export interface Score {
  readonly runs: CellRuns;
  readonly price: number;
  readonly ours: RunResult;
  readonly best: PeerRun;
  /** Our cost over that of the best peer setting in hindsight. */
  readonly ratio: number;
  /** The same against the best of those that scale. */
  readonly scalingRatio: number;
  /** Our cost over the clairvoyant bound; null without one. */
  readonly overBound: number | null;
}

/** J: worker-seconds, and waiting seconds at a price. */
export function costOf(result: RunResult, price: number): number {
  return result.workerSeconds + price * result.waitingSeconds;
}

export function scoresOf(runs: readonly CellRuns[], prices: readonly number[]): readonly Score[] {
  return runs.flatMap((cell) =>
    prices.map((price, index) => {
      const ours = cell.ours[index]!;
      const best = cell.best[index]!;
      const bound = cell.bounds[index];
      return {
        runs: cell,
        price,
        ours,
        best,
        ratio: costOf(ours, price) / costOf(best.result, price),
        scalingRatio: costOf(ours, price) / costOf(cell.bestScaling[index]!.result, price),
        overBound: bound === undefined ? null : costOf(ours, price) / bound,
      };
    }),
  );
}

export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Our default setting against each peer's default, over all cells and prices. */
export function againstDefaults(
  runs: readonly CellRuns[],
  prices: readonly number[],
): ReadonlyMap<string, number> {
  const ratios = new Map<string, number[]>();
  for (const cell of runs) {
    for (const peer of cell.peers) {
      if (!peer.isDefault) continue;
      const list = ratios.get(peer.peer) ?? [];
      ratios.set(peer.peer, list);
      for (const price of prices) list.push(costOf(cell.byDefault, price) / costOf(peer.result, price));
    }
  }
  return new Map([...ratios].map(([peer, list]) => [peer, geometricMean(list)]));
}
