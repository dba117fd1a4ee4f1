import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRequest } from '../http1/request-head.ts';
import { innerHeaders, workerRequestHeaders, type FieldSink } from './headers.ts';

/** What a sink got, as it would be written. */
class Written implements FieldSink {
  text = '';
  runs = 0;

  field(name: string, value: string): void {
    this.text += `${name}: ${value}\r\n`;
  }

  lines(text: string): void {
    this.runs += 1;
    this.text += text;
  }
}

function read(lines: readonly string[]): ReturnType<typeof parseRequest> {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1');
  return parseRequest(bytes, 0, bytes.length);
}

const NAME = fc.oneof(
  fc.constantFrom('Accept', 'TE', 'Keep-Alive', 'Expect', 'Cookie', 'x-a', 'X-Forwarded-For', 'Upgrade'),
  fc
    .stringMatching(/^[a-zA-Z0-9-]{1,14}$/)
    .filter((name) => !/^(?:host|connection|content-length)$/i.test(name)),
);
const LINE = fc.record({
  name: NAME,
  before: fc.constantFrom(' ', ' ', ' ', '', '\t', '  ', ' \t'),
  value: fc.stringMatching(/^(?:[!-~\x80-\xff](?:[ -~]{0,8}[!-~])?)?$/),
  after: fc.constantFrom('', '', '', ' ', '\t '),
});

test('fields are passed on to the byte as they would be one by one, whatever their lines look like', () => {
  fc.assert(
    fc.property(fc.array(LINE, { maxLength: 12 }), (lines) => {
      const kept = lines.filter(({ name }) => !/^transfer-encoding$/i.test(name));
      const head = read([
        'Host: h',
        ...kept.map(({ name, before, value, after }) => `${name}:${before}${value}${after}`),
      ]);
      const written = new Written();
      innerHeaders(written, head);
      const singly = new Written();
      innerHeaders(singly, { ...head, text: '', fieldsAt: 0 });
      assert.equal(written.text, singly.text);
      assert.equal(singly.runs, 0);
    }),
  );
});

test('lines that follow each other go on as one text, and end where one is left out', () => {
  const head = read(['Accept: a', 'User-Agent: b', 'Authorization: Bearer c', 'X-A: 1', 'Host: h', 'X-B:2']);
  const written = new Written();
  workerRequestHeaders(
    written,
    { head, address: '9.9.9.9', encrypted: false, requestId: 'id' },
    '127.0.0.1:1',
  );
  assert.equal(
    written.text,
    'Host: 127.0.0.1:1\r\nAccept: a\r\nUser-Agent: b\r\nX-A: 1\r\nX-B: 2\r\n' +
      'X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nX-Request-Id: id\r\n',
  );
  assert.equal(written.runs, 2);
});
