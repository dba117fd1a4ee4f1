import type { SimulateAnswer } from '../../src/client/schema.ts';
import { murmur, say, seconds, title } from './screen.ts';
import { check } from './step-failure.ts';
import type { StepResult, Tour } from './tour.ts';

const GOAL_SECONDS = 0.5;

/** The traffic of the tour was recorded: other settings are tried on it, and nothing is changed. */
export async function whatIf({ client, id, traffic, watch }: Tour): Promise<StepResult> {
  title('8  What if');
  say('The server took down when each request came and how long it ran.');
  say('Would a worker that is always kept have been worth it? Nothing is changed.');
  const { endpoint } = await watch.look();
  const path = { endpoint_id: id };
  const { max_replicas } = endpoint.worker_config;
  const answer = await client.callWithProgress(
    'simulateEndpoint',
    { path, body: { worker_config: { max_replicas, min_replicas: 1 } } },
    () => undefined,
  );
  for (const line of rowsOf(answer)) murmur(line);
  murmur('A simulation knows no updates: who waited for one is in "seen" alone.');
  const { recorded, now, proposed, requests } = answer;
  const { sent } = traffic.count;
  check(requests.count === sent, `all ${sent} requests of this tour are in the record`);
  check(recorded?.served === sent, 'and each of them as answered');
  const [firstNow, firstProposed] = [now, proposed].map(
    (run) => run?.timeline.find(({ requests: count }) => count > 0)?.p95_wait_seconds ?? Number.NaN,
  );
  check(
    Number(firstNow) > 0 && firstProposed === 0,
    `the first request waited ${seconds(Number(firstNow) * 1_000)}; it would not have waited`,
  );

  say(`Which settings hold a wait of ${GOAL_SECONDS} s for 95 % with the least worker time?`);
  const { advice } = await client.callWithProgress(
    'simulateEndpoint',
    { path, body: { advise: { p95_wait_seconds: GOAL_SECONDS } } },
    () => undefined,
  );
  const chosen = advice?.chosen ?? null;
  check(chosen !== null, `${advice?.tried} were tried, and there are such settings`);
  const { worker_config: config, policy } = chosen ?? now;
  murmur(
    `--min ${config.min_replicas} --idle-timeout ${config.idle_timeout} --policy ${policy.type}:${policy.value}`,
  );
  return { step: 'what if', seen: `${advice?.tried} settings tried on ${requests.count} requests` };
}

function rowsOf({ recorded, now, proposed }: SimulateAnswer): string[] {
  const row = (name: string, ...cells: readonly string[]): string =>
    name.padEnd(14) + cells.map((cell) => cell.padStart(13)).join('');
  const wait = (value: number | undefined): string => (value === undefined ? '' : seconds(value * 1_000));
  const workers = (hours: number | undefined): string =>
    hours === undefined ? '' : seconds(hours * 3_600_000);
  return [
    row('', 'seen', 'simulated', 'with --min 1'),
    row(
      'p95 wait',
      wait(recorded?.wait_seconds.p95),
      wait(now.wait_seconds.p95),
      wait(proposed?.wait_seconds.p95),
    ),
    row('cold starts', '', String(now.cold_starts), String(proposed?.cold_starts)),
    row('worker time', '', workers(now.worker_hours), workers(proposed?.worker_hours)),
  ];
}
