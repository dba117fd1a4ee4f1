import { murmur, say, seconds, title } from './screen.ts';
import { check } from './step-failure.ts';
import { DEVICES, IDLE_TIMEOUT_SECONDS, SLOTS, type StepResult, type Tour } from './tour.ts';
import { LEGEND } from './watch.ts';

/** More requests than one worker takes: workers are added, up to the limit and no further. */
export async function growth({ traffic, watch }: Tour): Promise<StepResult> {
  title('3  Load grows');
  say(`14 clients. A worker takes ${SLOTS} requests at once; max_replicas is 3.`);
  for (const line of LEGEND) murmur(line);
  const beganMs = performance.now();
  traffic.setClients(14);
  const samples = await watch.until('3 ready workers', ({ ready }) => ready === 3);
  const tookMs = performance.now() - beganMs;
  const most = Math.max(...samples.map(({ endpoint }) => endpoint.workers.length));
  const mostRunning = Math.max(...samples.map(({ running }) => running));
  check(most === 3, `3 workers after ${seconds(tookMs)}, never more`);
  check(mostRunning <= 3 * SLOTS, `never more than ${SLOTS} requests on a worker; the others waited`);
  return { step: 'grow to 3 workers', seen: seconds(tookMs) };
}

/** Silence: every worker leaves, and its device with it. */
export async function rest({ traffic, watch }: Tour): Promise<StepResult> {
  title('7  Traffic stops');
  say(`idle_timeout is ${IDLE_TIMEOUT_SECONDS} s. Nobody asks any more.`);
  await traffic.quiet();
  const beganMs = performance.now();
  const samples = await watch.until(
    'zero workers',
    ({ endpoint, devicesFree }) => endpoint.workers.length === 0 && devicesFree === DEVICES,
  );
  const tookMs = performance.now() - beganMs;
  check(samples.at(-1)?.devicesFree === DEVICES, `zero workers after ${seconds(tookMs)}`);
  check(samples.at(-1)?.endpoint.status.status === 'running', `all ${DEVICES} devices are free again`);
  return { step: 'back to zero', seen: seconds(tookMs) };
}
