import { open, readFile, rename, stat, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkerLog } from '../../ports/driver.ts';

/**
 * A worker's output. A process writes to `log` itself, opened for appending, so no restart of ours
 * breaks its pipes; of a container it is copied from the engine. Past its limit the newest half moves to
 * `log.1` (whose former content is dropped) and `log` is cut to nothing.
 *
 *   log.dropped  how many bytes are gone
 *   log.1        older output
 *   log          newer output, appended to
 */
const LOG = 'log';
const OLDER = 'log.1';
const DROPPED = 'log.dropped';

const CHUNK_BYTES = 256 * 1024;
/** Cuts are 50 ms apart at the least, so the second look already succeeds unless the disk stands still. */
const READ_ATTEMPTS = 3;

export function logPath(folder: string): string {
  return join(folder, LOG);
}

/** True when it was past its limit and was cut. */
export async function boundLog(folder: string, limitBytes: number): Promise<boolean> {
  const path = logPath(folder);
  const sizeBytes = await sizeOf(path);
  if (sizeBytes <= limitBytes) return false;
  const keepBytes = Math.floor(limitBytes / 2);
  const draft = join(folder, `${OLDER}.${process.pid}.draft`);
  await writeFile(draft, '');
  const source = await open(path, 'r');
  const target = await open(draft, 'a');
  const from = sizeBytes - keepBytes;
  /** Written faster than it could be copied. */
  let missedBytes = 0;
  try {
    const copiedBytes = await copyToEnd(source, target, from, from + limitBytes);
    // Another server's spawner cut it in this moment: what it kept must not be replaced by nothing.
    if (copiedBytes === 0) return false;
    missedBytes = Math.max(0, (await sizeOf(path)) - from - copiedBytes);
    // What the worker writes between the size and this is lost, uncounted: a few microseconds.
    await truncate(path, 0);
  } finally {
    await source.close();
    await target.close();
  }
  const gone = (await droppedBytes(folder)) + (await sizeOf(join(folder, OLDER))) + from + missedBytes;
  await rename(draft, join(folder, OLDER));
  // Whole: a reader that met it half written would count from nothing.
  const dropped = join(folder, `${DROPPED}.${process.pid}.draft`);
  await writeFile(dropped, String(gone));
  await rename(dropped, join(folder, DROPPED));
  return true;
}

/** Goes on while the file grows, so that nothing between two looks is missed, but not past `limit`. */
async function copyToEnd(
  source: FileHandle,
  target: FileHandle,
  from: number,
  limit: number,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let at = from;
  while (at < limit) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, limit - at), at);
    if (bytesRead === 0) break;
    await target.write(buffer, 0, bytesRead);
    at += bytesRead;
  }
  return at - from;
}

/**
 * The newest `maxBytes` of both files, whole characters only; null when the worker has no log here.
 * The spawner may cut the log meanwhile. Read in the order in which output ages, a part can then be
 * given a place before its own, never one behind it: who follows the log misses nothing by that.
 */
export async function readLog(folder: string, maxBytes: number): Promise<WorkerLog | null> {
  for (let attempt = 1; ; attempt += 1) {
    const gone = await droppedBytes(folder);
    const older = await readTail(join(folder, OLDER), maxBytes);
    const newer = await readTail(logPath(folder), maxBytes);
    if (newer === null) return null;
    const cutMeanwhile = (await droppedBytes(folder)) !== gone;
    if (cutMeanwhile && attempt < READ_ATTEMPTS) continue;
    const all = older === null ? newer.bytes : Buffer.concat([older.bytes, newer.bytes]);
    const kept = all.subarray(Math.max(0, all.length - maxBytes));
    const from = firstWholeCharacter(kept);
    const endBytes = gone + (older?.endBytes ?? 0) + newer.endBytes;
    return {
      text: kept.subarray(from, lastWholeCharacter(kept)).toString('utf8'),
      droppedBytes: endBytes - kept.length + from,
    };
  }
}

/** Bytes of a character whose beginning was cut off would read as garbage. */
function firstWholeCharacter(bytes: Buffer): number {
  let at = 0;
  while (at < 3 && at < bytes.length && isContinuation(bytes[at])) at += 1;
  return at;
}

/** A character of which the worker has written the first bytes only is left to the next look. */
function lastWholeCharacter(bytes: Buffer): number {
  let at = bytes.length - 1;
  while (at > bytes.length - 3 && isContinuation(bytes[at])) at -= 1;
  const lead = bytes[at] ?? 0;
  const wantedBytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return wantedBytes > bytes.length - at ? Math.max(0, at) : bytes.length;
}

function isContinuation(byte: number | undefined): boolean {
  return ((byte ?? 0) & 0xc0) === 0x80;
}

interface Tail {
  readonly bytes: Buffer;
  /** Where it ends in its file. */
  readonly endBytes: number;
}

async function readTail(path: string, maxBytes: number): Promise<Tail | null> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const sizeBytes = (await file.stat()).size;
    const wantedBytes = Math.max(0, Math.min(maxBytes, sizeBytes));
    const buffer = Buffer.alloc(wantedBytes);
    const { bytesRead } = await file.read(buffer, 0, wantedBytes, sizeBytes - wantedBytes);
    return { bytes: buffer.subarray(0, bytesRead), endBytes: sizeBytes - wantedBytes + bytesRead };
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function droppedBytes(folder: string): Promise<number> {
  try {
    return Number(await readFile(join(folder, DROPPED), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
