import type {
  AdvisedSettings,
  Endpoint,
  SimulateAnswer,
  SimulateBody,
  SimulatedRun,
} from '../client/schema.ts';
import { printable } from './output.ts';
import type { Cell, Output } from './output.ts';
import { sparkLine } from './spark-line.ts';
import { goalsText } from './wait-goals.ts';

type Advice = NonNullable<SimulateAnswer['advice']>;
type Advised = Advice['frontier'][number];

/** Below this a wait is shown in milliseconds. */
const SECOND = 1;

export function showSimulation(
  endpoint: Endpoint,
  answer: SimulateAnswer,
  goals: SimulateBody['advise'],
  output: Output,
): void {
  output.line(headline(endpoint, answer));
  output.line();
  comparison(answer, output);
  output.line();
  for (const line of pictures(answer, output)) output.line(line);
  if (answer.advice !== null) {
    output.line();
    showAdvice(endpoint, answer.advice, goals ?? {}, output);
  }
  if (answer.notes.length > 0) output.line();
  for (const note of answer.notes) output.line(output.paint(`- ${printable(note)}`, 'dim'));
}

function headline(endpoint: Endpoint, { requests }: SimulateAnswer): string {
  const span = durationText(requests.span_seconds);
  const name = `${printable(endpoint.id)} (${printable(endpoint.name)})`;
  if (requests.source === 'trace') return `${name}: ${requests.count} requests of the trace, over ${span}`;
  const from = new Date(requests.began_at * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
  return `${name}: ${requests.count} recorded requests from ${from}, over ${span}`;
}

/** What happened, what the model makes of it, what it would make of the proposal. */
function comparison({ recorded, now, proposed }: SimulateAnswer, output: Output): void {
  const columns = ['', ...(recorded === null ? [] : ['SEEN']), 'NOW'];
  if (proposed !== null) columns.push('PROPOSED', 'CHANGE');
  const row = (name: string, seen: string, text: (run: SimulatedRun) => string, change = ''): Cell[] => [
    { text: name, colour: 'dim' },
    ...(recorded === null ? [] : [{ text: seen }]),
    { text: text(now) },
    ...(proposed === null ? [] : [{ text: text(proposed) }, changeCell(change)]),
  ];
  const change = (value: (run: SimulatedRun) => number): string =>
    proposed === null ? '' : changeText(value(now), value(proposed));
  const settings = settingRows({ now, proposed }).map(([name, text]) => row(name, '', text));
  const waits = (['p50', 'p95', 'p99'] as const).map((share) =>
    row(
      `wait ${share}`,
      recorded === null ? '' : waitText(recorded.wait_seconds[share]),
      (run) => waitText(run.wait_seconds[share]),
      change((run) => run.wait_seconds[share]),
    ),
  );
  output.table(columns, [
    ...settings,
    ...waits,
    row('cold starts', '', (run) => String(run.cold_starts)),
    row('timed out', String(recorded?.timed_out ?? ''), (run) => String(run.timed_out)),
    row('refused', String(recorded?.refused ?? ''), (run) => String(run.refused)),
    row('worker starts', '', (run) => String(run.worker_starts)),
    row(
      'worker time',
      '',
      (run) => durationText(run.worker_hours * 3_600),
      change((run) => run.worker_hours),
    ),
    row('cost', '', (run) => (run.cost === null ? '-' : String(run.cost))),
  ]);
}

/** Those that differ; without a proposal, those that a simulation can move. */
function settingRows({
  now,
  proposed,
}: Pick<SimulateAnswer, 'now' | 'proposed'>): [string, (run: SimulatedRun) => string][] {
  const all: [string, (run: SimulatedRun) => string][] = [
    ['product', (run) => printable(run.product_id)],
    ['workers', ({ worker_config: config }) => `${config.min_replicas} to ${config.max_replicas}`],
    ['idle timeout', ({ worker_config: config }) => `${config.idle_timeout} s`],
    ['concurrency', ({ worker_config: config }) => String(config.max_concurrent_per_worker)],
    ['GPUs per worker', ({ worker_config: config }) => String(config.gpu_num)],
    ['request timeout', ({ worker_config: config }) => `${config.request_timeout} s`],
    ['policy', ({ policy }) => `${policy.type}:${policy.value}`],
  ];
  if (proposed !== null) return all.filter(([, text]) => text(now) !== text(proposed));
  return all.filter(([name]) => ['workers', 'idle timeout', 'policy'].includes(name));
}

/** Over one axis of time for all of them; bars of one kind have one scale. */
function pictures({ now, proposed }: SimulateAnswer, output: Output): string[] {
  const runs = [
    { name: 'now', run: now },
    ...(proposed === null ? [] : [{ name: 'proposed', run: proposed }]),
  ];
  const timelines = runs.map(({ run }) => run.timeline);
  const endSeconds = Math.max(0, ...timelines.map((timeline) => timeline.at(-1)?.to_seconds ?? 0));
  const columns = Math.max(1, ...timelines.map((timeline) => timeline.length));
  const picture = (
    of: (name: string) => string,
    shown: typeof runs,
    value: (bucket: Bucket) => number,
    text: (largest: number) => string,
  ): Cell[][] => {
    const rows = shown.map(({ run }) => spread(run.timeline, columns, endSeconds, value));
    const largest = Math.max(0, ...rows.flat());
    return rows.map((values, index) => [
      { text: of(shown[index]?.name ?? ''), colour: 'dim' },
      { text: `|${sparkLine(values, largest)}|` },
      { text: `up to ${text(Math.max(0, ...values))}` },
    ]);
  };
  return output.aligned([
    ...picture(
      () => 'requests',
      runs.slice(0, 1),
      (bucket) => bucket.requests,
      String,
    ),
    ...picture(
      (name) => `p95 wait, ${name}`,
      runs,
      (bucket) => bucket.p95_wait_seconds,
      waitText,
    ),
    ...picture(
      (name) => `workers, ${name}`,
      runs,
      (bucket) => bucket.workers,
      (largest) => largest.toFixed(1),
    ),
  ]);
}

type Bucket = SimulatedRun['timeline'][number];

/** A timeline in so many columns up to a common end: runs last differently long, and have pieces of different width. */
function spread(
  timeline: readonly Bucket[],
  columns: number,
  endSeconds: number,
  value: (bucket: Bucket) => number,
): number[] {
  return Array.from({ length: columns }, (_, column) => {
    const middle = ((column + 0.5) * endSeconds) / columns;
    const bucket = timeline.find(({ to_seconds: to }) => to > middle);
    return bucket === undefined ? 0 : value(bucket);
  });
}

function showAdvice(
  endpoint: Endpoint,
  advice: Advice,
  goals: NonNullable<SimulateBody['advise']>,
  output: Output,
): void {
  const sample = advice.sampled ? ', most of them on a part of the requests' : '';
  output.line(`Advice for ${goalsText(goals)}: ${advice.tried} settings were tried${sample}.`);
  output.line();
  const { chosen, nearest } = advice;
  output.table(
    ['', 'WORKERS', 'IDLE', 'CONCURRENCY', 'POLICY', 'P50', 'P95', 'P99', 'COLD STARTS', 'WORKER TIME'],
    advice.frontier.map((one) => adviceRow(one, sameSettings(one, chosen ?? nearest))),
  );
  output.line();
  if (chosen === null) {
    output.line(output.paint('None of them holds; the nearest is marked (>).', 'yellow'));
    return;
  }
  const command = updateCommand(endpoint, chosen);
  if (command === null) {
    output.line('The settings in force are the cheapest that hold (>).');
    return;
  }
  output.line('The cheapest that holds (>) comes into force with:');
  output.line(`  ${command}`);
}

function adviceRow(one: Advised, marked: boolean): Cell[] {
  const { worker_config: config, policy, wait_seconds: waits } = one;
  const colour = one.holds ? 'green' : 'dim';
  return [
    marked ? '>' : ' ',
    `${config.min_replicas} to ${config.max_replicas}`,
    `${config.idle_timeout} s`,
    String(config.max_concurrent_per_worker),
    `${policy.type}:${policy.value}`,
    waitText(waits.p50),
    waitText(waits.p95),
    waitText(waits.p99),
    String(one.cold_starts),
    durationText(one.worker_hours * 3_600),
  ].map((text) => ({ text, colour }));
}

function sameSettings(one: Advised, other: AdvisedSettings): boolean {
  return (
    JSON.stringify([one.worker_config, one.policy]) === JSON.stringify([other.worker_config, other.policy])
  );
}

/** Only what differs from what is in force; null when nothing does. */
function updateCommand(endpoint: Endpoint, chosen: Advised): string | null {
  const { worker_config: config, policy } = chosen;
  const { worker_config: present, policy: presentPolicy } = endpoint;
  const options: [string, string | number, string | number][] = [
    ['--product', chosen.product_id, endpoint.product_id],
    ['--min', config.min_replicas, present.min_replicas],
    ['--max', config.max_replicas, present.max_replicas],
    ['--idle-timeout', config.idle_timeout, present.idle_timeout],
    ['--concurrency', config.max_concurrent_per_worker, present.max_concurrent_per_worker],
    // Without meaning, and 0 here, for a product without GPUs.
    ['--gpus-per-worker', config.gpu_num === 0 ? present.gpu_num : config.gpu_num, present.gpu_num],
    ['--request-timeout', config.request_timeout, present.request_timeout],
    ['--policy', `${policy.type}:${policy.value}`, `${presentPolicy.type}:${presentPolicy.value}`],
  ];
  const changed = options.filter(([, value, before]) => value !== before);
  if (changed.length === 0) return null;
  const words = changed.map(([option, value]) => `${option} ${printable(String(value))}`);
  return ['pilotlight endpoints update', printable(endpoint.id), ...words].join(' ');
}

function changeText(before: number, after: number): string {
  if (before === after) return '=';
  if (before === 0) return 'more';
  return `${after > before ? '+' : '-'}${percent(Math.abs(after - before) / before)}`;
}

function changeCell(text: string): Cell {
  if (text.startsWith('-')) return { text, colour: 'green' };
  return text === '' || text === '=' ? { text } : { text, colour: 'yellow' };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

export function waitText(seconds: number): string {
  if (seconds < SECOND) return `${Math.round(seconds * 1_000)} ms`;
  return seconds < 100 ? `${seconds.toFixed(1)} s` : durationText(seconds);
}

/** In the unit that shows two or three digits. */
function durationText(seconds: number): string {
  if (seconds < 600) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 7_200) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}
