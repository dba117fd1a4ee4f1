/** Beyond it nothing is decided any more, and the exponential would overflow. */
const MAX_LOG = 600;
/** The first episode begins with the first observation, the next ones with the 50th, 100th, 200th … after it. */
const FIRST_EPISODE = 50;
/** The first episode's part of the whole; each later one gets as much of what is left. */
const EPISODE_SHARE = 0.5;

/**
 * Evidence as products that grow by one factor with each observation: one product for each bet, and
 * for each episode in which the trouble may have begun, as a fault that begins late would have to win
 * back all that was lost on sound observations before. Kept as logarithms: some hundred factors leave
 * the range of a double.
 *
 * If each factor has an expectation of at most 1 while the hypothesis holds, each product is an
 * e-process (a non-negative supermartingale that starts at 1), and so is their weighted mean, as the
 * weights add up to 1. By Ville's inequality it ever reaches 1/α with probability α at most, whenever
 * one looks and stops.
 */
export class Evidence {
  readonly #bets: number;
  readonly #episodes: number[][];
  #observations = 0;
  #nextEpisode = FIRST_EPISODE;

  constructor(bets: number) {
    this.#bets = bets;
    this.#episodes = [none(bets)];
  }

  /** One factor for each bet, all from the same observation. */
  multiply(factors: readonly number[]): void {
    if (this.#observations === this.#nextEpisode) {
      this.#episodes.push(none(this.#bets));
      this.#nextEpisode *= 2;
    }
    this.#observations += 1;
    for (const logs of this.#episodes) {
      factors.forEach((factor, bet) => {
        logs[bet] = (logs[bet] ?? 0) + Math.log(factor);
      });
    }
  }

  /** The evidence there would be after `more` further observations with these factors. */
  value(factors: readonly number[] = [], more = 0): number {
    let sum = 0;
    let left = 1;
    for (const logs of this.#episodes) {
      let product = 0;
      logs.forEach((log, bet) => {
        product += Math.exp(Math.min(MAX_LOG, log + more * Math.log(factors[bet] ?? 1)));
      });
      sum += (left * EPISODE_SHARE * product) / this.#bets;
      left *= 1 - EPISODE_SHARE;
    }
    // What the episodes to come are given still stands at 1.
    return sum + left;
  }
}

function none(bets: number): number[] {
  return Array.from({ length: bets }, () => 0);
}
