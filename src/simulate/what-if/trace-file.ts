import { AppError } from '../../base/errors.ts';
import { MIB } from '../../base/units.ts';
import type { RequestList } from './request-list.ts';

export const TRACE_BYTES_MAX = 64 * MIB;
export const TRACE_ROWS_MAX = 2_000_000;
/** 400 days. */
const ARRIVAL_MAX_S = 34_560_000;
/** A day. */
const SERVICE_MAX_S = 86_400;
const TOKENS_MAX = 100_000_000;
/** What a request takes where the trace counts tokens: a usual model server on one GPU. */
const PROMPT_TOKEN_MS = 0.2;
const OUTPUT_TOKEN_MS = 20;
const SHOWN_LENGTH = 40;

const LAYOUTS = [
  ['arrival_s', 'service_s'],
  ['arrival_s', 'prompt_tokens', 'output_tokens'],
] as const;
type Column = (typeof LAYOUTS)[number][number];

const MAXIMA: Readonly<Record<Column, number>> = {
  arrival_s: ARRIVAL_MAX_S,
  service_s: SERVICE_MAX_S,
  prompt_tokens: TOKENS_MAX,
  output_tokens: TOKENS_MAX,
};

/**
 * Reads a trace: a header line, then one request a line, in the order of arrival. `text` is the file
 * byte by byte (latin1), so that a file which is no text still has lines to be named. Throws
 * TRACE_INVALID with the number of the line.
 */
export function readTrace(text: string): RequestList {
  if (text.length > TRACE_BYTES_MAX) {
    throw new AppError(
      'TRACE_INVALID',
      `The trace has more than ${TRACE_BYTES_MAX / MIB} MiB of text, which is the most; cut it, or take every n-th request.`,
      { metadata: { line: '0' } },
    );
  }
  const lines = linesOf(text);
  const header = lines.next();
  if (header.done === true || (header.value === '' && text.trim() === '')) {
    throw fault(1, `is missing: the file is empty. ${EXPECTED}`);
  }
  const columns = columnsOf(header.value);
  const arrivals: number[] = [];
  const services: number[] = [];
  let number = 1;
  let blankLine = 0;
  let lastArrivalS = 0;
  for (const line of lines) {
    number += 1;
    if (line.trim() === '') {
      blankLine ||= number;
      continue;
    }
    // Only the end of a file may be blank.
    if (blankLine > 0) throw fault(blankLine, 'is blank, and others follow; remove it');
    if (arrivals.length === TRACE_ROWS_MAX) {
      throw fault(number, `is one too many: a trace has at most ${TRACE_ROWS_MAX} requests; cut it`);
    }
    const values = valuesOf(line, number, columns);
    const arrivalS = values.arrival_s;
    if (arrivalS < lastArrivalS) {
      throw fault(
        number,
        `arrives at ${arrivalS} s, before the request of the line above, at ${lastArrivalS} s; sort the trace by arrival_s`,
      );
    }
    lastArrivalS = arrivalS;
    arrivals.push(arrivalS * 1_000);
    services.push(
      values.service_s === undefined
        ? (values.prompt_tokens ?? 0) * PROMPT_TOKEN_MS + (values.output_tokens ?? 0) * OUTPUT_TOKEN_MS
        : values.service_s * 1_000,
    );
  }
  if (arrivals.length === 0)
    throw fault(number + 1, 'is missing: there is a header and no request behind it');
  return {
    arrivalMs: Float64Array.from(arrivals),
    serviceMs: Float64Array.from(services),
    assumedRuns: 0,
    recorded: null,
    span: null,
  };
}

const EXPECTED = `The first line must be ${LAYOUTS.map((layout) => layout.join(',')).join(' or ')}`;

function fault(line: number, what: string): AppError {
  return new AppError('TRACE_INVALID', `Line ${line} of the trace ${what}.`, {
    metadata: { line: String(line) },
  });
}

function* linesOf(text: string): Generator<string> {
  let from = 0;
  while (from < text.length) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end === -1 ? text.length : end);
    yield line.endsWith('\r') ? line.slice(0, -1) : line;
    if (end === -1) return;
    from = end + 1;
  }
}

function columnsOf(header: string): readonly Column[] {
  // What some spreadsheets put in front of UTF-8, as latin1 shows it.
  const names = header
    .replace(/^\u00EF\u00BB\u00BF/, '')
    .split(',')
    .map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
  refuseBinary(header.replace(/^\u00EF\u00BB\u00BF/, ''), 1);
  const layout = LAYOUTS.find(
    (known) => known.length === names.length && known.every((name) => names.includes(name)),
  );
  if (layout === undefined) throw fault(1, `has the columns ${shown(header)}. ${EXPECTED}`);
  return names as Column[];
}

type Values = Readonly<{ arrival_s: number } & Partial<Record<Exclude<Column, 'arrival_s'>, number>>>;

function valuesOf(line: string, number: number, columns: readonly Column[]): Values {
  refuseBinary(line, number);
  const fields = line.split(',');
  if (fields.length !== columns.length) {
    throw fault(
      number,
      `has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}: ${shown(line)}; there must be ${columns.length}: ${columns.join(',')}`,
    );
  }
  const values: Record<string, number> = {};
  for (const [index, column] of columns.entries()) {
    values[column] = numberOf(fields[index] ?? '', column, number);
  }
  return values as Values;
}

function numberOf(field: string, column: Column, line: number): number {
  const text = field.trim().replace(/^"(.*)"$/, '$1');
  if (/^-\d/.test(text)) throw fault(line, `has the ${column} ${shown(text)}, which is negative`);
  const value = /^\d+(\.\d*)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw fault(line, `has the ${column} ${shown(text)}, which is not a number`);
  if (value > MAXIMA[column]) {
    throw fault(line, `has the ${column} ${shown(text)}; the most is ${MAXIMA[column]}`);
  }
  return value;
}

function refuseBinary(line: string, number: number): void {
  if (/[^\t\u0020-\u007E]/.test(line)) throw fault(number, 'is not plain text; the trace must be a CSV file');
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text);
}
