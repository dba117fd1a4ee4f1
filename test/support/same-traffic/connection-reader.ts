import type { Socket } from 'node:net';

/** Reads a connection in parts. Written as simply as can be: what it reads is held against our codec. */
export class ConnectionReader {
  readonly #socket: Socket;
  #kept = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      this.#kept = Buffer.concat([this.#kept, bytes]);
      if (this.#kept.length > 1 << 16) socket.pause();
      this.#wake?.();
    });
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.#ended = true;
        this.#wake?.();
      });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** All up to the end of `mark`; null when the connection ends before. */
  async through(mark: string): Promise<Buffer | null> {
    for (;;) {
      const at = this.#kept.indexOf(mark);
      if (at !== -1) return this.#take(at + mark.length);
      if (!(await this.#more())) return null;
    }
  }

  /** The next `count` bytes; fewer when the connection ends before. */
  async bytes(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let left = count;
    while (left > 0) {
      if (this.#kept.length === 0 && !(await this.#more())) break;
      const part = this.#take(Math.min(left, this.#kept.length));
      left -= part.length;
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  /** Head lines in lower case up to the colon; null when the connection ends before. */
  async head(): Promise<{ first: string; fields: Map<string, string> } | null> {
    const text = (await this.through('\r\n\r\n'))?.toString('latin1');
    if (text === undefined) return null;
    const [first = '', ...lines] = text.trimEnd().split('\r\n');
    return { first, fields: fieldsOf(lines) };
  }

  /** A body in chunks, and its trailers. `whole` is false when it was cut off, or is none. */
  async chunks(): Promise<{ body: Buffer; trailers: Map<string, string>; whole: boolean }> {
    const parts: Buffer[] = [];
    const cut = () => ({ body: Buffer.concat(parts), trailers: new Map<string, string>(), whole: false });
    for (;;) {
      const line = (await this.through('\r\n'))?.toString('latin1');
      if (line === undefined) return cut();
      const size = Number.parseInt(line, 16);
      if (!(size >= 0)) return cut();
      if (size === 0) break;
      const part = await this.bytes(size);
      parts.push(part);
      if (part.length < size || (await this.bytes(2)).toString() !== '\r\n') return cut();
    }
    const lines: string[] = [];
    for (;;) {
      const line = (await this.through('\r\n'))?.toString('latin1');
      if (line === undefined) return cut();
      if (line === '\r\n') return { body: Buffer.concat(parts), trailers: fieldsOf(lines), whole: true };
      lines.push(line.trimEnd());
    }
  }

  #take(count: number): Buffer {
    const taken = this.#kept.subarray(0, count);
    this.#kept = this.#kept.subarray(count);
    if (this.#kept.length <= 1 << 16) this.#socket.resume();
    return taken;
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const before = this.#kept.length;
    this.#socket.resume();
    while (this.#kept.length === before && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#kept.length > before;
  }
}

function fieldsOf(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}
