import type { Random } from '../../src/base/random.ts';
import type { SimulatedAnswer } from '../../src/simulate/request-flight.ts';

/** How a revision is bad. */
export interface Fault {
  readonly name: string;
  /** The behaviour of its workers; see `worker-behaviour.ts`. */
  readonly command: string;
  /** What it makes of a sound answer; `count`: answers it gave before. */
  answer(sound: SimulatedAnswer, random: Random, count: number): SimulatedAnswer;
  /** Whether an answer of it is bad although it came whole. */
  readonly slow?: boolean;
}

export const START_MS = 5_000;
const START = `start=${START_MS} stop=500`;
const same = (sound: SimulatedAnswer): SimulatedAnswer => sound;

export const SOUND: Fault = { name: 'equally good', command: `${START} again`, answer: same };

export const FAULTS: readonly Fault[] = [
  { name: 'exits at once', command: 'exit', answer: same },
  { name: 'never healthy', command: 'never', answer: same },
  {
    name: '5 % answered 500',
    command: `${START} fails`,
    answer: (sound, random) => (random.next() < 0.05 ? { ...sound, status: 500 } : sound),
  },
  {
    name: '3 times slower',
    command: `${START} slow`,
    slow: true,
    answer: (sound) => ({ ...sound, firstByteMs: 3 * sound.firstByteMs, endMs: 3 * sound.endMs }),
  },
  { name: 'dies after 30 s', command: `${START} dies=${START_MS + 30_000}`, answer: same },
  {
    name: 'cuts every 10th stream',
    command: `${START} cuts`,
    answer: (sound, _random, count) =>
      count % 10 === 9 ? { ...sound, breaks: true, endMs: (sound.firstByteMs + sound.endMs) / 2 } : sound,
  },
  {
    name: 'never answers',
    command: `${START} mute`,
    answer: (sound) => ({ ...sound, firstByteMs: Infinity, endMs: Infinity }),
  },
];
