import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Notes, release } from '../support/noting-worker.ts';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

/** Bounds the looking for one state; nothing here is judged by the time it takes. */
const LOOK_LIMIT_MS = 60_000;

/** `name{label="value",…}` → value, labels in the order of the alphabet. */
type Samples = ReadonlyMap<string, number>;

function parse(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    assert.ok(match !== null, `not a sample: ${line}`);
    const [, name = '', labels = '', value = ''] = match;
    const sorted = [...labels.matchAll(/[a-z_]+="[^"]*"/g)].map(([label]) => label).sort();
    const key = sorted.length === 0 ? name : `${name}{${sorted.join(',')}}`;
    assert.ok(!samples.has(key), `${key} is there twice`);
    samples.set(key, Number(value));
  }
  return samples;
}

describe('the metrics after known traffic', () => {
  let server: ServerProcess;
  let notes: Notes;
  let id: string;
  let url: string;
  before(async () => {
    notes = await Notes.open();
    server = await ServerProcess.start();
    id = await server.create({
      ...notes.fields,
      // The time-out bounds what a failure leaves hanging.
      worker_config: { max_replicas: 1, max_concurrent_per_worker: 2, request_timeout: 30 },
    });
    ({ url } = await server.get(id));
  });
  after(async () => {
    await server.dispose();
    await notes.remove();
  });

  async function scrape(): Promise<Samples> {
    const answer = await fetch(`${server.url}/metrics`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    return parse(await answer.text());
  }

  /** The samples of one metric of the endpoint by their other label, only those that are not 0. */
  async function of(name: string, label: string): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    const pattern = new RegExp(`^${name}\\{endpoint="${id}",${label}="([^"]*)"\\}$`);
    for (const [key, value] of await scrape()) {
      const named = pattern.exec(key)?.[1];
      if (named !== undefined && value !== 0) found[named] = value;
    }
    return found;
  }

  async function send(path: string, key = API_KEY): Promise<number> {
    const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
    await answer.text();
    return answer.status;
  }

  async function gauge(name: string): Promise<number | undefined> {
    return (await scrape()).get(`${name}{endpoint="${id}"}`);
  }

  /** A client has its answer a moment before the server has counted it. */
  async function counted(outcome: string, count: number): Promise<void> {
    const signal = AbortSignal.timeout(LOOK_LIMIT_MS);
    while ((await of('pilotlight_requests_total', 'outcome'))[outcome] !== count) {
      if (signal.aborted) assert.equal((await of('pilotlight_requests_total', 'outcome'))[outcome], count);
    }
  }

  it('shows an endpoint at rest with zeros', async () => {
    for (const name of ['queue_length', 'queue_oldest_wait_seconds', 'slots_used', 'slots_total'])
      assert.equal(await gauge(`pilotlight_${name}`), 0, name);
    assert.deepEqual(await of('pilotlight_workers', 'state'), {});
    assert.deepEqual(await of('pilotlight_requests_total', 'outcome'), {});
  });

  it('counts requests by outcome, and a cold start once', async () => {
    for (let count = 0; count < 7; count += 1) assert.equal(await send('/work'), 200);
    await counted('2xx', 7);
    assert.equal(await send('/work', 'no-key-of-this-server'), 401);
    const samples = await scrape();
    // One without a good key is not yet a request of the endpoint.
    assert.deepEqual(await of('pilotlight_requests_total', 'outcome'), { '2xx': 7 });
    assert.equal(samples.get('pilotlight_cold_start_seconds_count'), 1);
    assert.ok((samples.get('pilotlight_cold_start_seconds_sum') ?? 0) > 0);
    // The first of the seven waited for the worker; the others found a free slot.
    assert.equal(samples.get('pilotlight_forward_overhead_seconds_count'), 6);
    assert.equal(samples.get(`pilotlight_worker_starts_total{endpoint="${id}"}`), 1);
    assert.deepEqual(await of('pilotlight_workers', 'state'), { ready: 1 });
    assert.equal((await of('pilotlight_scale_decisions_total', 'reason'))['wake'], 1);
  });

  it('shows slots in use and requests that wait while they do', async () => {
    const sent = [send('/hold'), send('/hold')];
    const begun = await notes.until(
      (all) => all.some(({ event, running }) => event === 'begin' && running === 2),
      AbortSignal.timeout(LOOK_LIMIT_MS),
    );
    for (let count = 0; count < 3; count += 1) sent.push(send('/work'));
    const signal = AbortSignal.timeout(LOOK_LIMIT_MS);
    while ((await gauge('pilotlight_queue_length')) !== 3) {
      if (signal.aborted) assert.equal(await gauge('pilotlight_queue_length'), 3);
    }
    assert.equal(await gauge('pilotlight_slots_used'), 2);
    assert.equal(await gauge('pilotlight_slots_total'), 2);
    assert.ok(((await gauge('pilotlight_queue_oldest_wait_seconds')) ?? 0) > 0);
    await release(begun[0] ?? assert.fail('nothing was noted'));
    assert.deepEqual(new Set(await Promise.all(sent)), new Set([200]));
    await counted('2xx', 12);
    assert.equal(await gauge('pilotlight_queue_length'), 0);
    assert.equal(await gauge('pilotlight_slots_used'), 0);
  });

  it('has a name for what the server itself answered: paused, and a client that left', async () => {
    const leave = new AbortController();
    const left = fetch(`${url}/hold`, {
      headers: { authorization: `Bearer ${API_KEY}` },
      signal: leave.signal,
    });
    await notes.until(
      (all) => all.filter(({ event }) => event === 'begin').length === 13,
      AbortSignal.timeout(LOOK_LIMIT_MS),
    );
    leave.abort();
    await assert.rejects(left, { name: 'AbortError' });
    await counted('client_gone', 1);
    await server.update(id, { worker_config: { max_replicas: 0 } });
    assert.equal(await send('/work'), 503);
    await counted('endpoint_paused', 1);
  });

  it('keeps the sums of its histograms in step with the requests', async () => {
    const samples = await scrape();
    const total = Object.values(await of('pilotlight_requests_total', 'outcome')).reduce((a, b) => a + b, 0);
    for (const name of ['pilotlight_request_wait_seconds', 'pilotlight_request_duration_seconds']) {
      assert.equal(samples.get(`${name}_count`), total, name);
      assert.equal(samples.get(`${name}_bucket{le="+Inf"}`), total, name);
    }
  });

  it('has no series of an endpoint that is gone', async () => {
    await server.api('DELETE', `/gpus/v2/endpoints/${id}`);
    await server.gone(id);
    const left = [...(await scrape()).keys()].filter((key) => key.includes(id));
    assert.deepEqual(left, []);
  });

  it('writes its log as JSON lines, beside the one line that says where it listens', () => {
    const lines = server.output.split('\n').filter((line) => !line.startsWith('pilotlight: '));
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('{')),
      [`Listening on ${server.url}`],
    );
    const logged = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as object);
    for (const line of logged) {
      assert.ok('level' in line && 'time' in line && 'message' in line, JSON.stringify(line));
    }
    const ready = logged.find((line) => 'message' in line && line.message === 'worker ready');
    assert.ok(ready !== undefined && 'endpointId' in ready && ready.endpointId === id);
    assert.ok(!server.output.includes(API_KEY), 'the key is in the log');
  });
});
