import { createHmac } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { EndpointId } from '../base/ids.ts';
import { SECOND_MS } from '../base/units.ts';
import { deliveryRetryMs } from '../decide/retry/delivery-backoff.ts';
import type { JobStore, WebhookDelivery } from '../ports/job-store.ts';
import type { Log } from '../ports/log.ts';
import type { WebhookSender } from '../ports/webhook-sender.ts';
import { jobHasEnded } from '../model/job-state.ts';
import { jobWire } from '../model/job-wire.ts';
import { deliveryId } from '../model/job.ts';

/** Deliveries that are on their way at once; the others wait in the store. */
const SENDING_MAX = 16;
const SEND_TIMEOUT_MS = 20 * SECOND_MS;
const MESSAGE_MAX = 300;

export interface WebhooksParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: JobStore;
  readonly sender: WebhookSender;
  /** Never leaves the server; each endpoint's secret is made of it. */
  readonly key: Uint8Array;
}

/**
 * Tells the ends of jobs to the addresses their clients gave. What is to be told was stored with the
 * end itself, so it survives a restart; it is told at least once, signed as Standard Webhooks says
 * (https://www.standardwebhooks.com), in no order. Runs beside the jobs and never in their way.
 */
export class Webhooks {
  readonly #parts: WebhooksParts;
  readonly #sending = new Map<string, AbortController>();
  readonly #sent = new Set<Promise<void>>();
  #cancelTimer: (() => void) | null = null;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(parts: WebhooksParts) {
    this.#parts = parts;
  }

  /** What deliveries of this endpoint are signed with, in the form that verifying libraries take. */
  secretOf(endpointId: EndpointId): string {
    return `whsec_${this.#secretBytes(endpointId).toString('base64')}`;
  }

  /** There may be something due. */
  wake(): void {
    if (this.#closed) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    this.#look()
      .catch((error: unknown) => {
        this.#parts.log.error('webhook deliveries could not be read', { error });
        this.#wakeIn(SECOND_MS);
      })
      .finally(() => {
        this.#looking = false;
        if (!this.#again) return;
        this.#again = false;
        this.wake();
      });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    for (const abort of this.#sending.values()) abort.abort();
    await Promise.all(this.#sent);
    await this.#parts.sender.close();
  }

  async #look(): Promise<void> {
    const room = SENDING_MAX - this.#sending.size;
    if (room <= 0) return;
    const nowMs = this.#parts.clock.nowMs();
    // Those on their way are still due in the store.
    const { due, nextDueMs } = await this.#parts.store.deliveryDue(nowMs, SENDING_MAX + room);
    for (const delivery of due) {
      if (this.#closed || this.#sending.size >= SENDING_MAX) return;
      if (!this.#sending.has(delivery.id)) this.#begin(delivery);
    }
    if (nextDueMs !== null) this.#wakeIn(Math.max(0, nextDueMs - nowMs));
  }

  #wakeIn(delayMs: number): void {
    this.#cancelTimer?.();
    if (this.#closed) return;
    this.#cancelTimer = this.#parts.clock.schedule(delayMs, () => {
      this.#cancelTimer = null;
      this.wake();
    });
  }

  #begin(delivery: WebhookDelivery): void {
    const abort = new AbortController();
    this.#sending.set(delivery.id, abort);
    const sent = this.#send(delivery, abort)
      .catch((error: unknown) => {
        this.#parts.log.error('a webhook delivery could not be noted', { jobId: delivery.jobId, error });
      })
      .finally(() => {
        this.#sending.delete(delivery.id);
        this.#sent.delete(sent);
        this.wake();
      });
    this.#sent.add(sent);
  }

  async #send(delivery: WebhookDelivery, abort: AbortController): Promise<void> {
    const { clock, store } = this.#parts;
    const job = await store.jobFind(delivery.jobId);
    // Its result is no longer kept, and the delivery went with it.
    if (job === null) return;
    // Its owner asked for it again: what would be told now is another run, which tells its own end.
    if (deliveryId(job) !== delivery.id || !jobHasEnded(job.state)) {
      const message = 'the job was asked for again before this was told';
      await store.deliveryUpdate({ ...delivery, state: 'failed', message });
      return;
    }
    const body = jobWire(job, null, 'v2');
    const cancel = clock.schedule(SEND_TIMEOUT_MS, () => abort.abort());
    let message = '';
    try {
      const headers = this.#headers(delivery, body);
      const status = await this.#parts.sender.send({ url: delivery.url, headers, body }, abort.signal);
      message = `answered with ${status}`;
      if (status >= 200 && status < 300) {
        await store.deliveryUpdate({ ...delivery, tries: delivery.tries + 1, state: 'delivered', message });
        return;
      }
    } catch (error) {
      // Not its failure: the next start tells it again.
      if (this.#closed) return;
      const timedOut = abort.signal.aborted;
      message = timedOut ? `no answer within ${SEND_TIMEOUT_MS / 1_000} s` : wordsOf(error);
    } finally {
      cancel();
    }
    await this.#retry(delivery, message);
  }

  async #retry(delivery: WebhookDelivery, message: string): Promise<void> {
    const { clock, random, log, store } = this.#parts;
    const tries = delivery.tries + 1;
    const waitMs = deliveryRetryMs(tries, random.next());
    const state = waitMs === null ? 'failed' : 'due';
    if (state === 'failed') log.warn('a webhook was given up', { jobId: delivery.jobId, message });
    await store.deliveryUpdate({
      ...delivery,
      tries,
      state,
      message,
      dueAtMs: clock.nowMs() + (waitMs ?? 0),
    });
  }

  #headers(delivery: WebhookDelivery, body: string): Readonly<Record<string, string>> {
    const timestamp = String(Math.floor(this.#parts.clock.nowMs() / 1_000));
    const signature = createHmac('sha256', this.#secretBytes(delivery.endpointId))
      .update(`${delivery.id}.${timestamp}.${body}`)
      .digest('base64');
    return {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'pilotlight',
      'webhook-id': delivery.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    };
  }

  #secretBytes(endpointId: EndpointId): Buffer {
    return createHmac('sha256', this.#parts.key).update(`webhook:${endpointId}`).digest();
  }
}

function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_MAX);
}
