import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WORKERS_FOLDER } from './process-world.ts';

/** A line of a noting worker: see the fixture. */
export interface Note {
  readonly event: 'start' | 'begin' | 'end' | 'stop';
  /** Of the monotonic clock that all processes share. */
  readonly atMs: number;
  /** Requests it holds, this one included. */
  readonly running: number;
  readonly pid: number;
  readonly port: number;
  readonly endpoint: string;
  readonly worker: string;
  readonly revision: number;
  readonly devices: readonly string[];
}

/** What a noting worker answers. */
export type NotingAnswer = Omit<Note, 'event' | 'atMs' | 'running'>;

/** The file that the noting workers of one test write to, and the fields that make an endpoint of them. */
export class Notes {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Notes> {
    return new Notes(await mkdtemp(join(tmpdir(), 'pilotlight-notes-')));
  }

  /** Part of a create or update body. */
  get fields() {
    return {
      image: `host:${WORKERS_FOLDER}`,
      entrypoint: `'${process.execPath}'`,
      command: 'noting.mjs',
      envs: [{ key: 'NOTES', value: this.#file }],
      health_check: { path: '/healthz' },
    };
  }

  async read(): Promise<Note[]> {
    const text = await readFile(this.#file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    // What follows the last line end is a line still being written.
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Note)
      .sort((a, b) => a.atMs - b.atMs);
  }

  /** Looks until the notes hold what is asked for. Bounded by the test's own time-out. */
  async until(holds: (notes: readonly Note[]) => boolean, signal: AbortSignal): Promise<Note[]> {
    for (;;) {
      const notes = await this.read();
      if (holds(notes)) return notes;
      if (signal.aborted) throw new Error(`not noted; the last notes: ${JSON.stringify(notes.slice(-20))}`);
      await new Promise((resume) => setTimeout(resume, 20));
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #file(): string {
    return join(this.#folder, 'notes');
  }
}

/** Lets the requests end that this worker holds. It is asked at its own port, past the gateway. */
export async function release(worker: { readonly port: number }): Promise<void> {
  await fetch(`http://127.0.0.1:${worker.port}/release`, { headers: { connection: 'close' } });
}
