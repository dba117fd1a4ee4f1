import type { EndpointUpdateBody } from '../../src/client/schema.ts';
import { say, seconds, title } from './screen.ts';
import { check, StepFailure } from './step-failure.ts';
import { DEVICES, variables, type StepResult, type Tour } from './tour.ts';
import type { Event } from './traffic.ts';
import type { Sample } from './watch.ts';

const OPEN_STREAMS = 3;
const STREAM_EVENTS = 30;
const STREAM_INTERVAL_MS = 100;

interface Update {
  readonly revision: number;
  readonly tookMs: number;
  /** What was seen from the PUT to its end. */
  readonly samples: readonly Sample[];
}

/** A device is free: the new revision starts beside the old one. */
export async function surge(tour: Tour): Promise<StepResult> {
  title('4  Update under load, with room to spare');
  say('PUT of a changed variable, under 14 clients and 3 open streams. One of 4');
  say('devices is free, so the new revision starts beside the old one.');
  const { revision, samples, tookMs } = await update(tour, { envs: variables({ GREETING: 'second' }) });
  checkMoved(tour, revision, samples);
  const least = Math.min(...samples.map(({ ready }) => ready));
  check(least >= 3, `at every moment ${least} or more workers were ready`);
  return { step: 'update with room (surge)', seen: seconds(tookMs) };
}

/** No device is free: one old worker has to go before one new worker can start. */
export async function swap(tour: Tour): Promise<StepResult> {
  title('5  Update on a full machine');
  say('First a limit, max_replicas 4. It applies at once and restarts no worker;');
  say('18 clients make it count.');
  const { client, id, traffic, watch } = tour;
  const answer = await client.call('updateEndpoint', {
    path: { endpoint_id: id },
    body: { worker_config: { max_replicas: DEVICES } },
  });
  const restarts = Object.values(answer.changed).includes('revision');
  check(!restarts && 'rollout' in answer && answer.rollout === null, 'the limit needed no new revision');
  traffic.setClients(18);
  await watch.until('4 ready workers', ({ ready }) => ready === DEVICES);
  check((await watch.look()).devicesFree === 0, 'no device is free');

  say('Now the PUT: a new worker starts when an old one has left its device.');
  const { revision, samples, tookMs } = await update(tour, { envs: variables({ GREETING: 'third' }) });
  checkMoved(tour, revision, samples);
  const most = Math.max(...samples.map(({ placed }) => placed));
  const least = Math.min(...samples.map(({ ready }) => ready));
  check(
    most <= DEVICES && least > 0,
    `never more than ${most} workers on ${DEVICES} devices, and ${least} or more of them ready`,
  );
  return { step: 'update on a full machine (swap)', seen: seconds(tookMs) };
}

/** A revision that cannot start is withdrawn without anybody's help. */
export async function broken(tour: Tour): Promise<StepResult> {
  title('6  An update that is wrong');
  say('PUT of a revision whose workers exit at once, under the same load.');
  const { revision, samples, tookMs } = await update(tour, { envs: variables({ EXIT_AT_START: '1' }) });
  const status = samples.at(-1)?.endpoint.status;
  check(
    status?.status === 'running' && status.message.includes(`revision ${revision} failed`),
    `revision ${revision} was withdrawn by itself after ${seconds(tookMs)}`,
  );
  check(tour.traffic.answeredBy(revision) === 0, 'no request ever reached it');
  say(`status.message: ${status?.message ?? ''}`);
  const before = tour.traffic.count.answered;
  await tour.watch.until(
    'the old revision at full strength',
    ({ ready, endpoint }) =>
      ready === DEVICES &&
      endpoint.workers.every((worker) => worker.revision === revision - 1) &&
      tour.traffic.count.answered > before,
  );
  check(true, `revision ${revision - 1} serves on all ${DEVICES} devices again`);
  return { step: 'broken update, undone', seen: seconds(tookMs) };
}

/** Sends the update while streams are open; ends when the endpoint has settled, either way. */
async function update({ client, id, traffic, watch }: Tour, body: EndpointUpdateBody): Promise<Update> {
  const streams = await openStreams(traffic);
  const lostBefore = traffic.count.lost;
  const answeredBefore = traffic.count.answered;
  const beganMs = performance.now();
  const { revision } = await client.call('updateEndpoint', { path: { endpoint_id: id }, body });
  const samples = await watch.until(
    `the end of the update to revision ${revision}`,
    ({ endpoint: { status } }) => status.status !== 'updating',
  );
  const tookMs = performance.now() - beganMs;
  const whole = (await Promise.all(streams)).filter((answer) => answer !== null).length;
  check(whole === OPEN_STREAMS, `the ${OPEN_STREAMS} streams that were open ran to their end`);
  const { answered, lost } = traffic.count;
  check(
    lost === lostBefore,
    `${answered - answeredBefore} requests answered meanwhile, ${lost - lostBefore} lost`,
  );
  return { revision, tookMs, samples };
}

/** Resolves when each has had its first event; their answers are still to come. */
async function openStreams(traffic: Tour['traffic']): Promise<Promise<unknown>[]> {
  const answers: Promise<unknown>[] = [];
  const opened = Array.from({ length: OPEN_STREAMS }, async () => {
    const first = Promise.withResolvers<Event>();
    const answer = traffic.stream(STREAM_EVENTS, STREAM_INTERVAL_MS, first.resolve);
    answers.push(answer);
    await Promise.race([first.promise, answer]);
  });
  await Promise.all(opened);
  return answers;
}

function checkMoved({ traffic }: Tour, revision: number, samples: readonly Sample[]): void {
  const last = samples.at(-1);
  if (last === undefined) throw new StepFailure('the update was not seen');
  const { status, workers } = last.endpoint;
  check(
    status.status === 'running' && workers.some((worker) => worker.revision === revision),
    `revision ${revision} is in place${status.message === '' ? '' : `: ${status.message}`}`,
  );
  check(traffic.answeredBy(revision) > 0, `${traffic.answeredBy(revision)} requests answered by it so far`);
}
