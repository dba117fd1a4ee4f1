import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';
import { createJsonLog, type JsonLogLevel } from '../../src/adapters/log-json.ts';
import { AppError } from '../../src/base/errors.ts';
import type { Log } from '../../src/ports/log.ts';

interface Line {
  readonly [name: string]: unknown;
}

/** The object under this name in a line. */
function inside(line: Line | undefined, name: string): Line {
  const value = line?.[name];
  assert.ok(typeof value === 'object' && value !== null, `${name} is no object`);
  return value as Line;
}

function logged(level: JsonLogLevel, write: (log: Log) => void): Line[] {
  const lines: Line[] = [];
  const destination = {
    write(line: string) {
      assert.ok(line.endsWith('\n') && !line.slice(0, -1).includes('\n'), 'one object a line');
      lines.push(JSON.parse(line) as Line);
    },
  };
  write(createJsonLog({ level, destination }));
  return lines;
}

test('a line has its level, its time, its message and its facts', () => {
  const [line] = logged('info', (log) => log.info('worker ready', { workerId: 'w1', afterMs: 312 }));
  assert.ok(line);
  const { time, ...rest } = line;
  assert.deepEqual(rest, { level: 'info', message: 'worker ready', workerId: 'w1', afterMs: 312 });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('lines below the level are left out', () => {
  const writeAll = (log: Log): void => {
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
  };
  const levels = (level: JsonLogLevel): unknown[] => logged(level, writeAll).map((line) => line['level']);
  assert.deepEqual(levels('debug'), ['debug', 'info', 'warn', 'error']);
  assert.deepEqual(levels('info'), ['info', 'warn', 'error']);
  assert.deepEqual(levels('error'), ['error']);
  assert.deepEqual(levels('silent'), []);
});

test('an error is written with its code, its inside detail, its stack and its causes', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const error = new AppError('WORKER_BROKE', 'the worker broke', {
    detail: 'it was at 127.0.0.1:9',
    metadata: { worker: 'w1' },
    cause: new Error('no answer', { cause }),
  });
  const [line] = logged('info', (log) => log.warn('request failed', { failure: error }));
  const failure = inside(line, 'failure');
  assert.equal(failure['name'], 'AppError');
  assert.equal(failure['code'], 'WORKER_BROKE');
  assert.equal(failure['message'], 'the worker broke');
  assert.equal(failure['detail'], 'it was at 127.0.0.1:9');
  assert.deepEqual(failure['metadata'], { worker: 'w1' });
  assert.match(String(failure['stack']), /log-json\.test/);
  const first = inside(failure, 'cause');
  assert.equal(first['message'], 'no answer');
  assert.equal(inside(first, 'cause')['code'], 'ECONNREFUSED');
});

test('causes in a ring, gathered errors and causes that are no errors are written and end', () => {
  const ring = new Error('round');
  ring.cause = ring;
  const gathered = new AggregateError([new Error('one'), 'two'], 'both');
  const lines = logged('info', (log) => {
    log.error('ring', { error: ring });
    log.error('gathered', { error: gathered });
    log.error('text', { error: new Error('outer', { cause: 'inner' }) });
  });
  assert.equal(JSON.stringify(lines[0]).split('"message":"round"').length - 1, 6);
  const [one, two] = inside(lines[1], 'error')['errors'] as Line[];
  assert.equal(one?.['message'], 'one');
  assert.equal(two, 'two');
  assert.equal(inside(lines[2], 'error')['cause'], 'inner');
});

test('an authorization and its like never reach the log', () => {
  const secret = 'Bearer pl_secret';
  const lines = logged('debug', (log) => {
    log.info('plain', { authorization: secret, apiKey: secret, password: secret });
    log.info('headers', {
      headers: { authorization: secret, Authorization: secret, cookie: secret, host: 'a' },
    });
    log.info('deep', { request: { headers: { authorization: secret } } });
  });
  assert.equal(lines.length, 3);
  assert.ok(!JSON.stringify(lines).includes('pl_secret'));
  assert.equal(inside(lines[1], 'headers')['host'], 'a');
});

test('facts cannot break or forge a line', () => {
  const ring: Record<string, unknown> = {};
  ring['self'] = ring;
  const lines = logged('info', (log) => {
    log.info('real', { message: 'forged', level: 'fatal', time: 'never' });
    log.info('line\nbreak', { text: '"}\n{"level":"error"}', big: 12n, ring, nothing: undefined });
  });
  assert.equal(lines[0]?.['message'], 'real');
  assert.equal(lines[0]['level'], 'info');
  assert.equal(lines[0]['message_'], 'forged');
  assert.equal(lines[1]?.['message'], 'line\nbreak');
  assert.equal(lines[1]['text'], '"}\n{"level":"error"}');
});

test('by default lines go to the standard output, all of them, also when the process exits at once', async () => {
  const module = new URL('../../src/adapters/log-json.ts', import.meta.url).href;
  const program = `
    import { createJsonLog } from ${JSON.stringify(module)};
    const log = createJsonLog({ level: 'info' });
    for (let count = 0; count < 5000; count += 1) log.info('line', { count });
    process.exit(0);`;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'close');
  const lines = (await text(child.stdout)).trimEnd().split('\n');
  assert.equal((await ended)[0], 0);
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as Line)['count']),
    Array.from({ length: 5_000 }, (_, count) => count),
  );
});
