/**
 * The share of requests that workers under proof are given. Until their sample is had they are asked
 * before all others, so they get every request that finds a slot of theirs free: with requests that
 * come by chance all but the part that Erlang's loss formula gives, for as many servers as they have
 * slots and the mean number of requests that run. It is exact for any length of requests as long as
 * those that find no slot there find one of the `others`; where all are in use, requests wait, and no
 * slot is ever free.
 */
export function sampleShare(slots: number, others: number, runningMean: number): number {
  if (slots === 0) return 0;
  if (runningMean >= slots + others) return slots / runningMean;
  // The formula's recursion: the loss with one slot more, from the loss with so many.
  let loss = 1;
  for (let count = 1; count <= slots; count += 1) loss = (runningMean * loss) / (count + runningMean * loss);
  return 1 - loss;
}
