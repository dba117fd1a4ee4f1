/** What the guard sees and thereby decides, as plain data. */
export interface GuardReport {
  readonly target: GuardFigures;
  readonly stable: GuardFigures;
  /** Evidence that the target is worse; `EVIDENCE_LIMIT` of either is the verdict. */
  readonly failureEvidence: number;
  readonly slownessEvidence: number;
  /** The verdict in words, with its figures; null while there is none. */
  readonly tripped: string | null;
  /** Something speaks against the target, and not enough for a verdict: it is no proof yet. */
  readonly doubtful: boolean;
  /** So many of few requests failed that chance explains it badly: what counts when no more come. */
  readonly failing: boolean;
  /** When a request that has no first byte yet counts as unanswered; null: none runs, or that is unknown. */
  readonly patienceEndsAtMs: number | null;
}

export interface GuardFigures {
  /** Heads of answers that came. */
  readonly answered: number;
  /** Requests whose outcome is known, and those of them that failed: 5xx, cut off, or never answered. */
  readonly ended: number;
  readonly failed: number;
  /** Requests that run for much longer without a first byte than is usual. */
  readonly unanswered: number;
  readonly deaths: number;
}
