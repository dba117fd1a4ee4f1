export interface LoadSetup {
  readonly workers: number;
  readonly clients: number;
  readonly seed: number;
  /** Of the requests, those whose client leaves without its answer. */
  readonly leaveShare: number;
}

export type LoadOrder = {
  readonly kind: 'run';
  /** Of the gateway. */
  readonly port: number;
  readonly path: string;
  readonly key: string;
  readonly requests: number;
};

export type LoadReport =
  /** Of the workers' servers. */
  | { readonly kind: 'ports'; readonly ports: readonly number[] }
  | { readonly kind: 'progress'; readonly requests: number }
  | ({ readonly kind: 'done' } & LoadCounts);

export interface LoadCounts {
  readonly answered: number;
  /** By their status. */
  readonly refused: Readonly<Record<string, number>>;
  readonly left: number;
  /** Connections that were closed under a request. */
  readonly cut: number;
  /** Requests that were not over after a long time. */
  readonly stuck: number;
  /** What each worker saw at once, at most. */
  readonly most: readonly number[];
}
