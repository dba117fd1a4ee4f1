/** Beyond it the shares are even, and the exponential nears the end of its range. */
const EVEN_FROM = 100;

/**
 * The share of requests that workers under proof are given beside others. A request goes to the least
 * loaded worker, the earlier one on a tie, so those under proof, which came last, are given one only
 * when the requests that run fill all others evenly: of n running, n mod (others + proven) tells. With
 * requests that come by chance n is Poisson distributed around the mean that runs. Requests end in any
 * order, which leaves the loads less even than that: it is right to about a tenth, see its test.
 */
export function sampleShare(others: number, underProof: number, runningMean: number): number {
  if (underProof === 0) return 0;
  const all = others + underProof;
  if (others === 0 || runningMean > EVEN_FROM) return underProof / all;
  let probability = Math.exp(-runningMean);
  let share = 0;
  const last = Math.ceil(runningMean + 10 * Math.sqrt(runningMean) + 2 * all);
  for (let running = 0; running <= last; running += 1) {
    if (running > 0) probability *= runningMean / running;
    if (running % all >= others) share += probability;
  }
  return share;
}
