import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { SimulateAnswer, SimulateBody } from '../../src/client/schema.ts';
import { refusalOf, StubApi, STUB_ENDPOINT } from '../support/stub-api.ts';
import type { StubAnswer } from '../support/stub-api.ts';
import { lines, runCli } from './run-cli.ts';

const GET = 'GET /gpus/v2/endpoints/ep1';
const SIMULATE = 'POST /gpus/v2/endpoints/ep1/simulate';
const COMMAND = ['endpoints', 'simulate', 'ep1'];

type Run = SimulateAnswer['now'];
type Advised = NonNullable<SimulateAnswer['advice']>['nearest'];

const SETTINGS = {
  product_id: 'gpu',
  worker_config: {
    min_replicas: 1,
    max_replicas: 3,
    idle_timeout: 60,
    max_concurrent_per_worker: 4,
    gpu_num: 1,
    request_timeout: 300,
  },
  policy: { type: 'queue', value: 4 },
} as const;
const FIGURES = {
  requests: 1_000,
  served: 997,
  timed_out: 2,
  refused: 1,
  cold_starts: 12,
  worker_starts: 5,
  worker_hours: 10,
  wait_seconds: { p50: 0.004, p95: 2.345, p99: 130, max: 200 },
  cost: null,
};

function bucket(
  from: number,
  to: number,
  requests: number,
  wait: number,
  workers: number,
): Run['timeline'][number] {
  return { from_seconds: from, to_seconds: to, requests, p95_wait_seconds: wait, workers };
}

const NOW: Run = {
  ...SETTINGS,
  ...FIGURES,
  timeline: [
    bucket(0, 100, 10, 0, 1),
    bucket(100, 200, 80, 4, 2),
    bucket(200, 300, 1, 0.01, 3),
    bucket(300, 400, 0, 0, 0),
  ],
};
const PROPOSED: Run = {
  ...SETTINGS,
  ...FIGURES,
  worker_config: { ...SETTINGS.worker_config, min_replicas: 2, idle_timeout: 300 },
  cold_starts: 3,
  worker_hours: 15,
  wait_seconds: { p50: 0.004, p95: 0.5, p99: 65, max: 100 },
  // It was over earlier, in wider pieces.
  timeline: [bucket(0, 200, 90, 2, 2), bucket(200, 300, 1, 0, 4)],
};

function answer(changes: Partial<SimulateAnswer> = {}): SimulateAnswer {
  return {
    requests: {
      source: 'recorded',
      count: 1_000,
      began_at: 1_700_000_000.5,
      span_seconds: 400,
      first_at: 1_700_000_010,
      last_at: 1_700_000_400,
      assumed_runs: 0,
    },
    recorded: {
      served: 996,
      timed_out: 3,
      refused: 1,
      wait_seconds: { p50: 0, p95: 2.4, p99: 99.9, max: 150 },
    },
    start_seconds: { source: 'workers', samples: 3, median: 2, max: 3 },
    changed: [],
    now: NOW,
    proposed: null,
    advice: null,
    notes: ['A note.'],
    ...changes,
  };
}

function events(result: SimulateAnswer): StubAnswer {
  const progress = (stage: string, done: number) =>
    `event: progress\ndata: ${JSON.stringify({ stage, done, of: 1_000 })}\n\n`;
  return {
    headers: { 'content-type': 'text/event-stream' },
    body: `${progress('now', 250)}${progress('proposed', 1_000)}event: result\ndata: ${JSON.stringify(result)}\n\n`,
  };
}

async function simulated(argv: readonly string[], result: SimulateAnswer, world: { isTty?: boolean } = {}) {
  await using stub = await StubApi.start({ [GET]: { body: STUB_ENDPOINT }, [SIMULATE]: events(result) });
  const run = await runCli([...COMMAND, ...argv], { url: stub.url, ...world });
  return { ...run, requests: stub.requests };
}

test('endpoints simulate: what is, beside what was seen', async () => {
  const run = await simulated([], answer());
  assert.deepEqual([run.code, run.stderr], [0, '']);
  assert.equal(
    run.stdout,
    lines(
      'ep1 (Chat): 1000 recorded requests from 2023-11-14T22:13:20Z, over 400 s',
      '',
      '               SEEN    NOW',
      'workers                1 to 3',
      'idle timeout           60 s',
      'policy                 queue:4',
      'wait p50       0 ms    4 ms',
      'wait p95       2.4 s   2.3 s',
      'wait p99       99.9 s  130 s',
      'cold starts            12',
      'timed out      3       2',
      'refused        1       1',
      'worker starts          5',
      'worker time            10.0 h',
      'cost                   -',
      '',
      'requests       |▁█▁ |  up to 80',
      'p95 wait, now  | █▁ |  up to 4.0 s',
      'workers, now   |▃▆█ |  up to 3.0',
      '',
      '- A note.',
    ),
  );
  assert.deepEqual(run.requests[1]?.body, {});
  assert.match(run.requests[1]?.headers.accept ?? '', /^text\/event-stream/);
});

