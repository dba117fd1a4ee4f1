import { hash } from 'node:crypto';
import { seededRandom, type Random } from '../../../src/base/random.ts';

/** How an answer's end is known. */
export type Framing = 'length' | 'chunked' | 'close';

/**
 * What one request and its answer look like, made from its number alone: client, worker and whoever checks
 * them make the same one. Indices and sizes in bytes.
 */
export interface Plan {
  readonly number: number;
  /** Whose answer it is: a worker's, the server's own, or a refusal. */
  readonly to: 'worker' | 'own' | 'refused';
  readonly method: string;
  /** Null for none. */
  readonly body: Buffer | null;
  readonly chunkedRequest: boolean;
  readonly requestTrailer: boolean;
  /** Sends its body only after a 100. */
  readonly expects: boolean;
  readonly status: number;
  readonly framing: Framing;
  readonly answer: Buffer;
  readonly answerTrailer: boolean;
  readonly interim: number;
  /** The worker ends its connection, and says so. */
  readonly closes: boolean;
  /** Answers before it has read the request's body. */
  readonly early: boolean;
  /** Closes with the answer cut off somewhere, or says what is not HTTP. */
  readonly broken: 'no' | 'cut' | 'garbage';
  /** The client leaves when the answer has begun. */
  readonly leaves: boolean;
  readonly lastOfConnection: boolean;
}

const POOL = randomBytes(1 << 20);

export function planOf(number: number): Plan {
  const random = seededRandom(number * 7_919 + 1);
  const pick = <T>(...choices: readonly T[]): T => choices[below(random, choices.length)] as T;
  const method = pick('GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE');
  const to = pick('worker', 'worker', 'worker', 'worker', 'worker', 'worker', 'own', 'refused');
  const takesBody = method === 'POST' || method === 'PUT' || chance(random, 0.05);
  const body = takesBody ? bytesOf(random) : null;
  const chunkedRequest = body !== null && chance(random, 0.5);
  const expects = body !== null && body.length > 0 && chance(random, 0.1);
  const early = to === 'worker' && body !== null && !expects && body.length < 60_000 && chance(random, 0.05);
  const broken =
    to === 'worker' && !early && chance(random, 0.04) ? pick('cut' as const, 'garbage' as const) : 'no';
  const answer = bytesOf(random);
  const framing = pick<Framing>(
    'length',
    'length',
    'chunked',
    'chunked',
    broken === 'no' ? 'close' : 'length',
  );
  return {
    number,
    to,
    method,
    body,
    chunkedRequest,
    requestTrailer: chunkedRequest && chance(random, 0.3),
    expects,
    status: pick(200, 200, 200, 200, 201, 204, 304, 404, 500),
    framing,
    answer,
    answerTrailer: framing === 'chunked' && chance(random, 0.3),
    interim: chance(random, 0.1) ? below(random, 3) : 0,
    closes: framing === 'close' || chance(random, 0.1),
    early,
    broken,
    leaves: broken === 'no' && chance(random, 0.04),
    lastOfConnection: chance(random, 0.1),
  };
}

/** Whether the answer has a body at all. */
export function bodiless(plan: Pick<Plan, 'method' | 'status'>): boolean {
  return plan.method === 'HEAD' || plan.status === 204 || plan.status === 304;
}

export function digest(bytes: Buffer): string {
  return hash('sha1', bytes, 'hex');
}

export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

export function chance(random: Random, share: number): boolean {
  return random.next() < share;
}

/** Cuts `bytes` at places that are close to each other or far apart. */
export function* piecesOf(bytes: Buffer, random: Random): Generator<Buffer> {
  const most = chance(random, 0.2) ? 3 : chance(random, 0.5) ? 2_000 : 200_000;
  for (let at = 0; at < bytes.length;) {
    // Many small ones, and then the rest: a large body byte by byte would take for ever.
    const size = at > 2_000 && most === 3 ? bytes.length : 1 + below(random, most);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** In chunks of all sizes, without the last one. */
export function chunked(bytes: Buffer, random: Random): Buffer {
  const parts: Buffer[] = [];
  for (const piece of piecesOf(bytes, random)) {
    const size = piece.length.toString(16);
    const line = chance(random, 0.1) ? `${size.toUpperCase()};name=value\r\n` : `${size}\r\n`;
    parts.push(Buffer.from(line), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** Mostly small, now and then up to 300 KiB. */
function bytesOf(random: Random): Buffer {
  const most = [0, 100, 100, 5_000, 5_000, 70_000, 300_000][below(random, 7)] as number;
  const size = below(random, most + 1);
  const start = below(random, POOL.length - size);
  return POOL.subarray(start, start + size);
}

function randomBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const random = seededRandom(5);
  for (let at = 0; at < size; at += 4) bytes.writeUInt32LE(below(random, 2 ** 32), at);
  return bytes;
}
