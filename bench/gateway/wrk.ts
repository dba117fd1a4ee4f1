import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram, LOAD_CORE } from './child.ts';
import type { Figures } from './load/message.ts';
import { WORK_BODY, WORK_PATH } from './load/request-text.ts';
import type { Target } from './subject.ts';

/** wrk sends more from one core than any load in JavaScript, so that the proxy's core is the one that is full. */
export function wrkIsThere(): boolean {
  return findProgram('wrk') !== null;
}

/** Closed loop over keep-alive connections for whole seconds. */
export async function wrk(
  folder: string,
  target: Target,
  connections: number,
  seconds: number,
): Promise<Figures> {
  const script = join(folder, `wrk-${target.port}.lua`);
  const headers = { 'content-type': 'application/json', ...target.headers };
  const lines = Object.entries(headers).map(([name, value]) => `wrk.headers[${lua(name)}] = ${lua(value)}`);
  writeFileSync(script, [`wrk.method = "POST"`, `wrk.body = ${lua(WORK_BODY)}`, ...lines].join('\n'));
  const url = `http://127.0.0.1:${target.port}${target.prefix}${WORK_PATH}`;
  const words = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url];
  const { stdout } = await promisify(execFile)('taskset', [
    '-c',
    String(LOAD_CORE),
    findProgram('wrk') ?? 'wrk',
    ...words,
  ]);
  const done = /(\d+) requests in/.exec(stdout)?.[1];
  if (done === undefined) throw new Error(`wrk said nothing of requests:\n${stdout}`);
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0;
  const broken =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1) ?? [];
  return {
    requests: Number(done),
    refused: Number(failed),
    lost: broken.reduce((sum, count) => sum + Number(count), 0),
  };
}

function lua(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
