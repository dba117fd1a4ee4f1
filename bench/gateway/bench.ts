import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { checkSubject } from './check.ts';
import { LoadProcess } from './load/load-process.ts';
import { cpuMs, openFileLimit } from './proc.ts';
import type { Ground, OpenSubject, Subject, Target } from './subject.ts';
import { Upstreams } from './upstreams.ts';

/** How much of each there is. */
export interface BenchSize {
  readonly rounds: number;
  readonly roundMs: number;
  /** How long each proxy is under full load before what costs most is measured: compilers of hot code take seconds. */
  readonly warmUpMs: number;
  /** Programs behind each proxy, for each of their kinds. */
  readonly programs: number;
  /** Few that say much, and many that say little. */
  readonly streams: readonly [number, number];
  readonly parkedRequests: number;
  readonly sockets: number;
  readonly endpoints: number;
  /** How long the slow end of a body is watched. */
  readonly slowMs: number;
  /** Every peer in every measure that it can take, not those alone that targets are about. */
  readonly allPeers: boolean;
}

export interface BenchOptions {
  readonly folder: string;
  readonly subjects: readonly Subject[];
  readonly size: BenchSize;
  readonly onSkip: (name: string, why: string) => void;
}

const SETTLE_LIMIT_MS = 20_000;
const SETTLE_LOOK_MS = 200;
/** On a busy machine a proxy with work to do may not run for one look. */
const SETTLE_LOOKS = 3;
/** A proxy that uses a core for less than this share is done with what it was given. */
const SETTLED_SHARE = 0.03;
/** Files that a proxy, or the load, needs beside one for each connection. */
const OTHER_FILES = 800;
/** Names no user: every server here lives as long as the bench. */
const API_KEY = 'a-key-for-this-bench-only';

/** The proxies that run, the programs behind them, and the load. */
export class Bench {
  readonly options: BenchOptions;
  readonly load: LoadProcess;
  readonly #ground: Ground;
  readonly #known: Subject[] = [];
  readonly #open: OpenSubject[] = [];
  #opened = 0;

  private constructor(options: BenchOptions, upstreams: Upstreams) {
    this.options = options;
    this.load = new LoadProcess();
    this.#ground = { folder: options.folder, upstreams, apiKey: API_KEY, programs: options.size.programs };
  }

  /** Starts all that can run here, and checks each. A peer that fails its check is skipped; ours throws. */
  static async open(options: BenchOptions): Promise<Bench> {
    const bench = new Bench(options, await Upstreams.start(options.folder, options.size.programs));
    try {
      for (const subject of options.subjects) {
        const missing = subject.missing();
        if (missing !== null) {
          options.onSkip(subject.name, `not installed: ${missing}`);
          continue;
        }
        try {
          bench.#open.push(await bench.#start(subject));
          bench.#known.push(subject);
        } catch (error) {
          if (subject.ours) throw error;
          options.onSkip(subject.name, `not as it should be: ${(error as Error).message.split('\n')[0]}`);
        }
      }
    } catch (error) {
      await bench.close();
      throw error;
    }
    return bench;
  }

  /** Those that run and are what the measure asks for. */
  subjects(wanted: (subject: Subject) => boolean = () => true): readonly OpenSubject[] {
    return this.#open.filter((_, index) => wanted(this.#known[index] as Subject));
  }

  known(wanted: (subject: Subject) => boolean): readonly Subject[] {
    return this.#known.filter(wanted);
  }

  /** No proxy at all: one plain program. */
  get direct(): { readonly name: string; target(): Target } {
    const port = this.#ground.upstreams.ports('plain')[0] ?? 0;
    return { name: 'direct', target: () => ({ port, prefix: '/plain', headers: {} }) };
  }

  /** A new one of its kind for one measure: memory says little of a process that has served before. */
  async fresh<Result>(subject: Subject, use: (opened: OpenSubject) => Promise<Result>): Promise<Result> {
    const opened = await this.#start(subject);
    try {
      return await use(opened);
    } finally {
      await opened.close();
    }
  }

  /** How many connections a proxy can hold here, at `filesEach` files for one. */
  connections(wanted: number, filesEach: number): number {
    return Math.min(wanted, Math.floor((openFileLimit() - OTHER_FILES) / filesEach));
  }

  /** Resolves when the proxy has done what it was given. */
  async settled(subject: OpenSubject): Promise<void> {
    const limitMs = performance.now() + SETTLE_LIMIT_MS;
    for (let quiet = 0; quiet < SETTLE_LOOKS;) {
      const before = cpuMs(subject.pids());
      await wait(SETTLE_LOOK_MS);
      quiet = cpuMs(subject.pids()) - before < SETTLE_LOOK_MS * SETTLED_SHARE ? quiet + 1 : 0;
      if (performance.now() > limitMs) throw new Error(`${subject.name} does not come to rest`);
    }
  }

  async close(): Promise<void> {
    for (const opened of this.#open) await opened.close();
    await this.load.close();
    await this.#ground.upstreams.close();
  }

  async #start(subject: Subject): Promise<OpenSubject> {
    this.#opened += 1;
    const folder = join(this.options.folder, String(this.#opened));
    await mkdir(folder);
    const opened = await subject.open({ ...this.#ground, folder });
    try {
      await checkSubject(subject, opened);
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }
}
