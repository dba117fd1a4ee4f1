import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, startApi } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID } from '../support/stub-endpoint-service.ts';

const PATH = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}/requests`;

test('requests are shown with their times, and with what those wait for that wait', async (context) => {
  const { url, calls } = await startApi(context);
  assert.deepEqual((await ask(url + PATH)).json, {
    data: [
      {
        id: 'request12345',
        method: 'POST',
        path: '/v1/chat/completions',
        arrived_at: 1_700_000_001.5,
        wait_reason: 'noWorker',
        started_at: 1_700_000_002,
        worker_id: 'worker123456',
        revision: 1,
        first_byte_at: 1_700_000_002.25,
        ended_at: null,
        status: 200,
        outcome: null,
      },
    ],
    wait_for: 'no worker is ready',
  });
  await ask(`${url}${PATH}?limit=5`);
  assert.deepEqual(
    calls.map(({ args }) => args[1]),
    [100, 5],
  );
});

test('a limit out of bounds and an unknown endpoint are refused', async (context) => {
  const { url } = await startApi(context);
  for (const limit of ['0', '1001', 'x'])
    assert.equal((await ask(`${url}${PATH}?limit=${limit}`)).status, 400);
  assert.equal((await ask(url + PATH.replace(STUB_ENDPOINT_ID, 'nobody'))).status, 404);
});
