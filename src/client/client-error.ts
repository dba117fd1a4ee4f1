/** Why there is no answer that can be used, where the server itself gave no reason. */
export type LocalReason =
  /** No connection, or it broke before the answer was whole. */
  | 'UNREACHABLE'
  /** No answer within the time limit; the server may still have done what was asked. */
  | 'TIMEOUT'
  /** An answer that is not of this API: the URL most likely leads to another server. */
  | 'BAD_ANSWER'
  /** Nothing was sent: an id that can stand in no URL. */
  | 'BAD_INPUT';

export interface ClientErrorFacts {
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** The server's stable name of the fault, such as `VALIDATOR_PARAM`, or a `LocalReason`. */
  readonly reason: string;
  /** For `VALIDATOR_PARAM`: field path to what was given and what is allowed. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Seconds after which the server asks to try again. */
  readonly retryAfterSeconds?: number | null;
  readonly cause?: unknown;
}

/** A call that was refused, failed or never arrived. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly status: number | null;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterSeconds: number | null;

  constructor(message: string, facts: ClientErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status;
    this.reason = facts.reason;
    this.metadata = facts.metadata ?? {};
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null;
  }
}
