import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, test, type TestContext } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { EventReaders } from '../../src/api/event-readers.ts';
import type { EventReader } from '../../src/ports/endpoint-service.ts';
import { ask, KEY, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID, stubEvent, stubService } from '../support/stub-endpoint-service.ts';

const PATH = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}/events`;

interface EventsPage {
  readonly data: readonly { readonly id: number }[];
  readonly last_id: number | null;
  readonly has_more: boolean;
}

describe('page by page', () => {
  test('events come oldest first, and the last id leads to the next page', async (context) => {
    const { url } = await startApi(context);
    const first = (await ask(`${url}${PATH}?limit=1`)).json as EventsPage;
    assert.deepEqual([first.data.length, first.last_id, first.has_more], [1, 1, true]);
    const second = (await ask(`${url}${PATH}?limit=1&after=${first.last_id}`)).json as EventsPage;
    assert.deepEqual([second.data[0]?.id, second.has_more], [2, false]);
    const none = (await ask(`${url}${PATH}?after=2`)).json as EventsPage;
    assert.deepEqual([none.data, none.last_id, none.has_more], [[], null, false]);
  });

  test('an event is written with all it rests on', async (context) => {
    const { url } = await startApi(context);
    const { data } = (await ask(url + PATH)).json as { data: unknown[] };
    assert.deepEqual(data[0], {
      id: 1,
      at: 1_700_000_001.5,
      kind: 'scale',
      code: 'queue',
      message: 'a request waits',
      revision: null,
      worker_id: null,
      facts: { start: 1 },
    });
  });

  test('a limit, an id or a header that cannot be is refused', async (context) => {
    const { url } = await startApi(context);
    for (const query of ['limit=0', 'limit=501', 'after=-1', 'after=x']) {
      assert.equal((await ask(`${url}${PATH}?${query}`)).status, 400, query);
    }
    const answer = await ask(url + PATH, 'GET', undefined, { 'last-event-id': 'seven' });
    assert.equal(answer.status, 400);
    assert.match(
      (answer.json as { metadata: Record<string, string> }).metadata['last-event-id'] ?? '',
      /seven/,
    );
    assert.equal((await ask(url + PATH.replace(STUB_ENDPOINT_ID, 'nobody'))).status, 404);
  });
});

/** A stream of events, and the reader that the service was given for it. */
async function follow(context: TestContext, headers: Record<string, string> = {}, missed = false) {
  const clock = new ManualClock();
  const readers: EventReader[] = [];
  const asked: unknown[] = [];
  let stops = 0;
  const service = stubService({
    eventsFollow: (_id, after, _caller, reader) => {
      asked.push(after);
      readers.push(reader);
      return { past: [stubEvent(7)], missed, stop: () => (stops += 1) };
    },
  });
  const eventReaders = new EventReaders(clock);
  const { url } = await startApi(context, { service, eventReaders, clock });
  const request = get(url + PATH, {
    headers: { authorization: `Bearer ${KEY}`, accept: 'text/event-stream', ...headers },
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  let text = '';
  response.on('data', (part: string) => (text += part));
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(text)) await once(response, 'data');
  };
  return { clock, readers, asked, eventReaders, response, until, text: () => text, stops: () => stops };
}

describe('as a stream', () => {
  test('it is not what a HEAD is answered by: that would never end', async (context) => {
    const { url, calls } = await startApi(context);
    const { status, headers } = await fetch(url + PATH, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${KEY}`, accept: 'text/event-stream' },
      signal: AbortSignal.timeout(30_000),
    });
    assert.deepEqual([status, headers.get('content-type')], [200, 'application/json; charset=utf-8']);
    assert.deepEqual(
      calls.map(({ method }) => method),
      ['eventList'],
    );
  });

  test('past events come first, then each as it happens', async (context) => {
    const { response, readers, until, text } = await follow(context);
    assert.equal(response.headers['content-type'], 'text/event-stream; charset=utf-8');
    await until(/id: 7/);
    readers[0]?.onEvent(stubEvent(8));
    await until(/id: 8\nevent: scale\ndata: \{"id":8,/);
    assert.ok(text().startsWith(': connected\n\n'));
  });

  test('it takes up behind the last event that was seen, and says when some are gone', async (context) => {
    const { asked, until } = await follow(context, { 'last-event-id': '5' }, true);
    await until(/^event: missed\ndata: \{\}\n\nid: 7/);
    assert.deepEqual(asked, [5]);
  });

  test('a quiet one is kept alive', async (context) => {
    const { clock, until } = await follow(context);
    await until(/id: 7/);
    clock.advance(15_000);
    await until(/\n: \n\n/);
    clock.advance(15_000);
    await until(/\n: \n\n: \n\n/);
  });

  test('it ends with its endpoint, and with the server', async (context) => {
    const first = await follow(context);
    first.readers[0]?.onEnd();
    await once(first.response, 'end');
    assert.ok(first.stops() > 0);
    const second = await follow(context);
    second.eventReaders.close();
    await once(second.response, 'end');
    assert.ok(second.stops() > 0);
  });

  test('a reader that goes away is forgotten', async (context) => {
    const { response, stops, until } = await follow(context);
    await until(/id: 7/);
    response.destroy();
    while (stops() === 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test('a reader that does not read is cut off instead of being kept for', async (context) => {
    const { response, readers, stops, until } = await follow(context);
    await until(/id: 7/);
    response.pause();
    const large = { ...stubEvent(9), message: 'x'.repeat(60_000) };
    for (let count = 0; count < 2_000 && stops() === 0; count += 1) {
      readers[0]?.onEvent(large);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(stops() > 0);
  });

  test('what refuses it is answered as any refusal', async (context) => {
    const service = stubService({
      eventsFollow: () => {
        throw new AppError('EVENT_READERS_LIMIT', 'too many');
      },
    });
    const { url } = await startApi(context, { service });
    const answer = await ask(url + PATH, 'GET', undefined, { accept: 'text/event-stream' });
    assert.deepEqual(
      [answer.status, (answer.json as { reason: string }).reason],
      [429, 'EVENT_READERS_LIMIT'],
    );
  });
});
