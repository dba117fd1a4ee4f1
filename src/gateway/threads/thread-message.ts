import { AppError, type ErrorCode } from '../../base/errors.ts';
import type { EndpointId, WorkerId } from '../../base/ids.ts';
import type { RequestTimeline } from '../../model/request-timeline.ts';
import type { TrafficEndpoint, TrafficWorker } from '../../ports/traffic.ts';
import type { Certificate } from '../certificate.ts';
import type { Row } from './shared-table.ts';

/** An `AppError` as a message carries it: classes do not come through, and causes stay where they are. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;
}

export function errorMessage(error: AppError): ErrorMessage {
  const { code, message, metadata, detail, retryAfterSeconds } = error;
  return { code, message, metadata, detail, retryAfterSeconds };
}

export function errorOf({ code, message, metadata, detail, retryAfterSeconds }: ErrorMessage): AppError {
  return new AppError(code, message, {
    metadata,
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** What the main thread tells each gateway thread, which does it in the order in which it was told. */
export type ThreadOrder =
  | {
      readonly kind: 'endpointPut';
      readonly endpoint: Omit<TrafficEndpoint, 'refusal'>;
      readonly refusal: ErrorMessage | null;
      readonly row: Row;
    }
  | { readonly kind: 'endpointRemove'; readonly endpointId: EndpointId; readonly reason: ErrorMessage }
  | { readonly kind: 'waitingRefuse'; readonly endpointId: EndpointId; readonly reason: ErrorMessage }
  | {
      readonly kind: 'workerPut';
      readonly endpointId: EndpointId;
      readonly worker: TrafficWorker;
      readonly row: Row;
    }
  /** For connections from now on. */
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'workerRemove'; readonly endpointId: EndpointId; readonly workerId: WorkerId }
  | {
      readonly kind: 'runningCut';
      readonly endpointId: EndpointId;
      readonly workerId: WorkerId;
      readonly error: ErrorMessage;
      readonly unansweredOnly: boolean;
    }
  /** `told` brings the answer. */
  | {
      readonly kind: 'requestsAsk';
      readonly number: number;
      readonly endpointId: EndpointId;
      readonly which: 'open' | 'ended';
      readonly limit: number;
    }
  /** `settled` comes when everything before it was done. */
  | { readonly kind: 'settle'; readonly number: number }
  /** Another thread died while it gave slots: what it gave to requests of this one may be untold. */
  | { readonly kind: 'untold' }
  /** New requests are refused; `drained` comes when all that were taken have ended. */
  | { readonly kind: 'drain' }
  | { readonly kind: 'stopListening' }
  | { readonly kind: 'closeIdle' }
  | { readonly kind: 'closeAll' };

/** What a gateway thread tells the main one, besides its events; see `thread-events.ts`. */
export type ThreadReport =
  /** The endpoint was removed, and nothing of it is left in this thread. */
  | { readonly kind: 'over'; readonly endpointId: EndpointId }
  /** The worker was removed, and no request of this thread runs on it. Those it had last, newest first. */
  | {
      readonly kind: 'left';
      readonly endpointId: EndpointId;
      readonly workerId: WorkerId;
      readonly requests: readonly RequestTimeline[];
    }
  | { readonly kind: 'told'; readonly number: number; readonly requests: readonly RequestTimeline[] }
  | { readonly kind: 'settled'; readonly number: number }
  | { readonly kind: 'drained' }
  /** The last connection is closed. */
  | { readonly kind: 'stopped' };
