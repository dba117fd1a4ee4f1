import type { GuardFigures, GuardReport } from '../../model/guard-report.ts';
import type { GuardOptions } from '../../model/rollout-options.ts';
import { seconds } from '../world.ts';
import { diesTooOften } from './death-test.ts';
import { FailureTest } from './failure-test.ts';
import type { AnswerTime, RevisionFigures } from './revision-figures.ts';
import { SlownessTest } from './slowness-test.ts';
import { hypergeometricTail } from './tails.ts';

/** What of the workers the guard needs beside the requests, at the moment of a decision. */
export interface GuardMoment {
  readonly nowMs: number;
  /** Start times of the target's requests that have no first byte yet. */
  readonly unansweredSinceMs: readonly number[];
  /** Ready time of all workers of the revision together, as far as it is remembered. */
  readonly targetExposureMs: number;
  readonly stableExposureMs: number;
}

/**
 * The false-alarm rate of a whole rollout, 1 %, is shared out: 0.3 % to the failures and 0.1 % to the
 * bound that they are held against, 0.3 % to the time to first byte, 0.2 % to the deaths of workers,
 * 0.1 % to the one verdict on few requests. Evidence reaches 1/0.003 with that probability at most
 * while both revisions are equally good, however often one looks.
 */
export const EVIDENCE_LIMIT = 1 / 0.003;
const DEATHS_ALPHA = 0.002;
/** A target that has answered nothing yet, and lets so many wait, is judged by the share alone. */
const MUTE_MIN = 2;
const MUTE_ALPHA = 0.0001;
/** Times without which no verdict falls on slowness. */
const MIN_TIMES = 8;
/** Evidence, or a share of failures, that equal quality seldom shows; from here on a bake is no proof. */
const DOUBT = 3;
const DOUBT_ALPHA = 0.05;
/** For the one verdict on few requests, at the end of a prolonged bake. */
const FAILING_ALPHA = 0.001;
/** A request without a first byte is missed after so many times what 95 of 100 take, and never sooner than 5 s. */
const PATIENCE_FACTOR = 5;
const PATIENCE_SHARE = 0.95;
const PATIENCE_MIN_MS = 5_000;

/**
 * Holds the target of one rollout against the stable revision, from its first worker on until some
 * time after the last old worker left. What the stable revision did lately is remembered, so there is
 * something to compare with also where no worker of it serves beside the target.
 *
 * Each signal has a test whose false alarms are bounded at any stopping time: see `failure-test.ts`,
 * `slowness-test.ts` and `death-test.ts`. A target that takes requests and never answers is caught
 * by the first: a request far beyond the stable revision's times counts as failed while it hangs.
 */
export class RolloutGuard {
  readonly rolloutId: string;
  readonly #options: GuardOptions;
  readonly #target: RevisionFigures;
  readonly #stable: RevisionFigures;
  readonly #failures: FailureTest;
  readonly #slowness: SlownessTest;
  #usualMs: number | null = null;

  constructor(rolloutId: string, options: GuardOptions, target: RevisionFigures, stable: RevisionFigures) {
    this.rolloutId = rolloutId;
    this.#options = options;
    this.#target = target;
    this.#stable = stable;
    this.#failures = new FailureTest(stable.outcomes);
    this.#slowness = new SlownessTest(options.slowdown, stable.times);
  }

