import { AppError } from '../base/errors.ts';
import type { EndpointEvent } from '../model/endpoint-event.ts';
import type { EventReader } from '../ports/endpoint-service.ts';
import { clip } from './rollout-record.ts';

/** Events that are kept of each endpoint; in memory alone, so a restart of the server begins anew. */
const EVENTS_KEPT = 500;
/** Who follows one endpoint's events at the same time, at most. */
const READERS_MAX = 32;
/** Ids of one server's life begin where an earlier one's cannot have come to: at a hundred for each millisecond since 1970. */
const IDS_A_MILLISECOND = 100;

export type NewEvent = Pick<EndpointEvent, 'kind' | 'code' | 'message'> &
  Partial<Pick<EndpointEvent, 'revision' | 'workerId' | 'facts'>>;

/** What was decided about one endpoint lately, and who follows it. */
export class EndpointEvents {
  /** Null before the first. */
  #ring: EndpointEvent[] | null = null;
  /** Null while nobody follows them. */
  #readers: Set<EventReader> | null = null;
  #nextId: number;

  constructor(nowMs: number) {
    this.#nextId = Math.floor(nowMs) * IDS_A_MILLISECOND;
  }

  note(nowMs: number, event: NewEvent): void {
    const noted: EndpointEvent = {
      id: this.#nextId,
      atMs: nowMs,
      revision: null,
      workerId: null,
      facts: {},
      ...event,
      message: clip(event.message),
    };
    this.#nextId += 1;
    const ring = (this.#ring ??= []);
    ring.push(noted);
    if (ring.length > EVENTS_KEPT) ring.shift();
    for (const reader of this.#readers ?? []) reader.onEvent(noted);
  }

  /** Those behind `id`, oldest first; null, or an id that is yet to come: all that are kept. */
  after(id: number | null): readonly EndpointEvent[] {
    const ring = this.#ring ?? [];
    return id === null || id >= this.#nextId ? [...ring] : ring.filter((event) => event.id > id);
  }

  /** Whether events behind `id` are no longer kept, or were another server's. */
  missedAfter(id: number): boolean {
    // One that is yet to come was given by a server whose clock was ahead of this one's.
    if (id >= this.#nextId) return true;
    const oldest = this.#ring?.[0];
    return oldest !== undefined && id < oldest.id - 1;
  }

  /** Tells every event from now on, in the turn in which it is noted; returns how to stop. Throws EVENT_READERS_LIMIT. */
  follow(reader: EventReader): () => void {
    const readers = (this.#readers ??= new Set());
    if (readers.size >= READERS_MAX) {
      throw new AppError(
        'EVENT_READERS_LIMIT',
        `${READERS_MAX} readers follow the events of this endpoint, which is the limit; close one, or read them page by page.`,
      );
    }
    readers.add(reader);
    return () => {
      readers.delete(reader);
    };
  }

  /** The endpoint is gone: nothing comes any more. */
  close(): void {
    for (const reader of [...(this.#readers ?? [])]) reader.onEnd();
    this.#readers?.clear();
  }
}
