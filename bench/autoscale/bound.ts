import type { Cell } from './fleet.ts';
import type { Trace } from './traces.ts';

/**
 * A lower bound on J = worker-seconds + price × waiting, for any rule, one that knows all arrivals
 * and may stop and start at will included. Every start is taken to last exactly `startS`.
 *
 * It is the dual of the clairvoyant programme. Let Z(t) be a potential with 0 ≤ Z ≤ L that rises by at
 * most 1 a second, and let a slot's time at t be priced y(t) = (1 − Z'(t)) / c ≥ 0. A worker that is
 * ready from x to z can then earn at most c ∫ y = z − x + Z(x) − Z(z) ≤ z − x + L, which is what it
 * costs. So what all requests pay at the least,
 *
 *     Σ min over s ≥ arrival of: price × (s − arrival) + (S + Z(s) − Z(s + S)) / c,
 *
 * is at most what workers and waiting cost in any schedule (the waiting is in the sum itself). That
 * holds for every such Z. It is concave in Z, so subgradients lead to a good one; the best value that
 * was met is returned.
 */
export interface BoundOptions {
  /** Steps of the grid on which Z is linear, in a start time. */
  readonly stepsPerStart: number;
  readonly iterations: number;
}

const DEFAULTS: BoundOptions = { stepsPerStart: 8, iterations: 120 };

export function lowerBound(
  trace: Trace,
  cell: Cell,
  price: number,
  options: Partial<BoundOptions> = {},
): number {
  const { stepsPerStart, iterations } = { ...DEFAULTS, ...options };
  const potential = new Potential(trace, cell, price, cell.startS / stepsPerStart);
  let best = -Infinity;
  for (let iteration = 0; iteration < iterations; iteration += 1) {
    best = Math.max(best, potential.evaluate());
    potential.climb(0.5 / Math.sqrt(1 + iteration));
  }
  return Math.max(best, potential.evaluate());
}

class Potential {
  readonly #arrivals: Float64Array;
  readonly #services: Float64Array;
  readonly #slots: number;
  readonly #startS: number;
  readonly #price: number;
  readonly #stepS: number;
  readonly #delayMaxS: number;
  #z: Float64Array;
  readonly #gradient: Float64Array;
  readonly #touched: Float64Array;

  constructor(trace: Trace, cell: Cell, price: number, stepS: number) {
    this.#slots = cell.slots;
    this.#startS = cell.startS;
    this.#price = price;
    this.#stepS = stepS;
    // To wait costs more than Z can ever give back.
    this.#delayMaxS = (2 * cell.startS) / (cell.slots * price);
    this.#services = trace.serviceS;
    this.#arrivals = withoutLongGaps(trace, this.#delayMaxS + 2 * cell.startS);
    let endS = 0;
    for (let index = 0; index < this.#arrivals.length; index += 1) {
      endS = Math.max(endS, this.#arrivals[index]! + this.#delayMaxS + this.#services[index]!);
    }
    const nodes = Math.ceil(endS / stepS) + 2;
    this.#z = new Float64Array(nodes).fill(cell.startS / 2);
    this.#gradient = new Float64Array(nodes);
    this.#touched = new Float64Array(nodes);
  }

  /** The bound at the present Z; leaves the gradient behind. */
  evaluate(): number {
    const z = this.#z;
    const stepS = this.#stepS;
    const slots = this.#slots;
    this.#gradient.fill(0);
    this.#touched.fill(0);
    let total = 0;
    for (let index = 0; index < this.#arrivals.length; index += 1) {
      const arrivalS = this.#arrivals[index]!;
      const serviceS = this.#services[index]!;
      const lastS = arrivalS + this.#delayMaxS;
      let bestS = arrivalS;
      let best = (valueAt(z, arrivalS, stepS) - valueAt(z, arrivalS + serviceS, stepS)) / slots;
      // The cost is linear between the nodes that begin or end lie on, so only those need a look.
      for (let node = Math.floor(arrivalS / stepS) + 1; node * stepS <= lastS; node += 1) {
        const beginS = node * stepS;
        const cost =
          this.#price * (beginS - arrivalS) + (z[node]! - valueAt(z, beginS + serviceS, stepS)) / slots;
        if (cost < best) {
          best = cost;
          bestS = beginS;
        }
      }
      for (
        let node = Math.floor((arrivalS + serviceS) / stepS) + 1;
        node * stepS - serviceS <= lastS;
        node += 1
      ) {
        const beginS = node * stepS - serviceS;
        const cost = this.#price * (beginS - arrivalS) + (valueAt(z, beginS, stepS) - z[node]!) / slots;
        if (cost < best) {
          best = cost;
          bestS = beginS;
        }
      }
      total += serviceS / slots + best;
      this.#touch(bestS, 1);
      this.#touch(bestS + serviceS, -1);
    }
    return total;
  }

  #touch(atS: number, sign: number): void {
    const node = Math.floor(atS / this.#stepS);
    const share = atS / this.#stepS - node;
    this.#gradient[node]! += sign * (1 - share);
    this.#gradient[node + 1]! += sign * share;
    this.#touched[node]! += 1 - share;
    this.#touched[node + 1]! += share;
  }

  /** A step along the gradient, then back to what a potential may be. */
  climb(share: number): void {
    const z = this.#z;
    const down = new Float64Array(z.length);
    for (let node = 0; node < z.length; node += 1) {
      const touched = this.#touched[node]!;
      const moved =
        touched === 0 ? z[node]! : z[node]! + (share * this.#startS * this.#gradient[node]!) / touched;
      down[node] = Math.min(this.#startS, Math.max(0, moved));
    }
    // Two ways to forbid too steep a rise: lower what follows, or raise what comes before. Halfway
    // between two allowed potentials lies an allowed one.
    const up = down.slice();
    for (let node = 1; node < z.length; node += 1) {
      down[node] = Math.min(down[node]!, down[node - 1]! + this.#stepS);
    }
    for (let node = z.length - 2; node >= 0; node -= 1) {
      up[node] = Math.max(up[node]!, up[node + 1]! - this.#stepS);
    }
    for (let node = 0; node < z.length; node += 1) z[node] = (down[node]! + up[node]!) / 2;
  }
}

function valueAt(z: Float64Array, atS: number, stepS: number): number {
  const position = atS / stepS;
  const node = Math.floor(position);
  const share = position - node;
  return z[node]! * (1 - share) + z[node + 1]! * share;
}

/** In a long silence Z reaches L and stays there: its middle can be left out without changing the bound. */
function withoutLongGaps(trace: Trace, marginS: number): Float64Array {
  const arrivals = trace.arrivalS.slice();
  let longest = 0;
  for (const serviceS of trace.serviceS) longest = Math.max(longest, serviceS);
  const gapMaxS = marginS + longest;
  let removedS = 0;
  for (let index = 1; index < arrivals.length; index += 1) {
    const gapS = trace.arrivalS[index]! - trace.arrivalS[index - 1]!;
    removedS += Math.max(0, gapS - gapMaxS);
    arrivals[index] = trace.arrivalS[index]! - removedS;
  }
  return arrivals;
}
