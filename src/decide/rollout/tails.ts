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

/**
 * Probability of `count` or more marked ones among `drawn` of `total`, of which `marked` are: Fisher's
 * exact test of two shares, for the side of more.
 */
export function hypergeometricTail(count: number, drawn: number, marked: number, total: number): number {
  if (count <= Math.max(0, drawn + marked - total)) return 1;
  const most = Math.min(drawn, marked);
  if (count > most) return 0;
  let term = Math.exp(
    logChoose(marked, count) + logChoose(total - marked, drawn - count) - logChoose(total, drawn),
  );
  let sum = 0;
  for (let found = count; found <= most; found += 1) {
    sum += term;
    // Past the mode the terms fall faster and faster.
    if (term < sum * 1e-12) break;
    term *= ((marked - found) * (drawn - found)) / ((found + 1) * (total - marked - drawn + found + 1));
  }
  return Math.min(1, sum);
}

function logChoose(of: number, count: number): number {
  return logFactorial(of) - logFactorial(count) - logFactorial(of - count);
}

/** Exact for small ones, else Stirling's series: right to ten digits. */
function logFactorial(value: number): number {
  if (value < 20) {
    let product = 1;
    for (let factor = 2; factor <= value; factor += 1) product *= factor;
    return Math.log(product);
  }
  const square = value * value;
  return (
    value * Math.log(value) -
    value +
    Math.log(2 * Math.PI * value) / 2 +
    1 / (12 * value) -
    1 / (360 * value * square)
  );
}
