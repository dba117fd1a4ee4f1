/** The choice of a program by the peers that bring none: the one with the fewest requests running. */
export class LeastRunning {
  readonly #running: { readonly url: string; count: number }[];

  constructor(ports: string) {
    this.#running = ports.split(',').map((port) => ({ url: `http://127.0.0.1:${port}`, count: 0 }));
  }

  /** The chosen program's URL; call `done` once when the answer has ended. */
  take(): { readonly url: string; readonly done: () => void } {
    const best = this.#running.reduce((best, each) => (each.count < best.count ? each : best));
    best.count += 1;
    return { url: best.url, done: () => void (best.count -= 1) };
  }
}

export function poolsOf(environment: NodeJS.ProcessEnv): Readonly<Record<string, LeastRunning>> {
  const full = new LeastRunning(environment['FULL_PORTS'] ?? '');
  return { plain: new LeastRunning(environment['PLAIN_PORTS'] ?? ''), queued: full, open: full };
}
