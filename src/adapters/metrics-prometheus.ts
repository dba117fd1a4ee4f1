import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { BucketCounts } from '../base/bucket-counts.ts';
import type { EndpointId } from '../base/ids.ts';
import { SECOND_MS } from '../base/units.ts';
import { WORKER_STATES } from '../model/worker-state.ts';
import type { EndpointGauges, Metrics } from '../ports/metrics.ts';

export interface PrometheusMetrics extends Metrics {
  /** All metrics in the text format of Prometheus, with the process's own. */
  read(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** From one millisecond to the longest request_timeout. */
const REQUEST_BUCKETS_SECONDS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600,
];
const COLD_START_BUCKETS_SECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200];
const OVERHEAD_BUCKETS_SECONDS = [
  0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5,
];
/** Different outcomes, or reasons, of one endpoint; there are about 40 of each. The rest is "other". */
const LABEL_VALUES_MAX = 64;
const OTHER = 'other';

/** Each endpoint has its series while it exists; nothing else can make their number grow. */
export function createPrometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return new RegistryMetrics(registry);
}

class RegistryMetrics implements PrometheusMetrics {
  readonly #registry: Registry;
  readonly #requests: EndpointCounter<'outcome'>;
  readonly #decisions: EndpointCounter<'reason'>;
  readonly #starts: Counter<'endpoint'>;
  readonly #failures: Counter<'endpoint'>;
  readonly #arrivalsDropped: Counter;
  readonly #wait: TimeHistogram;
  readonly #duration: TimeHistogram;
  readonly #coldStart: TimeHistogram;
  readonly #overhead: TimeHistogram;
  readonly #gauges: ScrapedGauges;
  /** Those with starts or failures. */
  readonly #endpoints = new Set<EndpointId>();
  #readGauges: (() => readonly EndpointGauges[]) | null = null;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
      new Counter({ name, help, labelNames, registers });
    this.#registry = registry;
    this.#requests = new EndpointCounter(
      counter('pilotlight_requests_total', 'Requests that ended, by what their client saw.', [
        'endpoint',
        'outcome',
      ]),
      'outcome',
    );
    this.#decisions = new EndpointCounter(
      counter('pilotlight_scale_decisions_total', 'Changes of the wanted number of workers, by reason.', [
        'endpoint',
        'reason',
      ]),
      'reason',
    );
    this.#starts = counter('pilotlight_worker_starts_total', 'Workers started.', ['endpoint']);
    this.#failures = counter('pilotlight_worker_failures_total', 'Workers that failed to start or broke.', [
      'endpoint',
    ]);
    this.#arrivalsDropped = counter(
      'pilotlight_arrivals_dropped_total',
      'Requests missing in the record of arrivals: it could not be written fast enough.',
      [],
    );
    this.#wait = new TimeHistogram(
      'pilotlight_request_wait_seconds',
      'From the arrival of a request to its slot on a worker.',
      REQUEST_BUCKETS_SECONDS,
    );
    this.#duration = new TimeHistogram(
      'pilotlight_request_duration_seconds',
      'From the arrival of a request to its end, waiting included.',
      REQUEST_BUCKETS_SECONDS,
    );
    this.#coldStart = new TimeHistogram(
      'pilotlight_cold_start_seconds',
      'From the first request that waited for a worker to its readiness.',
      COLD_START_BUCKETS_SECONDS,
    );
    this.#overhead = new TimeHistogram(
      'pilotlight_forward_overhead_seconds',
      'Time the gateway added to requests that found a free slot.',
      OVERHEAD_BUCKETS_SECONDS,
    );
    this.#gauges = new ScrapedGauges(registry);
  }

  requestEnded(endpointId: EndpointId, outcome: string, waitedMs: number, totalMs: number): void {
    this.#requests.raise(endpointId, outcome);
    this.#wait.note(waitedMs);
    this.#duration.note(totalMs);
  }

  forwardOverhead(overheadMs: number): void {
    this.#overhead.note(overheadMs);
  }

  coldStart(_endpointId: EndpointId, durationMs: number): void {
    this.#coldStart.note(durationMs);
  }

  scaleDecision(endpointId: EndpointId, reason: string): void {
    this.#decisions.raise(endpointId, reason);
  }

  workerStarted(endpointId: EndpointId): void {
    this.#endpoints.add(endpointId);
    this.#starts.inc({ endpoint: endpointId });
  }

  workerFailed(endpointId: EndpointId): void {
    this.#endpoints.add(endpointId);
    this.#failures.inc({ endpoint: endpointId });
  }

  arrivalsDropped(count: number): void {
    this.#arrivalsDropped.inc(count);
  }

  endpointForgotten(endpointId: EndpointId): void {
    this.#endpoints.delete(endpointId);
    this.#requests.forget(endpointId);
    this.#decisions.forget(endpointId);
    this.#starts.remove({ endpoint: endpointId });
    this.#failures.remove({ endpoint: endpointId });
  }

  onScrape(read: () => readonly EndpointGauges[]): void {
    this.#readGauges = read;
  }

  async read(): Promise<{ readonly contentType: string; readonly text: string }> {
    if (this.#readGauges !== null) {
      const endpoints = this.#readGauges();
      this.#gauges.show(endpoints);
      this.#forgetAllBut(new Set(endpoints.map(({ endpointId }) => endpointId)));
    }
    this.#requests.show();
    this.#decisions.show();
    const histograms = [this.#wait, this.#duration, this.#coldStart, this.#overhead];
    const texts = [await this.#registry.metrics(), ...histograms.map((histogram) => histogram.text())];
    return { contentType: this.#registry.contentType, text: texts.join('\n') };
  }

  /** The last requests of a deleted endpoint can end after it was forgotten; their series go here. */
  #forgetAllBut(existing: ReadonlySet<EndpointId>): void {
    const counted = [...this.#endpoints, ...this.#requests.endpoints(), ...this.#decisions.endpoints()];
    for (const endpointId of new Set(counted)) {
      if (!existing.has(endpointId)) this.endpointForgotten(endpointId);
    }
  }
}

/** Raised for every request, and told to the registry's counter at a scrape: counting there costs far more. */
interface Count {
  unshown: number;
}

/** A counter by endpoint and one more label, whose values come from the caller and are bounded here. */
class EndpointCounter<Label extends string> {
  readonly #counter: Counter<'endpoint' | Label>;
  readonly #label: Label;
  readonly #counts = new Map<EndpointId, Map<string, Count>>();

  constructor(counter: Counter<'endpoint' | Label>, label: Label) {
    this.#counter = counter;
    this.#label = label;
  }

  raise(endpointId: EndpointId, value: string): void {
    (this.#counts.get(endpointId)?.get(value) ?? this.#newCount(endpointId, value)).unshown += 1;
  }

  /** Those with a count. */
  endpoints(): Iterable<EndpointId> {
    return this.#counts.keys();
  }

  /** Tells the registry's counter what was counted since it was told last. */
  show(): void {
    for (const [endpointId, counts] of this.#counts) {
      for (const [value, count] of counts) {
        if (count.unshown === 0) continue;
        this.#counter.inc(this.#labels(endpointId, value), count.unshown);
        count.unshown = 0;
      }
    }
  }

  forget(endpointId: EndpointId): void {
    for (const value of this.#counts.get(endpointId)?.keys() ?? []) {
      this.#counter.remove(this.#labels(endpointId, value));
    }
    this.#counts.delete(endpointId);
  }

  #newCount(endpointId: EndpointId, value: string): Count {
    let counts = this.#counts.get(endpointId);
    if (counts === undefined) {
      counts = new Map();
      this.#counts.set(endpointId, counts);
    }
    const shown = counts.size < LABEL_VALUES_MAX ? value : OTHER;
    const count = counts.get(shown) ?? { unshown: 0 };
    counts.set(shown, count);
    return count;
  }

  #labels(endpointId: EndpointId, value: string): Record<'endpoint' | Label, string> {
    return { endpoint: endpointId, [this.#label]: value } as Record<'endpoint' | Label, string>;
  }
}

/** A histogram of times. The registry's own costs some hundred times as much for each value. */
class TimeHistogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bucketsSeconds: readonly number[];
  readonly #countsMs: BucketCounts;

  constructor(name: string, help: string, bucketsSeconds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bucketsSeconds = bucketsSeconds;
    this.#countsMs = new BucketCounts(bucketsSeconds.map((seconds) => seconds * SECOND_MS));
  }

  note(durationMs: number): void {
    this.#countsMs.note(durationMs);
  }

  /** In the text format of Prometheus, whose buckets count all that is not above their bounds. */
  text(): string {
    const name = this.#name;
    const bounds = [...this.#bucketsSeconds.map(String), '+Inf'];
    const counts = this.#countsMs.upTo();
    const buckets = bounds.map((bound, index) => `${name}_bucket{le="${bound}"} ${counts[index]}`);
    return [
      `# HELP ${name} ${this.#help}`,
      `# TYPE ${name} histogram`,
      ...buckets,
      `${name}_sum ${this.#countsMs.sum / SECOND_MS}`,
      `${name}_count ${counts.at(-1)}`,
      '',
    ].join('\n');
  }
}

/** Gauges that are read from the running system at each scrape. */
class ScrapedGauges {
  readonly #queueLength: Gauge<'endpoint'>;
  readonly #oldestWait: Gauge<'endpoint'>;
  readonly #slotsUsed: Gauge<'endpoint'>;
  readonly #slotsTotal: Gauge<'endpoint'>;
  readonly #workers: Gauge<'endpoint' | 'state'>;

  constructor(registry: Registry) {
    const gauge = (name: string, help: string) =>
      new Gauge({ name, help, labelNames: ['endpoint'], registers: [registry] });
    this.#queueLength = gauge('pilotlight_queue_length', 'Requests that wait for a slot.');
    this.#oldestWait = gauge(
      'pilotlight_queue_oldest_wait_seconds',
      'How long the oldest waiting request has waited; 0 when none waits.',
    );
    this.#slotsUsed = gauge('pilotlight_slots_used', 'Slots of ready workers that a request holds.');
    this.#slotsTotal = gauge('pilotlight_slots_total', 'Slots of ready workers.');
    this.#workers = new Gauge({
      name: 'pilotlight_workers',
      help: 'Workers by state.',
      labelNames: ['endpoint', 'state'],
      registers: [registry],
    });
  }

  show(endpoints: readonly EndpointGauges[]): void {
    for (const gauge of [this.#queueLength, this.#oldestWait, this.#slotsUsed, this.#slotsTotal])
      gauge.reset();
    this.#workers.reset();
    for (const one of endpoints) {
      const endpoint = one.endpointId;
      this.#queueLength.set({ endpoint }, one.waiting);
      this.#oldestWait.set({ endpoint }, one.oldestWaitSeconds);
      this.#slotsUsed.set({ endpoint }, one.slotsUsed);
      this.#slotsTotal.set({ endpoint }, one.slotsTotal);
      for (const state of WORKER_STATES) this.#workers.set({ endpoint, state }, one.workers[state] ?? 0);
    }
  }
}
