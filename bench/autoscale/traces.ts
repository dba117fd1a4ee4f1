import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** One endpoint's traffic: arrivals in order, and how long each request holds a slot. Seconds. */
export interface Trace {
  readonly name: string;
  readonly arrivalS: Float64Array;
  readonly serviceS: Float64Array;
}

const COLUMNS = 'arrival_s,prompt_tokens,output_tokens';
const PROMPT_TOKEN_S = 0.0002;
const OUTPUT_TOKEN_S = 0.02;
/** A request takes some time even if it asks for nothing. */
const SERVICE_MIN_S = 0.001;

/** All `*.csv` and `*.csv.gz` of a folder, sorted by name. */
export function readTraces(folder: string): readonly Trace[] {
  const files = readdirSync(folder)
    .filter((name) => /\.csv(\.gz)?$/.test(name))
    .toSorted();
  if (files.length === 0) throw new Error(`${folder} holds no *.csv and no *.csv.gz`);
  return files.map((file) => readTrace(join(folder, file)));
}

/** Throws with the line of the first fault. The first arrival becomes time 0. */
export function readTrace(path: string): Trace {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return parseTrace(basename(path).replace(/\.csv(\.gz)?$/, ''), text);
}

export function parseTrace(name: string, text: string): Trace {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines[0] !== COLUMNS) throw new Error(`${name}, line 1: the columns must be "${COLUMNS}"`);
  if (lines.length === 1) throw new Error(`${name}: there is no request in it`);
  const arrivalS = new Float64Array(lines.length - 1);
  const serviceS = new Float64Array(lines.length - 1);
  let firstS = 0;
  let lastS = 0;
  for (let index = 1; index < lines.length; index += 1) {
    const [arrival, prompt, output, more] = (lines[index] ?? '').split(',').map(Number);
    const at = `${name}, line ${index + 1}`;
    if (
      more !== undefined ||
      ![arrival, prompt, output].every((value) => Number.isFinite(value) && Number(value) >= 0)
    ) {
      throw new Error(`${at}: "${lines[index]}" is not three numbers of at least 0`);
    }
    if (index === 1) firstS = arrival ?? 0;
    const sinceFirstS = (arrival ?? 0) - firstS;
    if (sinceFirstS < lastS) throw new Error(`${at}: it arrives before the line above it`);
    lastS = sinceFirstS;
    arrivalS[index - 1] = sinceFirstS;
    serviceS[index - 1] = Math.max(
      SERVICE_MIN_S,
      (prompt ?? 0) * PROMPT_TOKEN_S + (output ?? 0) * OUTPUT_TOKEN_S,
    );
  }
  return { name, arrivalS, serviceS };
}