test('endpoints simulate: what is proposed, with what it changes, over one axis of time', async () => {
  const run = await simulated(['--min', '2', '--idle-timeout', '300'], answer({ proposed: PROPOSED }));
  assert.equal(
    run.stdout.split('\n').slice(2, -3).join('\n'),
    [
      '               SEEN    NOW     PROPOSED  CHANGE',
      'workers                1 to 3  2 to 3',
      'idle timeout           60 s    300 s',
      'wait p50       0 ms    4 ms    4 ms      =',
      'wait p95       2.4 s   2.3 s   500 ms    -79 %',
      'wait p99       99.9 s  130 s   65.0 s    -50 %',
      'cold starts            12      3',
      'timed out      3       2       2',
      'refused        1       1       1',
      'worker starts          5       5',
      'worker time            10.0 h  15.0 h    +50 %',
      'cost                   -       -',
      '',
      'requests            |▁█▁ |  up to 80',
      'p95 wait, now       | █▁ |  up to 4.0 s',
      'p95 wait, proposed  |▄▄  |  up to 2.0 s',
      'workers, now        |▂▄▆ |  up to 3.0',
      'workers, proposed   |▄▄█ |  up to 4.0',
    ].join('\n'),
  );
  assert.deepEqual(run.requests[1]?.body, {
    worker_config: { max_replicas: 3, min_replicas: 2, idle_timeout: 300 },
  });
});

test('endpoints simulate: each option goes into its field', async () => {
  const argv = [
    ...['--product', 'h100', '--max', '9', '--concurrency', '2', '--gpus-per-worker', '2'],
    ...['--request-timeout', '60', '--policy', 'concurrency:3', '--window', '24h'],
    ...['--advise', 'p95<2s', '--advise', 'p99 <= 500ms, p50<0.5m'],
  ];
  const { requests } = await simulated(argv, answer());
  assert.deepEqual(requests[1]?.body, {
    product_id: 'h100',
    worker_config: { max_replicas: 9, max_concurrent_per_worker: 2, gpu_num: 2, request_timeout: 60 },
    policy: { type: 'concurrency', value: 3 },
    window: '24h',
    advise: { p95_wait_seconds: 2, p99_wait_seconds: 0.5, p50_wait_seconds: 30 },
  });
});

function advised(changes: Partial<Advised['worker_config']>, facts: Partial<Advised>): Advised {
  return {
    ...SETTINGS,
    ...FIGURES,
    worker_config: { ...SETTINGS.worker_config, ...changes },
    holds: true,
    miss_ratio: 0.5,
    ...facts,
  };
}

test('endpoints simulate --advise: the frontier, the chosen one, and the command for it', async () => {
  const cheap = advised({ min_replicas: 0 }, { holds: false, miss_ratio: 3, worker_hours: 2 });
  const chosen = advised(
    { min_replicas: 2, idle_timeout: 30 },
    { policy: { type: 'concurrency', value: 4 } },
  );
  const advice = {
    holds: true,
    chosen,
    nearest: chosen,
    frontier: [cheap, chosen],
    tried: 42,
    sampled: true,
  };
  const run = await simulated(['--advise', 'p95<2.5s'], answer({ advice }));
  assert.equal(run.code, 0);
  const text = run.stdout.split('\n').slice(20).join('\n');
  assert.equal(
    text,
    lines(
      'Advice for p95 < 2.5 s: 42 settings were tried, most of them on a part of the requests.',
      '',
      '   WORKERS  IDLE  CONCURRENCY  POLICY         P50   P95    P99    COLD STARTS  WORKER TIME',
      '   0 to 3   60 s  4            queue:4        4 ms  2.3 s  130 s  12           2.0 h',
      '>  2 to 3   30 s  4            concurrency:4  4 ms  2.3 s  130 s  12           10.0 h',
      '',
      'The cheapest that holds (>) comes into force with:',
      '  pilotlight endpoints update ep1 --min 2 --idle-timeout 30 --policy concurrency:4',
      '',
      '- A note.',
    ),
  );
});

test('endpoints simulate --advise: nothing holds, or nothing is to be changed', async () => {
  const nearest = advised({}, { holds: false, miss_ratio: 1.5 });
  const missed = { holds: false, chosen: null, nearest, frontier: [nearest], tried: 42, sampled: false };
  const none = await simulated(['--advise', 'p95<1s'], answer({ advice: missed }));
  assert.equal(none.code, 1, 'a script can tell');
  assert.match(none.stdout, /42 settings were tried\.\n/);
  assert.match(none.stdout, /\n> {2}1 to 3 [^]*None of them holds; the nearest is marked \(>\)\.\n/);

  const chosen = advised({}, {});
  const held = { holds: true, chosen, nearest: chosen, frontier: [chosen], tried: 42, sampled: false };
  const same = await simulated(['--advise', 'p95<1s'], answer({ advice: held }));
  assert.equal(same.code, 0);
  assert.match(same.stdout, /The settings in force are the cheapest that hold \(>\)\.\n/);
});

