import { createInterface } from 'node:readline';
import { sleep, type Clock } from '../../base/clock.ts';
import { SECOND_MS } from '../../base/units.ts';
import type { Log } from '../../ports/log.ts';
import { INSTANCE_LABEL } from './container-labels.ts';
import type { EngineClient } from './engine-client.ts';

const RECONNECT_MS = { first: 100, last: 2 * SECOND_MS };
/** Podman may send the head of its answer with the first event only. */
const OPENED_MS = 500;
/** Longer than any event of ours. */
const LINE_LIMIT = 1024 * 1024;
const NEVER_MS = 2 ** 31 - 1;

export interface EngineEventsListener {
  /** A container of this server ended, or was removed while it ran. `exitCode` null: not told. */
  containerEnded(containerId: string, exitCode: number | null): void;
  /** From now on events come; whatever happened before was not told. */
  opened(): void;
}

interface EngineEvent {
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
}

/** Ends of containers as the engine tells them, over one connection that is made anew when it breaks. */
export class EngineEvents {
  readonly #engine: EngineClient;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #path: string;
  readonly #listener: EngineEventsListener;
  /** Resolves when the loop has ended. */
  #ended: Promise<void> | null = null;

  constructor(
    engine: EngineClient,
    instance: string,
    { clock, log }: { readonly clock: Clock; readonly log: Log },
    listener: EngineEventsListener,
  ) {
    this.#engine = engine;
    this.#clock = clock;
    this.#log = log;
    this.#listener = listener;
    const filters = {
      type: ['container'],
      event: ['die', 'died', 'destroy', 'remove'],
      label: [`${INSTANCE_LABEL}=${instance}`],
    };
    this.#path = `/events?filters=${encodeURIComponent(JSON.stringify(filters))}`;
  }

  begin(): void {
    this.#ended ??= this.#run();
  }

  /** After the engine's client was closed. */
  async end(): Promise<void> {
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { closed } = this.#engine;
    let pauseMs = RECONNECT_MS.first;
    while (!closed.aborted) {
      try {
        await this.#read();
        pauseMs = RECONNECT_MS.first;
        this.#log.warn('the container engine closed its events; asking again');
      } catch (error) {
        if (closed.aborted) return;
        this.#log.warn('the events of the container engine cannot be read; asking again', { error });
        pauseMs = Math.min(pauseMs * 2, RECONNECT_MS.last);
      }
      await sleep(this.#clock, pauseMs, closed).catch(() => undefined);
    }
  }

  async #read(): Promise<void> {
    const connecting = this.#engine.stream({ method: 'GET', path: this.#path, timeoutMs: NEVER_MS });
    const cancel = this.#clock.schedule(OPENED_MS, () => this.#listener.opened());
    let stream: NodeJS.ReadableStream;
    try {
      stream = await connecting;
    } finally {
      cancel();
    }
    this.#listener.opened();
    const lines = createInterface({ input: stream });
    // An error of the stream ends the lines, and is told here alone.
    let fault: Error | null = null;
    stream.once('error', (error: Error) => {
      fault = error;
      lines.close();
    });
    for await (const line of lines) if (line.length < LINE_LIMIT) this.#take(line);
    if (fault !== null) throw fault as Error;
  }

  #take(line: string): void {
    const event = parse(line);
    const id = event?.Actor?.ID;
    if (id === undefined) return;
    const code = Number(event?.Actor?.Attributes?.['exitCode'] ?? Number.NaN);
    const ends = event?.Action === 'die' || event?.Action === 'died';
    this.#listener.containerEnded(id, ends && Number.isInteger(code) ? code : null);
  }
}

function parse(line: string): EngineEvent | null {
  try {
    return JSON.parse(line) as EngineEvent;
  } catch {
    // Half a line of a connection that broke.
    return null;
  }
}
