import type { Route, Upstreams } from './upstreams.ts';

/** Where requests go on one way through one proxy. */
export interface Target {
  readonly port: number;
  /** Before the path that the program sees the end of. */
  readonly prefix: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a proxy stands on. */
export interface Ground {
  readonly folder: string;
  readonly upstreams: Upstreams;
  readonly apiKey: string;
  /** How many programs ours is to start on each way. */
  readonly programs: number;
}

/** A proxy that runs, pinned to its core. */
export interface OpenSubject {
  readonly name: string;
  target(route: Route): Target;
  /** The processes whose time and memory are its cost. */
  pids(): readonly number[];
  close(): Promise<void>;
}

/** A proxy that can be measured. */
export interface Subject {
  readonly name: string;
  readonly ours: boolean;
  /** Whether it refuses a request without a key. */
  readonly checksKey: boolean;
  /** Whether it holds requests while all slots are taken. */
  readonly queues: boolean;
  /** Of ours with several gateway threads: in the measure of what a request costs, and in no other. */
  readonly several?: boolean;
  /** False for one that knows only a request and its answer in the vendor's own form. */
  readonly transparent: boolean;
  /** What has to be installed for it; null when all is there. */
  missing(): string | null;
  open(ground: Ground): Promise<OpenSubject>;
}
