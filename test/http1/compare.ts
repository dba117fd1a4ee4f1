import { METHODS } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { seededRandom } from '../../src/base/random.ts';
import { MessageMaker, type Pieces } from './message-maker.ts';
import {
  answerByCodec,
  answerByNode,
  requestsByCodec,
  requestsByNode,
  type Reader,
  type Reading,
} from './readings.ts';

export interface Finding {
  readonly what: string;
  readonly pieces: readonly string[];
  readonly strict: Reading;
  readonly oracle: Reading;
}

/**
 * What the strict reader took must be what the oracle took, message by message. It may refuse more, and
 * stop earlier; it may not take what the oracle refuses, nor read anything differently.
 */
export function difference(strict: Reading, oracle: Reading): string | null {
  for (const [index, message] of strict.messages.entries()) {
    const other = oracle.messages[index];
    if (other === undefined) {
      if (oracle.end === 'stopped' && index > 0) return null;
      if (unknownMethod(message.first[0])) return null;
      return `message ${index + 1} was taken, and the oracle did not take it (${oracle.end}: ${oracle.why})`;
    }
    if (!isDeepStrictEqual(message, other)) return `message ${index + 1} was read differently`;
  }
  return null;
}

/** Node knows a list of methods, and we none: any in capital letters goes to the worker. */
function unknownMethod(method: string | number | undefined): boolean {
  return typeof method === 'string' && !METHODS.includes(method);
}

export interface FuzzOptions {
  readonly seed: number;
  /** When it returns false, no further case is made. */
  goOn(cases: number): boolean;
  /** In the place of the codec, to see that the comparison finds a reader that is too lenient. */
  readonly requestReader?: Reader;
}

export interface FuzzResult {
  readonly cases: number;
  /** Messages that both took; without any the cases prove nothing. */
  readonly taken: number;
  readonly finding: Finding | null;
}

/** Makes messages from the seed and lets both read them, until the first finding. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const maker = new MessageMaker(seededRandom(options.seed));
  let cases = 0;
  let taken = 0;
  while (options.goOn(cases)) {
    cases += 1;
    const method = maker.pick(['requests', 'requests', 'GET', 'HEAD']);
    const pieces = method === 'requests' ? maker.requests() : maker.answers();
    const [strictReader, oracleReader] = readersOf(method, options.requestReader ?? requestsByCodec);
    const strict = await strictReader(pieces);
    const oracle = await oracleReader(pieces);
    taken += strict.messages.length;
    const what = difference(strict, oracle);
    if (what !== null) return { cases, taken, finding: { what, pieces: shown(pieces), strict, oracle } };
  }
  return { cases, taken, finding: null };
}

function readersOf(method: string, requestReader: Reader): readonly [Reader, Reader] {
  if (method === 'requests') return [requestReader, requestsByNode];
  return [answerByCodec(method), answerByNode(method)];
}

function shown(pieces: Pieces): readonly string[] {
  return pieces.map((piece) => piece.toString('latin1'));
}
