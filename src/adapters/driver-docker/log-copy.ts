import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SECOND_MS } from '../../base/units.ts';
import { boundLog, logPath } from '../worker-files/worker-log.ts';
import type { EngineClient } from './engine-client.ts';
import { LOG_START, LogFrames, UnreadFrames, type LogPosition } from './log-frames.ts';

const POSITION_FILE = 'log.position';
const WRITE_BYTES = 256 * 1024;
/** The end of a worker is told once its output is copied. */
const SILENCE_MS = 10 * SECOND_MS;

/**
 * Copies what a container wrote since the last copy to the worker's log files. Done when somebody looks
 * and when it ends, not all the time: in between the engine keeps it, and output beyond what the engine
 * keeps is lost uncounted. The copy outlives the container, which goes as soon as it ended.
 */
export class LogCopy {
  readonly #engine: EngineClient;
  readonly #limitBytes: number;
  /** The copy under way of each folder, or the last one: two of one log would mix. */
  readonly #copies = new Map<string, Promise<void>>();

  constructor(engine: EngineClient, limitBytes: number) {
    this.#engine = engine;
    this.#limitBytes = limitBytes;
  }

  async copy(containerId: string, folder: string): Promise<void> {
    const before = this.#copies.get(folder) ?? Promise.resolve();
    const copy = before.catch(() => undefined).then(async () => await this.#copy(containerId, folder));
    this.#copies.set(folder, copy);
    try {
      await copy;
    } finally {
      if (this.#copies.get(folder) === copy) this.#copies.delete(folder);
    }
  }

  async #copy(containerId: string, folder: string): Promise<void> {
    const unread = new UnreadFrames(await readPosition(folder));
    const frames = new LogFrames();
    const { sinceSecond } = unread.position;
    const stream = await this.#engine.stream({
      method: 'GET',
      path: `/containers/${containerId}/logs?stdout=1&stderr=1&timestamps=1&since=${sinceSecond}`,
    });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let parts: Buffer[] = [];
    let bytes = 0;
    const silence = this.#engine.silenceOf(stream, SILENCE_MS);
    try {
      for await (const chunk of stream) {
        silence.heard();
        for (const frame of frames.take(chunk as unknown as Buffer)) {
          if (!unread.isUnread(frame)) continue;
          parts.push(frame.payload);
          bytes += frame.payload.length;
        }
        if (bytes < WRITE_BYTES) continue;
        await this.#write(folder, parts, unread.position);
        parts = [];
        bytes = 0;
      }
    } finally {
      silence.end();
    }
    if (bytes > 0) await this.#write(folder, parts, unread.position);
  }

  /** The position last: after a crash in between lines are there twice, and none is missing. */
  async #write(folder: string, parts: readonly Buffer[], position: LogPosition): Promise<void> {
    await appendFile(logPath(folder), Buffer.concat(parts));
    await boundLog(folder, this.#limitBytes);
    const draft = join(folder, `${POSITION_FILE}.draft`);
    await writeFile(draft, `${position.sinceSecond} ${position.frames}`);
    await rename(draft, join(folder, POSITION_FILE));
  }
}

async function readPosition(folder: string): Promise<LogPosition> {
  try {
    const text = await readFile(join(folder, POSITION_FILE), 'utf8');
    const [, sinceSecond, frames] = /^(\d+) (\d+)$/.exec(text) ?? [];
    return sinceSecond === undefined
      ? LOG_START
      : { sinceSecond: BigInt(sinceSecond), frames: Number(frames) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return LOG_START;
    throw error;
  }
}
