/**
 * How this worker misbehaves, read from its environment. Times are milliseconds. Everything is off
 * unless it is set, so a plain `node server.ts` is a well-behaved worker.
 */
export interface Knobs {
  readonly port: number;
  readonly host: string;
  /** The port is opened this long after the start. */
  readonly startDelayMs: number;
  /** `/healthz` answers 503 until this long after the start. */
  readonly healthDelayMs: number;
  /** Every answer waits this long, `/healthz` excepted. */
  readonly latencyMs: number;
  /** Status of every answer, `/healthz` excepted; 0 when off. */
  readonly failStatus: number;
  /** Share of requests answered with 500, from 0 to 1, spread evenly rather than drawn. */
  readonly failRate: number;
  /** The process exits with code 1 this long after it listens; 0 when off. */
  readonly exitAfterMs: number;
  readonly exitAtStart: boolean;
  readonly neverListen: boolean;
  readonly ignoreSigterm: boolean;
  readonly logFlood: boolean;
  /** Every connection is answered with bytes that are not HTTP. */
  readonly garbage: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function readKnobs(environment: Environment): Knobs {
  return {
    port: numberOf(environment, 'PORT', 8080, 65_535),
    host: environment['HOST'] ?? '127.0.0.1',
    startDelayMs: numberOf(environment, 'START_DELAY_MS'),
    healthDelayMs: numberOf(environment, 'HEALTH_DELAY_MS'),
    latencyMs: numberOf(environment, 'LATENCY_MS'),
    failStatus: numberOf(environment, 'FAIL_STATUS', 0, 599),
    failRate: numberOf(environment, 'FAIL_RATE', 0, 1),
    exitAfterMs: numberOf(environment, 'EXIT_AFTER_MS'),
    exitAtStart: environment['EXIT_AT_START'] === '1',
    neverListen: environment['NEVER_LISTEN'] === '1',
    ignoreSigterm: environment['IGNORE_SIGTERM'] === '1',
    logFlood: environment['LOG_FLOOD'] === '1',
    garbage: environment['GARBAGE'] === '1',
  };
}

// The longest a Node timer can wait.
const MAX_DELAY_MS = 2 ** 31 - 1;

function numberOf(environment: Environment, name: string, absent = 0, max = MAX_DELAY_MS): number {
  const text = environment[name];
  if (text === undefined || text === '') return absent;
  const value = Number(text);
  if (!(value >= 0 && value <= max)) {
    throw new Error(`${name} is "${text}"; it takes a number from 0 to ${max}`);
  }
  return value;
}
