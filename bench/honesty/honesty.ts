/**
 * The same traffic live and simulated: what `endpoints simulate` says of the settings in force, held
 * against what really happened. Exit code 1 when a figure is off by more than the limit. `--json` for
 * programs, `--seconds=N` for another length of the traffic, `--seed=N` for another traffic.
 */
import { parseArgs } from 'node:util';
import { LiveServer } from './live-server.ts';
import { ACCELERATED, REAL_TIME, type Scenario } from './scenarios.ts';
import { planTraffic, replay } from './traffic.ts';
import { WorkerTime } from './worker-time.ts';

const LIMIT_PERCENT = 10;

interface Pair {
  readonly live: number;
  readonly simulated: number;
  readonly differencePercent: number;
}

interface Result {
  readonly group: string;
  readonly scenario: string;
  readonly requests: number;
  readonly answered: number;
  readonly workerStarts: number;
  readonly p95WaitSeconds: Pair;
  readonly workerSeconds: Pair;
}

async function measure(
  group: string,
  driver: 'process' | 'simulated',
  scenarios: readonly Scenario[],
  options: { readonly durationMs: number; readonly seed: number; readonly signal: AbortSignal },
): Promise<Result[]> {
  const server = await LiveServer.open(driver);
  const watch = new WorkerTime(server.client);
  try {
    // Side by side, as they mostly wait.
    return await Promise.all(
      scenarios.map(async (scenario, index) => {
        const { id, url } = await server.create(scenario);
        const planned = planTraffic(scenario, options.durationMs, options.seed + index);
        const live = await replay(planned, url, server.headers, options.signal);
        const { now, requests } = await server.client.callWithProgress(
          'simulateEndpoint',
          { path: { endpoint_id: id }, body: { window: '1h' } },
          () => undefined,
          { signal: options.signal },
        );
        const beganMs = requests.began_at * 1_000 - performance.timeOrigin;
        if (requests.count !== live.sent) throw new Error(`${requests.count} of ${live.sent} were recorded`);
        return {
          group,
          scenario: scenario.name,
          requests: live.sent,
          answered: live.answered,
          workerStarts: now.worker_starts,
          p95WaitSeconds: pair(quantile(live.waitsMs, 0.95) / 1_000, now.wait_seconds.p95),
          workerSeconds: pair(
            watch.between(id, beganMs, beganMs + requests.span_seconds * 1_000),
            now.worker_hours * 3_600,
          ),
        };
      }),
    );
  } finally {
    await watch.end();
    await server.close();
  }
}

function pair(live: number, simulated: number): Pair {
  return { live, simulated, differencePercent: ((simulated - live) / live) * 100 };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function print(results: readonly Result[]): void {
  const columns = ['traffic', 'requests', 'p95 live', 'simulated', 'off', 'worker s', 'simulated', 'off'];
  const rows = results.map((result) => [
    `${result.group}: ${result.scenario}`,
    String(result.requests),
    ...cells(result.p95WaitSeconds, 2),
    ...cells(result.workerSeconds, 1),
  ]);
  const widths = columns.map((column, index) =>
    Math.max(...[columns, ...rows].map((row) => row[index]?.length ?? 0), column.length),
  );
  for (const row of [columns, ...rows]) {
    console.log(
      row
        .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
        .join('  '),
    );
  }
}

function cells({ live, simulated, differencePercent }: Pair, digits: number): string[] {
  const sign = differencePercent > 0 ? '+' : '';
  return [live.toFixed(digits), simulated.toFixed(digits), `${sign}${differencePercent.toFixed(1)} %`];
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
  },
});
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => interrupted.abort(new Error(`interrupted by ${name}`)));
}
const options = {
  durationMs: Number(values.seconds) * 1_000,
  seed: Number(values.seed),
  signal: interrupted.signal,
};
const results = [
  ...(await measure('simulated driver, 20 times as fast', 'simulated', ACCELERATED, options)),
  ...(await measure('processes, in real time', 'process', REAL_TIME, options)),
];
if (values.json) console.log(JSON.stringify(results, null, 2));
else print(results);
const worst = Math.max(
  ...results.flatMap(({ p95WaitSeconds, workerSeconds }) =>
    [p95WaitSeconds, workerSeconds].map(({ differencePercent }) => Math.abs(differencePercent)),
  ),
);
const lost = results.some(({ answered, requests }) => answered !== requests);
if (!values.json)
  console.log(`\nThe largest difference is ${worst.toFixed(1)} %; the limit is ${LIMIT_PERCENT} %.`);
if (worst > LIMIT_PERCENT || lost) process.exitCode = 1;
