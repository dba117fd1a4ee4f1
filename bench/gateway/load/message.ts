import type { Target } from '../subject.ts';

/** What the load process can be asked for. Times in ms. */
export type Job =
  | {
      readonly kind: 'closed';
      readonly targets: readonly Target[];
      readonly connections: number;
      readonly forMs: number;
    }
  | {
      readonly kind: 'open';
      readonly target: Target;
      readonly connections: number;
      readonly perSecond: number;
      readonly forMs: number;
    }
  | {
      readonly kind: 'events';
      readonly target: Target;
      readonly streams: number;
      readonly everyMs: number;
      readonly forMs: number;
    }
  | {
      readonly kind: 'download' | 'upload';
      readonly target: Target;
      readonly bytes: number;
      readonly bytesPerSecond: number;
      /** Broken off then. */
      readonly forMs: number;
    }
  | {
      readonly kind: 'parked';
      readonly target: Target;
      readonly count: number;
      readonly held: number;
      readonly file: string;
    }
  | { readonly kind: 'sockets'; readonly target: Target; readonly count: number };

/** Named figures; every one is a number. */
export type Figures = Readonly<Record<string, number>>;

/** A place in a job at which it waits until whoever asked for it has looked. */
export type Pause = () => Promise<void>;

export type LoadRequest = { readonly kind: 'run'; readonly job: Job } | { readonly kind: 'goOn' };

export type LoadReply =
  | { readonly kind: 'paused' }
  | { readonly kind: 'done'; readonly figures: Figures }
  | { readonly kind: 'failed'; readonly message: string };
