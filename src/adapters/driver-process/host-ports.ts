import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/** The kernel's default range of ephemeral ports, for systems that do not tell theirs. */
const DEFAULT_EPHEMERAL: PortRange = { first: 32_768, last: 60_999 };
const LOWEST = 20_000;
const HIGHEST = 65_535;
/** A smaller gap is not worth more than the other side of the ephemeral range. */
const ENOUGH = 2_000;

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Where host ports are taken from: outside the ephemeral range. In it, an outgoing connection may
 * take the port before the worker binds it, and an attempt to connect to a port nobody listens on
 * can connect to itself, which readiness would take for a worker that listens.
 */
export function hostPortRange(ephemeral: PortRange): PortRange {
  const below = { first: LOWEST, last: Math.min(ephemeral.first - 1, HIGHEST) };
  const above = { first: Math.max(ephemeral.last + 1, LOWEST), last: HIGHEST };
  if (size(below) >= ENOUGH) return below;
  if (size(above) >= ENOUGH) return above;
  return { first: LOWEST, last: DEFAULT_EPHEMERAL.first - 1 };
}

export function parseEphemeralRange(text: string): PortRange | null {
  const match = /^\s*(\d+)\s+(\d+)/.exec(text);
  return match === null ? null : { first: Number(match[1]), last: Number(match[2]) };
}

export function readEphemeralRange(): PortRange {
  let text: string;
  try {
    text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return DEFAULT_EPHEMERAL;
    throw error;
  }
  return parseEphemeralRange(text) ?? DEFAULT_EPHEMERAL;
}

function size(range: PortRange): number {
  return range.last - range.first + 1;
}

/** A port that is free because we listen on it ourselves. */
interface HeldPort {
  readonly port: number;
  readonly server: Server;
}

/** Hands out host ports that nobody listens on, each to one worker at a time. */
export class HostPorts {
  readonly #range: PortRange;
  readonly #taken = new Set<number>();
  #held: HeldPort | null = null;
  #holding = false;

  constructor(range: PortRange) {
    this.#range = range;
  }

  /**
   * Walks the range from the place `chance` (in [0, 1)) points at: two servers on one machine, and a
   * server that was just started anew, would otherwise reach for the same ports.
   */
  async take(chance: number): Promise<number> {
    const held = this.#held;
    if (held !== null) {
      this.#held = null;
      // Nobody listens on it any more when this returns.
      held.server.close();
      return held.port;
    }
    const { port, server } = await this.#listen(chance);
    server.close();
    return port;
  }

  /**
   * Has a port ready for the next `take`, which then waits for nothing: to look for one takes longer than
   * all else before a process is spawned. Where none is found, the next `take` looks again, and says so.
   */
  holdNext(chance: number): void {
    if (this.#held !== null || this.#holding) return;
    this.#holding = true;
    this.#listen(chance)
      .then((held) => {
        this.#held = held;
      })
      .catch(() => undefined)
      .finally(() => {
        this.#holding = false;
      });
  }

  async #listen(chance: number): Promise<HeldPort> {
    const total = size(this.#range);
    const offset = Math.floor(chance * total);
    for (let step = 0; step < total; step += 1) {
      const port = this.#range.first + ((offset + step) % total);
      if (this.#taken.has(port)) continue;
      this.#taken.add(port);
      const server = await listenOn(port);
      if (server !== null) return { port, server };
      this.#taken.delete(port);
    }
    throw new Error(`no free port from ${this.#range.first} to ${this.#range.last} on 127.0.0.1`);
  }

  /** Marks a port that a worker of an earlier run holds. */
  keep(port: number): void {
    this.#taken.add(port);
  }

  release(port: number): void {
    this.#taken.delete(port);
  }
}

/** Null where somebody else does. */
function listenOn(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((stranger) => stranger.destroy());
    server.once('error', () => resolve(null));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server.unref()));
  });
}
