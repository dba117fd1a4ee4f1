import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { seededRandom } from '../../src/base/random.ts';
import type { Scenario } from './scenarios.ts';

export interface PlannedRequest {
  readonly atMs: number;
  readonly serviceMs: number;
}

export interface LiveTraffic {
  readonly sent: number;
  readonly answered: number;
  /** Of those that were answered, as the gateway told it. */
  readonly waitsMs: readonly number[];
  /** Milliseconds of `performance.now()`. */
  readonly firstSentMs: number;
  readonly lastEndedMs: number;
}

/** A first request comes so long before the others: a simulation knows start times, so the server shall too. */
const LEAD_MS = 10_000;

/** Arrivals that are calm and burst in turns, each at random; the same for the same seed. */
export function planTraffic(scenario: Scenario, durationMs: number, seed: number): PlannedRequest[] {
  const random = seededRandom(seed);
  const exponential = (mean: number): number => -Math.log(1 - random.next()) * mean;
  const planned: PlannedRequest[] = [{ atMs: 0, serviceMs: scenario.serviceMs }];
  let atMs = LEAD_MS;
  let bursting = false;
  let phaseEndMs = atMs + exponential(scenario.calmSeconds * 1_000);
  for (;;) {
    const gapMs = exponential(1_000 / (bursting ? scenario.burstRate : scenario.calmRate));
    if (atMs + gapMs > phaseEndMs) {
      // Memoryless: the next arrival is drawn anew in the next phase.
      atMs = phaseEndMs;
      bursting = !bursting;
      phaseEndMs += exponential((bursting ? scenario.burstSeconds : scenario.calmSeconds) * 1_000);
    } else {
      atMs += gapMs;
      const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
      const serviceMs = Math.round(scenario.serviceMs * Math.exp(scenario.serviceSpread * normal));
      if (atMs <= durationMs) planned.push({ atMs, serviceMs });
    }
    if (atMs > durationMs) return planned;
  }
}

/** Sends each request at its time, whatever became of those before. */
export async function replay(
  planned: readonly PlannedRequest[],
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<LiveTraffic> {
  const agent = new Agent({ keepAlive: true });
  const waitsMs: number[] = [];
  const beganMs = performance.now();
  let firstSentMs = Infinity;
  let lastEndedMs = 0;
  const running: Promise<void>[] = [];
  try {
    for (const { atMs, serviceMs } of planned) {
      const inMs = beganMs + atMs - performance.now();
      if (inMs > 0) await wait(inMs, undefined, { signal });
      signal.throwIfAborted();
      firstSentMs = Math.min(firstSentMs, performance.now());
      running.push(
        send(`${url}/slow?ms=${serviceMs}`, headers, agent).then((waitedMs) => {
          lastEndedMs = performance.now();
          if (waitedMs !== null) waitsMs.push(waitedMs);
        }),
      );
    }
    await Promise.all(running);
  } finally {
    agent.destroy();
  }
  return { sent: planned.length, answered: waitsMs.length, waitsMs, firstSentMs, lastEndedMs };
}

/** How long it waited for a worker; null when it was not answered with 200. */
async function send(
  url: string,
  headers: Readonly<Record<string, string>>,
  agent: Agent,
): Promise<number | null> {
  return await new Promise((resolve) => {
    const sent = request(url, { agent, headers }, (response) => {
      response.resume();
      response.on('error', () => resolve(null));
      response.on('end', () => {
        const waited = Number(response.headers['x-pilotlight-wait-ms'] ?? Number.NaN);
        resolve(response.statusCode === 200 && Number.isFinite(waited) ? waited : null);
      });
    });
    sent.on('error', () => resolve(null));
    sent.end();
  });
}
