/**
 * The tour of the main job, for a machine without GPU, Docker or database: about a minute, everything
 * real but the devices. Exit code 0 only if every step held; 130 when it was interrupted.
 */
import { broken, surge, swap } from './update-steps.ts';
import { growth, rest } from './growth-step.ts';
import { bad, good, murmur, say, seconds, table, title } from './screen.ts';
import { check } from './step-failure.ts';
import { TourServer } from './tour-server.ts';
import { createEndpoint, DEVICES, type StepResult, type Tour } from './tour.ts';
import { Traffic } from './traffic.ts';
import { stream, wake } from './wake-step.ts';
import { Watch } from './watch.ts';
import { whatIf } from './what-if-step.ts';

const STEPS: readonly ((tour: Tour) => Promise<StepResult>)[] = [
  wake,
  stream,
  growth,
  surge,
  swap,
  broken,
  rest,
  whatIf,
];
const INTERRUPTED = 130;

async function run(server: TourServer, signal: AbortSignal): Promise<void> {
  const beganMs = performance.now();
  say(`A server starts with ${DEVICES} pretended GPUs. Workers, requests and updates are real.`);
  say('It takes about a minute and leaves nothing behind.');
  await server.start();
  signal.throwIfAborted();
  const { client } = server;
  const { id, url } = await createEndpoint(client);
  const traffic = new Traffic(url, server.apiKey);
  const abandon = (): void => traffic.abandon();
  signal.addEventListener('abort', abandon);
  const results: StepResult[] = [];
  try {
    const tour = { client, id, traffic, watch: new Watch(client, id, signal) };
    for (const step of STEPS) {
      results.push(await step(tour));
      signal.throwIfAborted();
    }
  } finally {
    abandon();
    summary(results, traffic, performance.now() - beganMs);
  }
  const { sent, answered, lost } = traffic.count;
  check(lost === 0 && answered === sent, 'every request that was sent was answered in full');
}

function summary(results: readonly StepResult[], { count, failures }: Traffic, tookMs: number): void {
  title('Summary');
  table(results.map(({ step, seen }) => [step, seen]));
  console.log();
  say(`${count.sent} requests sent, ${count.answered} answered, ${count.lost} lost, in ${seconds(tookMs)}`);
  for (const failure of failures) murmur(`lost: ${failure}`);
}

const interrupted = new AbortController();
const { signal } = interrupted;
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (signal.aborted) process.exit(INTERRUPTED);
    console.log('\n  Interrupted; cleaning up. Once more ends at once and may leave workers.');
    interrupted.abort(new Error(`interrupted by ${name}`));
  });
}

const server = await TourServer.create(DEVICES);
try {
  await run(server, signal);
} catch (error) {
  process.exitCode = signal.aborted ? INTERRUPTED : 1;
  bad(error instanceof Error ? error.message : String(error));
  if (!signal.aborted) {
    say(`The server ${server.alive ? 'runs still' : 'ended by itself'}. What it wrote last:`);
    for (const line of server.lastLines) murmur(line);
  }
}
try {
  await server.close();
} catch (error) {
  process.exitCode = 1;
  bad(`could not clean up: ${error instanceof Error ? error.message : String(error)}`);
}
if (process.exitCode === undefined) {
  good('nothing is left running');
  title('How to go on');
  say('npm start          serves on http://127.0.0.1:8080 and prints a key');
  say('README.md          the first endpoint, with curl');
  say('examples/          the echo worker of this tour, a chat completions server');
}
