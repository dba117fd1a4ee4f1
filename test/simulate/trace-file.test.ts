import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import { readTrace, TRACE_BYTES_MAX, TRACE_ROWS_MAX } from '../../src/simulate/what-if/trace-file.ts';

const HEADER = 'arrival_s,service_s';

function columnsOf(text: string): [number[], number[]] {
  const { arrivalMs, serviceMs } = readTrace(text);
  return [[...arrivalMs], [...serviceMs]];
}

test('a trace of arrivals and service times', () => {
  assert.deepEqual(columnsOf(`${HEADER}\n0,1.5\n0,0\n2.25,1e1\n`), [
    [0, 0, 2_250],
    [1_500, 0, 10_000],
  ]);
});

test('a trace of tokens gets the usual service times', () => {
  assert.deepEqual(columnsOf('arrival_s,prompt_tokens,output_tokens\n1,1000,50\n'), [[1_000], [1_200]]);
});

test('columns in another order, quotes, spaces, CRLF, a byte order mark and blank lines at the end', () => {
  const text = '\u00EF\u00BB\u00BF"service_s", arrival_s\r\n"1", 2\r\n3,4\r\n\r\n\n';
  assert.deepEqual(columnsOf(text), [
    [2_000, 4_000],
    [1_000, 3_000],
  ]);
});

const BAD: readonly (readonly [what: string, text: string, line: number, message: RegExp])[] = [
  ['an empty file', '', 1, /is missing: the file is empty.*arrival_s,service_s or arrival_s,prompt_tokens/],
  ['a file of blank lines', '\n\n', 1, /the file is empty/],
  ['a header alone', `${HEADER}\n`, 2, /no request behind it/],
  ['no header', '0,1\n1,1\n', 1, /has the columns "0,1"\. The first line must be/],
  ['wrong columns', 'time,tokens\n0,1\n', 1, /has the columns "time,tokens"/],
  ['a column too many', `${HEADER},colour\n0,1,red\n`, 1, /has the columns "arrival_s,service_s,colour"/],
  ['a column twice', 'arrival_s,arrival_s\n0,1\n', 1, /has the columns/],
  ['an unsorted one', `${HEADER}\n5,1\n6,1\n4.5,1\n`, 4, /arrives at 4\.5 s, before .* 6 s; sort the trace/],
  ['a negative arrival', `${HEADER}\n-1,1\n`, 2, /arrival_s "-1", which is negative/],
  ['a negative service time', `${HEADER}\n0,1\n1,-0.5\n`, 3, /service_s "-0\.5", which is negative/],
  ['a word', `${HEADER}\n0,fast\n`, 2, /service_s "fast", which is not a number/],
  ['NaN', `${HEADER}\n0,NaN\n`, 2, /service_s "NaN", which is not a number/],
  ['infinity', `${HEADER}\nInfinity,1\n`, 2, /arrival_s "Infinity", which is not a number/],
  ['a number beyond all numbers', `${HEADER}\n1e999,1\n`, 2, /arrival_s "1e999"; the most is/],
  ['hexadecimal', `${HEADER}\n0x10,1\n`, 2, /not a number/],
  ['an empty field', `${HEADER}\n0,\n`, 2, /service_s "", which is not a number/],
  ['a missing field', `${HEADER}\n0,1\n2\n`, 3, /has 1 field: "2"; there must be 2/],
  ['an extra field', `${HEADER}\n0,1,2\n`, 2, /has 3 fields: "0,1,2"/],
  ['another separator', 'arrival_s;service_s\n0;1\n', 1, /has the columns "arrival_s;service_s"/],
  ['a service time of more than a day', `${HEADER}\n0,86401\n`, 2, /service_s "86401"; the most is 86400/],
  ['an arrival after more than a year', `${HEADER}\n0,1\n99999999,1\n`, 3, /the most is 34560000/],
  ['a blank line in the middle', `${HEADER}\n0,1\n\n1,1\n`, 3, /is blank, and others follow/],
  ['a program', `\u007FELF\u0002\u0001\u0000${'\u0000'.repeat(50)}`, 1, /is not plain text/],
  ['binary rows', `${HEADER}\n0,1\n\u0000\u0001\u00FF\n`, 3, /is not plain text/],
  ['a long line', `${HEADER}\n0,${'9'.repeat(5_000)}\n`, 2, /service_s "9{40}…"; the most is/],
];

for (const [what, text, line, message] of BAD) {
  test(`${what} is refused, with the number of the line`, () => {
    assert.throws(
      () => readTrace(text),
      (error: unknown) => {
        assert.ok(error instanceof AppError);
        assert.equal(error.code, 'TRACE_INVALID');
        assert.deepEqual(error.metadata, { line: String(line) });
        assert.match(error.message, new RegExp(`^Line ${line} of the trace `));
        assert.match(error.message, message);
        assert.ok(error.message.length < 300, 'no message repeats a file');
        return true;
      },
    );
  });
}

test('a huge trace is refused by its rows and by its bytes', () => {
  const row = '1,1\n';
  const rows = `${HEADER}\n${row.repeat(TRACE_ROWS_MAX)}`;
  assert.equal(readTrace(rows).arrivalMs.length, TRACE_ROWS_MAX);
  const tooMany = {
    code: 'TRACE_INVALID',
    message: new RegExp(`^Line ${TRACE_ROWS_MAX + 2} .*one too many`),
  };
  assert.throws(() => readTrace(rows + row), tooMany);
  assert.throws(() => readTrace(' '.repeat(TRACE_BYTES_MAX + 1)), {
    code: 'TRACE_INVALID',
    message: /more than 64 MiB/,
  });
});
