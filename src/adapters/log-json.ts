import { destination as fileDestination, pino, type DestinationStream } from 'pino';
import { AppError } from '../base/errors.ts';
import type { Log } from '../ports/log.ts';

export type JsonLogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface JsonLogOptions {
  readonly level: JsonLogLevel;
  /** Takes each line, with its newline. Left out: the standard output. */
  readonly destination?: DestinationStream;
}

/** A reader of our output that stands still must not fill the memory: beyond this, lines are dropped. */
const BUFFER_MAX_BYTES = 16 * 1_048_576;
/** How long lines may wait to be made, and how many. */
const WAITING_MS = 5;
const WAITING_MAX = 1_000;
/** How far `cause` is followed; a chain can be a ring. */
const CAUSES_MAX = 5;
/** Fields of every line, which a fact of the same name would repeat: such a fact gets a `_` behind. */
const LINE_FIELDS = new Set(['level', 'time', 'message']);
const SECRETS = ['authorization', 'Authorization', 'cookie', 'apiKey', 'password', 'token'];

type LineLevel = Exclude<JsonLogLevel, 'silent'>;

interface Line {
  readonly level: LineLevel;
  readonly atMs: number;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * One JSON object a line: `level`, `time` (ISO 8601, UTC), `message`, then the facts. An error among
 * the facts is written with its code, its inside detail, its stack and its causes.
 *
 * Lines for the standard output are made a little later: making one and handing it to the thread that
 * writes takes up to a millisecond on a busy machine, for which a request that wakes a worker would wait
 * twice. A warning or an error is written at once, and what waits with it.
 */
export function createJsonLog(options: JsonLogOptions): Log {
  let lineAtMs = 0;
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(lineAtMs).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: '[redacted]',
      },
    },
    options.destination ?? standardOutput(),
  );
  const make = ({ level, atMs, message, facts }: Line): void => {
    lineAtMs = atMs;
    logger[level](lineFacts(facts), message);
  };
  const take = options.destination === undefined ? later(make) : make;
  const write = (level: LineLevel, message: string, facts: Line['facts']): void => {
    if (logger.isLevelEnabled(level)) take({ level, atMs: Date.now(), message, facts });
  };
  return {
    debug: (message, facts = {}) => write('debug', message, facts),
    info: (message, facts = {}) => write('info', message, facts),
    warn: (message, facts = {}) => write('warn', message, facts),
    error: (message, facts = {}) => write('error', message, facts),
  };
}

/** Passes lines on in a moment, or when the process ends. */
function later(make: (line: Line) => void): (line: Line) => void {
  let waiting: Line[] = [];
  // Not at the end of the turn, when the answer to what it began is there already.
  const plan = (): void => {
    setTimeout(flush, WAITING_MS).unref();
  };
  const flush = (): void => {
    const lines = waiting;
    waiting = [];
    for (const line of lines) make(line);
  };
  // Before the destination, which writes the last of what it was given then.
  process.prependListener('exit', flush);
  return (line) => {
    if (waiting.length === 0) plan();
    waiting.push(line);
    if (line.level === 'warn' || line.level === 'error' || waiting.length >= WAITING_MAX) flush();
  };
}

/** Not synchronous: a full pipe would stop the event loop. What is left is written when the process exits. */
function standardOutput(): DestinationStream {
  const output = fileDestination({ fd: 1, sync: false, maxLength: BUFFER_MAX_BYTES });
  let dropped = 0;
  output.on('drop', () => {
    dropped += 1;
  });
  output.on('drain', () => {
    if (dropped === 0) return;
    const facts = {
      level: 'warn',
      time: new Date().toISOString(),
      message: 'log lines were dropped',
      dropped,
    };
    dropped = 0;
    output.write(`${JSON.stringify(facts)}\n`);
  });
  return output;
}

function lineFacts(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const line: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(facts)) {
    line[LINE_FIELDS.has(name) ? `${name}_` : name] = value instanceof Error ? errorFacts(value) : value;
  }
  return line;
}

function errorFacts(error: Error, depth = 0): Record<string, unknown> {
  const facts: Record<string, unknown> = { name: error.name, message: error.message };
  // Ours, and those of Node and its libraries, which tell most by their code.
  if ('code' in error) facts['code'] = error.code;
  if (error instanceof AppError) {
    if (error.detail !== undefined) facts['detail'] = error.detail;
    if (Object.keys(error.metadata).length > 0) facts['metadata'] = error.metadata;
  }
  facts['stack'] = error.stack;
  if (error instanceof AggregateError && depth < CAUSES_MAX) {
    facts['errors'] = error.errors.slice(0, CAUSES_MAX).map((one) => causeFacts(one, depth));
  }
  if (error.cause !== undefined && depth < CAUSES_MAX) facts['cause'] = causeFacts(error.cause, depth);
  return facts;
}

function causeFacts(cause: unknown, depth: number): unknown {
  return cause instanceof Error ? errorFacts(cause, depth + 1) : cause;
}
