import { costOf, type Score } from './scores.ts';

/** Why a peer setting did better, from the numbers of both runs. */
export function reasonOf(score: Score): string {
  const { ours, best, price, runs } = score;
  const lost = costOf(ours, price) - costOf(best.result, price);
  const wait = price * (ours.waitingSeconds - best.result.waitingSeconds);
  const workers = ours.workerSeconds - best.result.workerSeconds;
  const early = price * (ours.earlyWaitingSeconds - best.result.earlyWaitingSeconds);
  const facts = `worker-seconds ${signed(ours.workerSeconds / best.result.workerSeconds - 1)}, waiting ${signed(ours.waitingSeconds / Math.max(1, best.result.waitingSeconds) - 1)}`;
  if (early > 0.5 * lost && early > 0) {
    return `${facts}: most of it in the first five start times, before anything could be known${best.peer === 'fixed' ? '; the peer was told the right number in hindsight' : ''}`;
  }
  if (best.peer === 'fixed' && wait > workers) {
    return `${facts}: the peer was told the right number in hindsight and never starts one again; ours lets workers go (after ${idleNote(runs.cell.startS)}) and starts them again`;
  }
  if (wait > workers) return `${facts}: fewer workers stood ready when requests came`;
  return `${facts}: workers were kept or started that the peer did without`;
}

function idleNote(startS: number): string {
  return startS >= 120 ? 'what a new start would cost' : 'the gaps it measured';
}

function signed(share: number): string {
  const percent = Math.round(share * 100);
  return `${percent >= 0 ? '+' : '−'}${Math.abs(percent)} %`;
}
