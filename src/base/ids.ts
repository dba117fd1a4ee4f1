import type { Random } from './random.ts';

declare const kind: unique symbol;
/** A string that belongs to one kind of thing; the compiler keeps the kinds apart. */
type Branded<Kind extends string> = string & { readonly [kind]: Kind };

export type EndpointId = Branded<'endpoint'>;
export type WorkerId = Branded<'worker'>;
export type RolloutId = Branded<'rollout'>;
export type OwnerId = Branded<'owner'>;
export type ArrivalChunkId = Branded<'arrivalChunk'>;
export type RequestId = Branded<'request'>;
export type RegistryAuthId = Branded<'registryAuth'>;
export type VolumeId = Branded<'volume'>;
export type PrewarmTaskId = Branded<'prewarmTask'>;
export type JobId = Branded<'job'>;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/**
 * `length` characters of [a-z0-9], the first one a letter: the look of the vendor's newer endpoint
 * ids, and safe as a DNS label, a file name and a container name.
 */
export function newId<Id extends string>(random: Random, length = 12): Id {
  let id = '';
  while (id.length < length) {
    const letters = id.length === 0 ? 26 : ALPHABET.length;
    id += ALPHABET[Math.floor(random.next() * letters)];
  }
  return id as Id;
}

/** All pairs of the alphabet; those that begin with a letter come first. */
const PAIRS = ALPHABET.split('').flatMap((first) => ALPHABET.split('').map((second) => first + second));
const LETTER_PAIRS = 26 * ALPHABET.length;

/** As `newId` of 20 characters makes one, from a quarter of the draws: every request gets one. */
export function newRequestId(random: Random): RequestId {
  let drawn = Math.floor(random.next() * LETTER_PAIRS * PAIRS.length);
  let id = pairsOf(drawn);
  for (let length = 4; length < 20; length += 4) {
    drawn = Math.floor(random.next() * PAIRS.length * PAIRS.length);
    id += pairsOf(drawn);
  }
  return id as RequestId;
}

function pairsOf(drawn: number): string {
  // Whole numbers below 2^31, and told so: the remainder of a fraction takes ten times as long.
  const first = (drawn / PAIRS.length) | 0;
  return (PAIRS[first] as string) + (PAIRS[(drawn | 0) - first * PAIRS.length] as string);
}

/**
 * A UUID of version 7 (RFC 9562): 48 bits of time, the rest chance. Ids made one after the other
 * stand beside each other in an index, and 74 bits of chance cannot be guessed.
 */
export function newUuid<Id extends string>(random: Random, nowMs: number): Id {
  const time = Math.floor(nowMs).toString(16).padStart(12, '0').slice(-12);
  const drawn = (digits: number): string =>
    Math.floor(random.next() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  const variant = '89ab'[Math.floor(random.next() * 4)] ?? '8';
  return `${time.slice(0, 8)}-${time.slice(8)}-7${drawn(3)}-${variant}${drawn(3)}-${drawn(6)}${drawn(6)}` as Id;
}
