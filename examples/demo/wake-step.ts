import { murmur, say, seconds, title } from './screen.ts';
import { check } from './step-failure.ts';
import type { StepResult, Tour } from './tour.ts';

/** Nothing runs; the first request starts a worker and waits for it. */
export async function wake({ traffic, watch }: Tour): Promise<StepResult> {
  title('1  Wake from zero');
  say('The endpoint exists, and nothing runs for it. One request is sent.');
  const { endpoint } = await watch.look();
  check(endpoint.workers.length === 0, 'no worker, no device in use');

  const answer = await traffic.plain('/hello');
  check(answer !== null, 'the request was answered, not refused');
  const firstByteMs = answer?.firstByteMs ?? 0;
  const ownStartMs = Number(answer?.headers['echo-listening-after-ms']);
  check(answer?.headers['x-pilotlight-cold-start'] === 'true', 'it was a cold start, and says so');
  check(ownStartMs > 0, `first byte after ${seconds(firstByteMs)}`);
  const ownShareMs = Math.round(firstByteMs - ownStartMs);
  murmur(`${seconds(ownStartMs)} of it is the worker's own start, ${ownShareMs} ms everything else`);
  return {
    step: 'wake from zero',
    seen: `${seconds(firstByteMs)}, the worker's own start ${seconds(ownStartMs)}`,
  };
}

/** Events arrive as the worker sends them, not all at the end. */
export async function stream({ traffic }: Tour): Promise<StepResult> {
  title('2  Stream');
  say('Server-sent events, one each 100 ms, through the endpoint.');
  const events = 15;
  const arrivalsMs: number[] = [];
  const answer = await traffic.stream(events, 100, () => arrivalsMs.push(performance.now()));
  check(answer !== null, `${arrivalsMs.length} events, in order and complete`);
  const spreadMs = (arrivalsMs.at(-1) ?? 0) - (arrivalsMs[0] ?? 0);
  // The worker takes 1.4 s to send them. Gathered into one piece, they would arrive within a moment.
  check(spreadMs > 700, `they arrived one by one, over ${seconds(spreadMs)}`);
  return { step: 'stream', seen: `${events} events over ${seconds(spreadMs)}` };
}
