import type { Client } from '../../../client/client.ts';
import type { Endpoint, EndpointUpdateBody, UpdateAnswer } from '../../../client/schema.ts';
import { readBody } from '../../body-file.ts';
import { defineCommand } from '../../define-command.ts';
import { CHANGE_OPTIONS } from '../../change-flags.ts';
import { bodyOfOptions, ENDPOINT_OPTIONS, given } from '../../endpoint-flags.ts';
import type { EndpointBody, EndpointOptions } from '../../endpoint-flags.ts';
import { EXIT, UsageError } from '../../io.ts';
import type { Io } from '../../io.ts';
import { printable } from '../../output.ts';
import type { Output } from '../../output.ts';
import type { RolloutProgress, WatchedRollout } from '../../rollout-progress.ts';
import { watchRollout } from '../../rollout-watch.ts';

export const endpointsUpdate = defineCommand({
  name: 'endpoints update',
  summary: 'change an endpoint; new workers replace the old ones and no request is lost',
  details:
    '--env changes or adds one variable and keeps the others; --port and --volume replace the whole list.\n' +
    'An empty --command, --entrypoint or --registry-auth clears it.',
  arguments: { endpoint: 'id of the endpoint' },
  options: {
    ...ENDPOINT_OPTIONS,
    'unset-env': { kind: 'texts', value: 'KEY', description: 'environment variable to remove' },
    'no-env': { kind: 'flag', description: 'remove the present variables' },
    'no-port': { kind: 'flag', description: 'remove the present ports' },
    'no-volume': { kind: 'flag', description: 'remove the present volumes' },
    ...CHANGE_OPTIONS,
    watch: { kind: 'flag', description: 'follow the rollout to its end; exit code 1 when it fails' },
  },
  examples: [
    "pilotlight endpoints update 3f9c2a71d04b5e68 --command 'node server-2.ts' --watch",
    'pilotlight endpoints update 3f9c2a71d04b5e68 --env GREETING=hi --max 5',
  ],
  async run({ client, io, output, options, arguments: { endpoint: id } }) {
    const base = await readBody(options.file, io);
    const before = await client.call('getEndpoint', { path: { endpoint_id: id } });
    const body = updateBody(options, base, before);
    if (Object.keys(body).length === 0) throw new UsageError('say what to change, by options or by --file');
    // What is wrong in it is the server's to say: it tells all of it at once.
    const answer = await client.call('updateEndpoint', {
      path: { endpoint_id: id },
      // The body was made for what was read: what others changed meanwhile is not to be overwritten.
      header: given({
        'if-match': options['if-match'] ?? before.etag,
        'idempotency-key': options['idempotency-key'],
      }),
      body: body as EndpointUpdateBody,
    });
    const rollout = options.watch ? answer.rollout : null;
    if (!options.json) tell(answer, output, rollout === null ? id : null);
    else if (rollout === null) output.json(answer);
    if (rollout === null) return EXIT.ok;
    const watched = { rolloutId: rollout.id, revision: answer.revision, before };
    return await follow({ client, io, output, watched, answer, json: options.json });
  },
});

interface Clearing {
  readonly 'unset-env': readonly string[];
  readonly 'no-env': boolean;
  readonly 'no-port': boolean;
  readonly 'no-volume': boolean;
}

function updateBody(options: EndpointOptions & Clearing, base: EndpointBody, before: Endpoint): EndpointBody {
  const cleared: EndpointBody = {
    ...base,
    ...(options['no-env'] ? { envs: [] } : {}),
    ...(options['no-port'] ? { ports: [] } : {}),
    ...(options['no-volume'] ? { volumes: [] } : {}),
  };
  const unset = options['unset-env'];
  if (unset.length === 0) return bodyOfOptions(options, cleared, before);
  const present = cleared.envs ?? before.envs;
  const unknown = unset.find((key) => !present.some((variable) => variable.key === key));
  if (unknown !== undefined) throw new UsageError(`--unset-env: the endpoint has no variable "${unknown}"`);
  const envs = present.filter((variable) => !unset.includes(variable.key));
  return bodyOfOptions(options, { ...cleared, envs }, before);
}

/** `endpointId`: null when the rollout is followed, else for the advice how to follow it. */
function tell({ revision, changed, rollout }: UpdateAnswer, output: Output, endpointId: string | null): void {
  const named = (wanted: string): string =>
    Object.entries(changed)
      .filter(([, changeClass]) => changeClass === wanted)
      .map(([path]) => printable(path))
      .join(', ');
  const settings = named('settings');
  const renewing = named('revision');
  if (settings === '' && renewing === '') output.line('Nothing changed.');
  if (settings !== '') output.line(`In force now: ${settings}.`);
  if (renewing !== '') output.line(`Needs new workers, revision ${revision}: ${renewing}.`);
  if (rollout !== null && endpointId !== null) {
    output.line(`The rollout runs; see it with: pilotlight endpoints get ${endpointId}`);
  }
}

interface Follow {
  readonly client: Client;
  readonly io: Io;
  readonly output: Output;
  readonly watched: WatchedRollout;
  readonly answer: UpdateAnswer;
  readonly json: boolean;
}

async function follow({ client, io, output, watched, answer, json }: Follow): Promise<number> {
  const startedAtMs = io.nowMs();
  const progress = await watchRollout({ client, io, output, watched, silent: json });
  const failed = progress.outcome === 'failed' || progress.outcome === 'superseded';
  const seconds = ((io.nowMs() - startedAtMs) / 1000).toFixed(1);
  const text = endText(progress, answer.revision, seconds);
  if (json) output.json({ ...answer, outcome: progress.outcome, message: progress.message });
  else if (failed) output.note(`error: ${text}`);
  else output.line(text);
  return failed ? EXIT.failed : EXIT.ok;
}

function endText({ outcome, replaced, message }: RolloutProgress, revision: number, seconds: string): string {
  const why = printable(message);
  switch (outcome) {
    case 'failed':
      return why;
    case 'superseded':
      return why === ''
        ? `revision ${revision} was superseded by a newer update`
        : `revision ${revision} was superseded: ${why}`;
    case 'asleep':
      return asleepText(revision);
    case 'done':
    case 'moving':
      // Idle workers may leave in the middle of it.
      if (replaced === 0) return asleepText(revision);
      return `Revision ${revision} serves: ${replaced} ${replaced === 1 ? 'worker' : 'workers'} after ${seconds} s.`;
  }
}

function asleepText(revision: number): string {
  return `No worker runs now; the next one to start has revision ${revision}.`;
}
