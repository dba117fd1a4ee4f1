import { request as httpRequest, type ClientRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { SECOND_MS } from '../base/units.ts';
import type { Readiness, ReadinessTarget } from '../ports/driver.ts';

/**
 * Probes workers over real sockets. One attempt at a time for each worker; the next one is set when
 * the last has its verdict, so a hung answer holds up the following attempt by its time-out at most.
 */
const FIRST_DELAY_MS = 1;
/** The pause grows with the time waited, to a 33rd of it: a start of 300 ms is seen some 5 ms late. */
const GROWTH = 1.03;
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

/** The pause before the next attempt. `attempts`: how many were made since the watch began. */
export function nextProbeDelayMs(attempts: number, wasHealthy: boolean, kind: 'connect' | 'http'): number {
  if (wasHealthy) return EASY_DELAY_MS[kind];
  // The exponent is bounded: a growing power would turn into Infinity on a worker that never listens.
  return Math.min(LARGEST_DELAY_MS, FIRST_DELAY_MS * GROWTH ** Math.min(attempts, 1_000));
}

interface Verdict {
  readonly healthy: boolean;
  readonly detail: string;
}

/** One attempt; `abort` frees all it holds at once, and then it gives no verdict. */
interface Attempt {
  abort(): void;
}

export function createHttpReadiness(options: { readonly clock: Clock }): Readiness {
  return {
    watch(target, onChange, signal) {
      if (!signal.aborted) new Watch(options.clock, target, onChange, signal).probe();
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
  #failures = 0;
  /** Null while it starts, until the first success. */
  #healthy: boolean | null;
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

  probe(): void {
    // It had its verdict; a body that still flows must not pile up beside the next one.
    this.#attempt?.abort();
    this.#attempts += 1;
    const make = this.#kind === 'connect' ? connectAttempt(this.#clock) : attemptHttp;
    const timeoutMs = this.#kind === 'connect' ? CONNECT_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
    let settled = false;
    const settle = (verdict: Verdict): void => {
      if (settled || this.#signal.aborted) return;
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
      if (throughProxy !== true) return accepted();
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
