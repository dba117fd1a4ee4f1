/** Probability of `count` or more events where `mean` are expected. */
export function poissonTail(count: number, mean: number): number {
  let term = Math.exp(-mean);
  let below = 0;
  for (let events = 0; events < count; events += 1) {
    below += term;
    term *= mean / (events + 1);
  }
  return Math.max(0, 1 - below);
}

/** Probability of `count` or more among `of`, each with probability `share` below 1. */
export function binomialTail(count: number, of: number, share: number): number {
  let term = (1 - share) ** of;
  let below = 0;
  for (let events = 0; events < count; events += 1) {
    below += term;
    term *= ((of - events) / (events + 1)) * (share / (1 - share));
  }
  return Math.max(0, 1 - below);
}

/** The share above which `count` or fewer among `of` come with a probability of `alpha` at most. */
export function binomialUpperBound(count: number, of: number, alpha: number): number {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 50; step += 1) {
    const share = (low + high) / 2;
    if (1 - binomialTail(count + 1, of, share) > alpha) low = share;
    else high = share;
  }
  return high;
}
