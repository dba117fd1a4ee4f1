import { ClientError } from '../../../client/client-error.ts';
import type { SimulateBody } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { given, proposalOfOptions, SIMULATED_OPTIONS } from '../../endpoint-flags.ts';
import { EXIT, UsageError } from '../../io.ts';
import type { Terminal } from '../../io.ts';
import { LiveView } from '../../live-view.ts';
import { showSimulation } from '../../simulate-report.ts';
import { traceUpload } from '../../trace-upload.ts';
import { waitGoals } from '../../wait-goals.ts';

const BAR_WIDTH = 30;

export const endpointsSimulate = defineCommand({
  name: 'endpoints simulate',
  summary: 'tell what other settings would have made of the recorded requests; changes nothing',
  details:
    'Runs the requests of the last days, or those of a trace, through the settings in force and the proposed ones.\n' +
    'A trace is a CSV file, or one compressed with gzip, sorted by arrival, with the columns arrival_s,service_s\n' +
    'or arrival_s,prompt_tokens,output_tokens. Exit code 1 when --advise finds nothing that holds. Ctrl-C ends it.',
  arguments: { endpoint: 'id of the endpoint' },
  options: {
    ...SIMULATED_OPTIONS,
    window: { kind: 'text', value: 'TIME', description: 'how far back: 90m, 24h, 7d (default 7d)' },
    advise: {
      kind: 'texts',
      value: 'GOAL',
      description: 'search the cheapest settings that hold it, such as "p95<2s"',
    },
    trace: { kind: 'text', value: 'FILE', description: 'take the requests of this file instead' },
  },
  examples: [
    'pilotlight endpoints simulate ezt9nyhhtwwe --min 1 --idle-timeout 300 --window 24h',
    'pilotlight endpoints simulate ezt9nyhhtwwe --advise "p95<2s"',
  ],
  async run({ client, io, output, options, arguments: { endpoint: id } }) {
    if (options.trace !== undefined && options.window !== undefined) {
      throw new UsageError('--trace and --window exclude each other');
    }
    const goals = waitGoals(options.advise);
    const trace = options.trace === undefined ? undefined : await traceUpload(options.trace, io);
    const path = { endpoint_id: id };
    const endpoint = await client.call('getEndpoint', { path });
    const body = {
      ...proposalOfOptions(options, endpoint),
      ...given({ window: options.window, advise: goals, trace }),
    } as SimulateBody;
    const progress = new Progress(options.json ? null : io.stdout);
    try {
      const answer = await client.callWithProgress('simulateEndpoint', { path, body }, (data) =>
        progress.show(data),
      );
      progress.clear();
      if (options.json) output.json(answer);
      else showSimulation(endpoint, answer, goals, output);
      return answer.advice?.holds === false ? EXIT.failed : EXIT.ok;
    } catch (error) {
      progress.clear();
      throw named(error, options.trace);
    }
  },
});

/** The server knows lines, and not the file they are of. */
function named(error: unknown, file: string | undefined): unknown {
  if (!(error instanceof ClientError) || error.reason !== 'TRACE_INVALID' || file === undefined) return error;
  const { status, reason, message } = error;
  return new ClientError(`${file}: ${message}`, { status, reason, cause: error });
}

const STAGES: Readonly<Record<string, string>> = {
  now: 'the settings in force',
  proposed: 'the proposed settings',
  advise: 'searching for advice',
};

/** A bar that moves, on a terminal. */
class Progress {
  readonly #view: LiveView | null;

  constructor(terminal: Terminal | null) {
    this.#view = terminal?.isTty === true ? new LiveView(terminal) : null;
  }

  show(data: unknown): void {
    const { stage = '', done = 0, of = 1 } = data as { stage?: string; done?: number; of?: number };
    const share = Math.min(1, done / Math.max(1, of));
    const filled = Math.round(BAR_WIDTH * share);
    const bar = '#'.repeat(filled) + '-'.repeat(BAR_WIDTH - filled);
    const percent = `${Math.floor(share * 100)} %`.padStart(5);
    this.#view?.draw([`[${bar}] ${percent}  ${STAGES[stage] ?? ''}`]);
  }

  clear(): void {
    this.#view?.clear();
  }
}
