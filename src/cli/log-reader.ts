import type { Client } from '../client/client.ts';

/** The most the server gives at a time. */
const WINDOW_BYTES = 1_048_576;

/**
 * Reads a growing log part by part. The API gives its end only, and how many bytes lie before; so a
 * position is a count of bytes from the very beginning, and a new part is what lies behind the last.
 */
export class LogReader {
  readonly #client: Client;
  readonly #endpointId: string;
  readonly #workerId: string;
  #readBytes = 0;
  /** What comes at once is small; a burst is read with as wide a window as there is. */
  #windowBytes = 65_536;

  constructor(client: Client, endpointId: string, workerId: string) {
    this.#client = client;
    this.#endpointId = endpointId;
    this.#workerId = workerId;
  }

  /** What is new, and how many bytes before it were not read. */
  async read(tailBytes = this.#windowBytes): Promise<{ text: string; skippedBytes: number }> {
    const part = await this.#tail(tailBytes);
    const gap = part.startsAt - this.#readBytes;
    if (gap > 0 && this.#readBytes > 0 && tailBytes < WINDOW_BYTES) {
      this.#windowBytes = WINDOW_BYTES;
      return this.read(WINDOW_BYTES);
    }
    const fresh = gap >= 0 ? part.bytes : part.bytes.subarray(-gap);
    this.#readBytes = Math.max(this.#readBytes, part.startsAt + part.bytes.length);
    return { text: fresh.toString('utf8'), skippedBytes: Math.max(0, gap) };
  }

  async #tail(tailBytes: number): Promise<{ startsAt: number; bytes: Buffer }> {
    const { answer, headers } = await this.#client.callWithHeaders('getWorkerLog', {
      path: { endpoint_id: this.#endpointId, worker_id: this.#workerId },
      query: { tail_bytes: tailBytes },
    });
    return {
      startsAt: Number(headers.get('x-pilotlight-dropped-bytes') ?? 0),
      bytes: Buffer.from(answer, 'utf8'),
    };
  }
}
