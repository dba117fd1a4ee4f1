import { request as httpRequest, type ClientRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { WorkerId } from '../base/ids.ts';
import { SECOND_MS } from '../base/units.ts';
import type { Readiness, ReadinessTarget } from '../ports/driver.ts';

/**
 * Probes workers over real sockets. One attempt at a time for each worker; the next one is set when
 * the last has its verdict, so a hung answer holds up the following attempt by its time-out at most.
 */
const FIRST_DELAY_MS = 1;
/** The pause grows with the time waited, to a 33rd of it: a start of 300 ms is seen some 5 ms late. */
const GROWTH = 1.03;
/** A connection costs next to nothing: each 5 ms for the first seconds, in which 20 ms more would be felt. */
const QUICK_CONNECTS = 1_000;
const QUICK_CONNECT_MS = 5;
/** A worker that needs minutes to load is asked 40 times a second at most, and seen within 25 ms. */
const LARGEST_DELAY_MS = 25;
const EASY_DELAY_MS = { connect: 5 * SECOND_MS, http: 2 * SECOND_MS };
const CONNECT_TIMEOUT_MS = SECOND_MS;
const ANSWER_TIMEOUT_MS = 10 * SECOND_MS;
const FAILURES_UNTIL_UNHEALTHY = 3;
/** A proxy that finds nobody behind it hangs up at once; a connection that holds this long has a listener. */
const PROXY_HOLD_MS = 30;
/** A health answer's body is read so that the worker sees a clean end, but not without end. */
const BODY_LIMIT_BYTES = 64 * 1024;
/** Notices that came before their worker's watch; the oldest is dropped beyond that, and its worker found by probes. */
const EARLY_NOTICES_KEPT = 1_000;

/** The pause before the next attempt. `attempts`: how many were made since the watch began. */
export function nextProbeDelayMs(attempts: number, wasHealthy: boolean, kind: 'connect' | 'http'): number {
  if (wasHealthy) return EASY_DELAY_MS[kind];
  // The exponent is bounded: a growing power would turn into Infinity on a worker that never listens.
  const growing = FIRST_DELAY_MS * GROWTH ** Math.min(attempts, 1_000);
  return Math.min(
    growing,
    kind === 'connect' && attempts <= QUICK_CONNECTS ? QUICK_CONNECT_MS : LARGEST_DELAY_MS,
  );
}

interface Verdict {
  readonly healthy: boolean;
  readonly detail: string;
}

/** One attempt; `abort` frees all it holds at once, and then it gives no verdict. */
interface Attempt {
  abort(): void;
}

export interface HttpReadiness extends Readiness {
  /**
   * A worker says of itself that it takes requests: it is asked at once. Only the first notice of a
   * worker that starts counts, so that many of them cost no more than one.
   */
  noticed(workerId: WorkerId): void;
}

export function createHttpReadiness({ clock }: { readonly clock: Clock }): HttpReadiness {
  const starting = new Map<WorkerId, Watch>();
  const early = new Set<WorkerId>();
  return {
    watch(target, onChange, signal) {
      if (signal.aborted) return;
      const { workerId } = target;
      const watch = new Watch(clock, target, onChange, signal);
      const noticedBefore = early.delete(workerId);
      if (target.wasHealthy === undefined) {
        starting.set(workerId, watch);
        const forget = (): void => {
          // A newer watch may have taken its place.
          if (starting.get(workerId) === watch) starting.delete(workerId);
        };
        watch.onHealthy = forget;
        signal.addEventListener('abort', forget, { once: true });
      }
      if (noticedBefore) watch.noticed();
      else watch.probe();
    },
    noticed(workerId) {
      const watch = starting.get(workerId);
      if (watch !== undefined) {
        watch.noticed();
        return;
      }
      early.add(workerId);
      const [oldest] = early;
      if (early.size > EARLY_NOTICES_KEPT && oldest !== undefined) early.delete(oldest);
    },
  };
}

class Watch {
  readonly #clock: Clock;
  readonly #target: ReadinessTarget;
  readonly #onChange: (healthy: boolean, detail: string) => void;
  readonly #signal: AbortSignal;
  readonly #kind: 'connect' | 'http';
  #attempts = 0;
  /** A verdict of an attempt that another has taken the place of says nothing any more. */
  #latest = 0;
  #failures = 0;
  /** Null while it starts, until the first success. */
  #healthy: boolean | null;
  #noticed = false;
  onHealthy: () => void = () => undefined;
  #attempt: Attempt | null = null;
  #cancelTimer: (() => void) | null = null;

  constructor(
    clock: Clock,
    target: ReadinessTarget,
    onChange: (healthy: boolean, detail: string) => void,
    signal: AbortSignal,
  ) {
    this.#clock = clock;
    this.#target = target;
    this.#onChange = onChange;
    this.#signal = signal;
    this.#kind = target.healthCheck.path === '' ? 'connect' : 'http';
    this.#healthy = target.wasHealthy ?? null;
    signal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  noticed(): void {
    if (this.#noticed) return;
    this.#noticed = true;
    // It may have told a moment too early: then it is asked as often as one that has just begun.
    this.#attempts = 0;
    this.#cancelTimer?.();
    this.probe();
  }

  probe(): void {
    // It had its verdict; a body that still flows must not pile up beside the next one.
    this.#attempt?.abort();
    this.#attempts += 1;
    this.#latest += 1;
    const number = this.#latest;
    // After its own word a connection that a proxy accepts is no longer in doubt.
    const make = this.#kind === 'connect' ? connectAttempt(this.#clock, this.#noticed) : attemptHttp;
    const timeoutMs = this.#kind === 'connect' ? CONNECT_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
    let settled = false;
    const settle = (verdict: Verdict): void => {
      if (settled || number !== this.#latest || this.#signal.aborted) return;
      settled = true;
      this.#cancelTimer?.();
      this.#judge(verdict);
    };
    const attempt = make(this.#target, settle);
    // Refused at once, without a turn of the event loop: the next attempt is set already.
    if (settled) return;
    this.#attempt = attempt;
    this.#cancelTimer = this.#clock.schedule(timeoutMs, () => {
      attempt.abort();
      settle({ healthy: false, detail: `no answer within ${timeoutMs} ms` });
    });
  }

  #judge({ healthy, detail }: Verdict): void {
    this.#failures = healthy ? 0 : this.#failures + 1;
    const delayMs = nextProbeDelayMs(this.#attempts, this.#healthy !== null || healthy, this.#kind);
    this.#cancelTimer = this.#clock.schedule(delayMs, () => this.probe());
    if (healthy && this.#healthy !== true) {
      this.#healthy = true;
      this.onHealthy();
      this.#onChange(true, detail);
    } else if (this.#healthy === true && this.#failures >= FAILURES_UNTIL_UNHEALTHY) {
      this.#healthy = false;
      this.#onChange(false, `${this.#failures} health checks in a row failed; the last one: ${detail}`);
    }
  }

  #stop(): void {
    this.#cancelTimer?.();
    this.#attempt?.abort();
  }
}

function connectAttempt(
  clock: Clock,
  noticed: boolean,
): (target: ReadinessTarget, settle: (verdict: Verdict) => void) => Attempt {
  return ({ address }, settle) => {
    const { host, port, throughProxy } = address;
    const socket: Socket = connect({ host, port });
    let cancel = (): void => undefined;
    const accepted = (): void => {
      settle({ healthy: true, detail: `port ${port} accepts connections` });
      socket.destroy();
    };
    socket.once('connect', () => {
      if (throughProxy !== true || noticed) return accepted();
      cancel = clock.schedule(PROXY_HOLD_MS, accepted);
      // Read, or its end would not be seen.
      socket.resume();
    });
    socket.once('close', () => {
      cancel();
      settle({ healthy: false, detail: 'nothing listens behind the published port' });
    });
    socket.on('error', (error) => settle({ healthy: false, detail: connectFault(error) }));
    return { abort: () => void socket.destroy() };
  };
}

function attemptHttp(target: ReadinessTarget, settle: (verdict: Verdict) => void): Attempt {
  const path = target.healthCheck.path.startsWith('/')
    ? target.healthCheck.path
    : `/${target.healthCheck.path}`;
  let request: ClientRequest;
  try {
    const headers = { connection: 'close', 'user-agent': 'pilotlight-health-check' };
    request = httpRequest({ ...target.address, path, headers, agent: false });
  } catch (error) {
    // A path with characters that no URL may hold.
    settle({ healthy: false, detail: `GET ${path} cannot be sent: ${(error as Error).message}` });
    return { abort: () => undefined };
  }
  request.once('response', (response) => {
    settle({ healthy: response.statusCode === 200, detail: `GET ${path} answered ${response.statusCode}` });
    let receivedBytes = 0;
    response.on('error', () => request.destroy());
    response.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
      if (receivedBytes > BODY_LIMIT_BYTES) request.destroy();
    });
  });
  request.on('error', (error) => settle({ healthy: false, detail: `GET ${path}: ${connectFault(error)}` }));
  request.once('close', () => settle({ healthy: false, detail: `GET ${path}: closed without an answer` }));
  request.end();
  return { abort: () => void request.destroy() };
}

function connectFault(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ECONNREFUSED') return 'nothing listens on the port';
  return code === undefined ? error.message : `${error.message} (${code})`;
}
