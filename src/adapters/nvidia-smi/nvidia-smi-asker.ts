import { execFile, type ExecFileException } from 'node:child_process';
import type { DeviceReading } from '../../ports/device-watch.ts';
import type { DeviceAnswer, DeviceQuestion } from './nvidia-smi-message.ts';
import {
  DEVICES_QUESTION,
  parseCudaVersion,
  parseDevices,
  parseProcesses,
  PROCESSES_QUESTION,
} from './nvidia-smi-output.ts';

/**
 * A small process of its own that asks `nvidia-smi`: to start a process blocks its parent for as long
 * as copying the parent's page tables takes, and the server must not stand still for that.
 */

/** A device has fallen off the bus: the others are listed all the same. */
const DEVICE_LOST_CODE = 15;
const OUTPUT_BYTES_MAX = 1_048_576;

const leaving = new AbortController();
/** It changes with the driver alone, and takes a question of its own. */
let known: { readonly driverVersion: string; readonly cudaVersion: string | null } | null = null;

async function read({ timeoutMs }: DeviceQuestion): Promise<DeviceReading> {
  const list = await run(DEVICES_QUESTION, timeoutMs);
  const listed = parseDevices(list.output);
  if (list.failure !== null && !(list.code === DEVICE_LOST_CODE && listed.length > 0))
    throw new Error(list.failure);
  // Without it, nobody is named; what is in use is known all the same.
  const processes = parseProcesses((await run(PROCESSES_QUESTION, timeoutMs)).output);
  const driverVersion = listed.find((device) => device.driverVersion !== null)?.driverVersion ?? null;
  if (driverVersion !== null && known?.driverVersion !== driverVersion)
    known = { driverVersion, cudaVersion: parseCudaVersion((await run([], timeoutMs)).output) };
  return {
    devices: listed.map(({ driverVersion: _driverVersion, ...device }) => ({
      ...device,
      processes: processes.get(device.id) ?? [],
    })),
    driverVersion,
    cudaVersion: known?.cudaVersion ?? null,
  };
}

interface Answer {
  readonly output: string;
  readonly code: number | null;
  /** Null when it went well. */
  readonly failure: string | null;
}

function run(words: readonly string[], timeoutMs: number): Promise<Answer> {
  const options = {
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_BYTES_MAX,
    signal: leaving.signal,
  } as const;
  return new Promise((resolve) => {
    execFile('nvidia-smi', words, options, (error, output, errors) => {
      const code = typeof error?.code === 'number' ? error.code : null;
      resolve({ output, code, failure: error === null ? null : failureOf(error, output, errors, timeoutMs) });
    });
  });
}

function failureOf(error: ExecFileException, output: string, errors: string, timeoutMs: number): string {
  if (error.code === 'ENOENT') return 'it was not found on the PATH';
  if (error.killed === true) return `it did not answer within ${timeoutMs / 1_000} s`;
  const said = `${errors} ${output}`.trim().split('\n')[0]?.slice(0, 200) ?? '';
  return `it ended with ${error.code ?? error.signal ?? error.message}${said === '' ? '' : `: ${said}`}`;
}

// A signal to the server's terminal or service is not for this process: it ends with the channel.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

process.on('message', (question) => {
  void read(question as DeviceQuestion)
    .then(
      (reading): DeviceAnswer => ({ reading }),
      (error: unknown): DeviceAnswer => ({ failure: (error as Error).message }),
    )
    .then((answer) => {
      if (process.connected) process.send?.(answer, undefined, undefined, () => undefined);
    });
});
process.on('disconnect', () => {
  leaving.abort();
  process.exit(0);
});