test('endpoints simulate --json: the answer as it is', async () => {
  const run = await simulated(['--json'], answer(), { isTty: true });
  assert.deepEqual(JSON.parse(run.stdout), answer());
});

test('endpoints simulate: a bar on a terminal that goes away, and none elsewhere', async () => {
  const run = await simulated([], answer(), { isTty: true });
  assert.match(run.stdout, /\[########-{22}\] {2}25 % {2}the settings in force\n/);
  assert.match(run.stdout, /\[#{30}\] 100 % {2}the proposed settings\n/);
  assert.ok(run.stdout.indexOf('\u001B[1A\u001B[J') < run.stdout.indexOf('ep1 (Chat)'));
  assert.doesNotMatch((await simulated([], answer())).stdout, /\[#/);
});

test('endpoints simulate --trace: the file goes up compressed, whatever it was', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-trace-'));
  try {
    const text = 'arrival_s,service_s\n0,1\n';
    const plain = join(folder, 'trace.csv');
    const packed = join(folder, 'trace.csv.gz');
    await writeFile(plain, text);
    await writeFile(packed, gzipSync(text));
    const source = {
      source: 'trace',
      count: 1,
      began_at: 0,
      span_seconds: 90,
      first_at: 0,
      last_at: 80,
      assumed_runs: 0,
    } as const;
    for (const file of [plain, packed]) {
      const run = await simulated(['--trace', file], answer({ requests: source, recorded: null }));
      assert.equal(run.code, 0, run.stderr);
      assert.match(run.stdout, /^ep1 \(Chat\): 1 requests of the trace, over 90 s\n\n {15}NOW\n/);
      const { trace = '' } = (run.requests[1]?.body ?? {}) as SimulateBody;
      assert.equal(gunzipSync(Buffer.from(trace, 'base64')).toString(), text);
    }
    const large = join(folder, 'large.csv');
    // Noise, so that it does not get small.
    await writeFile(large, randomBytes(4_000_000));
    const tooLarge = await runCli([...COMMAND, '--trace', large]);
    assert.equal(tooLarge.code, 2);
    assert.match(tooLarge.stderr, /large\.csv has \d+ bytes when compressed; at most 3145728 are taken/);
    const missing = await runCli([...COMMAND, '--trace', join(folder, 'none.csv')]);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /cannot read --trace .*none\.csv/);

    await using stub = await StubApi.start({
      [GET]: { body: STUB_ENDPOINT },
      [SIMULATE]: refusalOf(400, 'TRACE_INVALID', 'Line 7 of the trace is blank.', { line: '7' }),
    });
    const bad = await runCli([...COMMAND, '--trace', plain], stub);
    assert.equal(bad.code, 1);
    assert.equal(
      bad.stderr,
      lines(`error: ${plain}: Line 7 of the trace is blank.`, '(TRACE_INVALID, status 400)'),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('endpoints simulate: wrong usage is told before anything is asked', async () => {
  for (const [argv, message] of [
    [['--advise', 'p90<2s'], /--advise is "p90<2s"; it takes p50, p95 or p99/],
    [['--advise', 'fast'], /--advise is "fast"/],
    [['--advise', 'p95<-1s'], /--advise is "p95<-1s"/],
    [['--advise', 'p95>2s'], /--advise is "p95>2s"/],
    [['--trace', 'a.csv', '--window', '7d'], /--trace and --window exclude each other/],
    [['--min', 'many'], /--min takes a whole number/],
    [['--image', 'x'], /unknown option --image/],
  ] as const) {
    const run = await runCli([...COMMAND, ...argv]);
    assert.equal(run.code, 2, run.stderr);
    assert.match(run.stderr, message);
  }
});

test("endpoints simulate: the server's refusals, before and after the first progress", async () => {
  await using stub = await StubApi.start({
    [GET]: { body: STUB_ENDPOINT },
    [SIMULATE]: {
      ...refusalOf(429, 'SIMULATION_BUSY', 'A simulation runs already.'),
      headers: { 'retry-after': '5' },
    },
  });
  const busy = await runCli(COMMAND, stub);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /A simulation runs already\.\n\(SIMULATION_BUSY, status 429; try again in 5 s\)/);

  const error = { code: 400, reason: 'SIMULATION_TOO_LONG', message: 'It took too long.', metadata: {} };
  for (const [body, message] of [
    [
      `event: progress\ndata: {}\n\nevent: error\ndata: ${JSON.stringify(error)}\n\n`,
      /SIMULATION_TOO_LONG, status 400/,
    ],
    ['event: progress\ndata: {}\n\n', /ended without a result/],
    ['event: result\ndata: {oops\n\n', /is not JSON/],
  ] as const) {
    await using late = await StubApi.start({
      [GET]: { body: STUB_ENDPOINT },
      [SIMULATE]: { headers: { 'content-type': 'text/event-stream' }, body },
    });
    const run = await runCli(COMMAND, late);
    assert.equal(run.code, 1, run.stderr);
    assert.match(run.stderr, message);
  }
});