  /** A request of either revision has ended: did it fail on the worker's side? */
  outcome(revision: number, failed: boolean): void {
    if (revision === this.#target.revision) this.#failures.target(failed);
    else if (revision === this.#stable.revision) this.#failures.stable(failed);
  }

  time(revision: number, { ms, beside }: AnswerTime): void {
    if (revision === this.#target.revision) this.#slowness.target(ms, beside);
    else if (revision === this.#stable.revision) this.#slowness.stable(ms, beside);
  }

  report(moment: GuardMoment): GuardReport {
    const patienceMs = this.#patienceMs();
    const oldestFirst = [...moment.unansweredSinceMs].sort((a, b) => a - b);
    const missed = oldestFirst.filter((sinceMs) => sinceMs + patienceMs <= moment.nowMs).length;
    const next = oldestFirst[missed];
    const failureEvidence = this.#failures.value(missed);
    const slownessEvidence = this.#slowness.value;
    const target = figuresOf(this.#target, missed);
    const facts = { target, stable: figuresOf(this.#stable, 0), failureEvidence, slownessEvidence };
    const { enabled } = this.#options;
    const silent = target.answered === 0 && oldestFirst.length > 0;
    const chance = chanceOf(facts);
    const doubt =
      silent || missed > 0 || chance <= DOUBT_ALPHA || Math.max(failureEvidence, slownessEvidence) >= DOUBT;
    return {
      ...facts,
      tripped: enabled ? this.#verdict(facts, moment) : null,
      doubtful: enabled && (doubt || (target.deaths > 0 && this.#dying(1, moment))),
      failing: enabled && chance <= FAILING_ALPHA,
      patienceEndsAtMs: next === undefined || patienceMs === Infinity ? null : next + patienceMs,
    };
  }

  #verdict(
    {
      target,
      stable,
      failureEvidence,
      slownessEvidence,
    }: Pick<GuardReport, 'target' | 'stable' | 'failureEvidence' | 'slownessEvidence'>,
    moment: GuardMoment,
  ): string | null {
    const bad = target.failed + target.unanswered;
    const mute = target.answered === 0 && target.unanswered >= MUTE_MIN;
    if (mute && chanceOf({ target, stable }) <= MUTE_ALPHA) {
      return `it answered none of its ${bad} requests, and ${target.unanswered} of them wait for much longer than is usual; on the stable revision ${stable.failed} of ${stable.ended} failed`;
    }
    if (failureEvidence >= EVIDENCE_LIMIT && bad >= this.#options.minFailures) {
      const hanging = target.unanswered === 0 ? '' : ` and ${target.unanswered} more have no answer yet`;
      return `${target.failed} of ${target.ended} requests failed on it (5xx, cut off or unanswered)${hanging}; on the stable revision ${stable.failed} of ${stable.ended} did`;
    }
    if (slownessEvidence >= EVIDENCE_LIMIT && this.#slowness.tested >= MIN_TIMES) {
      const { targetMs, stableMs } = this.medianFirstByte();
      return `it is slower: ${milliseconds(targetMs)} to the first byte in the median of ${target.answered} requests, against ${milliseconds(stableMs)} on the stable revision; allowed are ${this.#options.slowdown} times as much`;
    }
    if (this.#dying(0, moment)) {
      return `${target.deaths} of its workers died within ${seconds(moment.targetExposureMs)} of service; of the stable revision's ${stable.deaths} did within ${seconds(moment.stableExposureMs)}`;
    }
    return null;
  }

  /** Sorts what is remembered: for a page or a verdict, not for each look. */
  medianFirstByte(): { readonly targetMs: number | null; readonly stableMs: number | null } {
    return { targetMs: this.#target.timeMs(0.5), stableMs: this.#stable.timeMs(0.5) };
  }

  /** `more`: as if so many more workers of the target had died. */
  #dying(more: number, moment: GuardMoment): boolean {
    return diesTooOften(
      { deaths: this.#target.deaths + more, exposureMs: moment.targetExposureMs },
      { deaths: this.#stable.deaths, exposureMs: moment.stableExposureMs },
      DEATHS_ALPHA,
    );
  }

  /** Infinity while the stable revision's times are not known: then `request_timeout` alone tells. */
  #patienceMs(): number {
    if (this.#usualMs === null) this.#usualMs = this.#stable.timeMs(PATIENCE_SHARE);
    return this.#usualMs === null ? Infinity : Math.max(PATIENCE_MIN_MS, PATIENCE_FACTOR * this.#usualMs);
  }
}

function figuresOf(figures: RevisionFigures, unanswered: number): GuardFigures {
  const { answered, ended, failed, deaths } = figures;
  return { answered, ended, failed, deaths, unanswered };
}

/** How probable it is that so many of all failures fell to the target by chance: Fisher's exact test. */
function chanceOf({ target, stable }: Pick<GuardReport, 'target' | 'stable'>): number {
  const ended = target.ended + target.unanswered;
  const failed = target.failed + target.unanswered;
  return hypergeometricTail(failed, ended, failed + stable.failed, ended + stable.ended);
}

function milliseconds(timeMs: number | null): string {
  return timeMs === null ? 'unknown' : seconds(timeMs);
}
