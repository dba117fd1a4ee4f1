import { gzipSync } from 'node:zlib';
import { UsageError } from './io.ts';
import type { Io } from './io.ts';

/** The server unpacks no more. */
const FILE_BYTES_MAX = 67_108_864;
/** What the API takes. */
const BASE64_MAX = 4_194_304;

/** A trace file as the API takes it: compressed, in base64. What is in it is the server's to judge. */
export async function traceUpload(file: string, io: Io): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await io.readBytes(file, FILE_BYTES_MAX);
  } catch (error) {
    throw new UsageError(`cannot read --trace ${file}: ${(error as Error).message}`);
  }
  // An empty text is no value to the API; an empty file is for it to name.
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b ? bytes : gzipSync(bytes);
  const base64 = Buffer.from(packed).toString('base64');
  if (base64.length > BASE64_MAX) {
    throw new UsageError(
      `--trace ${file} has ${packed.length} bytes when compressed; at most ${(BASE64_MAX / 4) * 3} are taken. Cut it, or take every n-th request`,
    );
  }
  return base64;
}
