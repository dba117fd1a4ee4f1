import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ServerProcess } from '../support/server-process.ts';

const ENDPOINTS = '/gpus/v2/endpoints';
const ROUNDS = 8;
const WRITERS = 6;
/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 240_000;
const BODY = {
  type: 'sync',
  product_id: 'cpu',
  image: 'host:examples/echo',
  command: 'node server.ts',
  worker_config: { max_replicas: 1 },
};

interface Answered {
  readonly text: string;
  readonly replayed: boolean;
}

/** One change under its own key, or null when the server went before it was answered. */
async function ask(
  server: ServerProcess,
  method: string,
  path: string,
  body: unknown,
  key: string,
): Promise<Answered | null> {
  let answer: Response;
  let text: string;
  try {
    answer = await server.request(method, path, body, { 'idempotency-key': key });
    text = await answer.text();
  } catch {
    return null;
  }
  assert.equal(answer.status, 200, text);
  return { text, replayed: answer.headers.get('idempotency-replayed') === 'true' };
}

it(
  'a change that is repeated under its key after kill -9 has one effect, answered or not',
  { timeout: TIME_OUT_MS },
  async () => {
    let server = await ServerProcess.start();
    const { dataDir } = server;
    const ids = await Promise.all(
      Array.from({ length: WRITERS }, async (_, place) =>
        server.create({ ...BODY, name: `endpoint-${place}` }),
      ),
    );
    const changes = ids.map(() => 0);
    const created = new Set<string>();
    let unanswered = 0;
    let replays = 0;
    try {
      for (let round = 1; round <= ROUNDS; round += 1) {
        let left = WRITERS + 3 * round;
        const death = Promise.withResolvers<void>();
        const open: (() => Promise<void>)[] = [];
        await Promise.all(
          ids.map(async (id, place) => {
            while (left > 0) {
              const count = (changes[place] ?? 0) + 1;
              changes[place] = count;
              const key = `${place}-${count}`;
              // Each change makes a revision, or an endpoint where the count says so: both can be counted.
              const [method, path, body] =
                count % 4 === 0
                  ? (['POST', ENDPOINTS, { ...BODY, name: `made-${key}` }] as const)
                  : (['PUT', `${ENDPOINTS}/${id}`, { envs: [{ key: 'COUNT', value: key }] }] as const);
              if (method === 'POST') created.add(`made-${key}`);
              const first = await ask(server, method, path, body, key);
              open.push(async () => {
                const again = await ask(server, method, path, body, key);
                assert.ok(again !== null, 'the new server answers');
                if (first === null) unanswered += 1;
                else assert.deepEqual(again, { text: first.text, replayed: true });
                if (again.replayed) replays += 1;
              });
              if (first === null) return;
              left -= 1;
              if (left === 0) death.resolve(server.kill());
            }
          }),
        );
        await death.promise;
        server = await ServerProcess.start({ dataDir });
        for (const repeat of open) await repeat();
        for (const [place, id] of ids.entries()) {
          const count = changes[place] ?? 0;
          const { revision } = await server.get(id);
          assert.equal(revision, 1 + count - Math.floor(count / 4), `writer ${place} after ${count} changes`);
        }
        const made = (await server.list())
          .map(({ name }) => String(name))
          .filter((name) => name.startsWith('made'));
        assert.deepEqual(made.toSorted(), [...created].toSorted());
      }
      assert.ok(unanswered > 0, 'every kill met an idle server');
      assert.ok(replays > ROUNDS, `${replays} replays`);
    } finally {
      await server.dispose();
    }
  },
);

it(
  'two clients that read, change and put at once over HTTP: one gets 412 with what the other changed',
  { timeout: TIME_OUT_MS },
  async () => {
    const server = await ServerProcess.start();
    try {
      const id = await server.create(BODY);
      const path = `${ENDPOINTS}/${id}`;
      for (let round = 0; round < 20; round += 1) {
        const read = await server.request('GET', path);
        const etag = read.headers.get('etag') ?? '';
        assert.equal(((await read.json()) as { etag: string }).etag, etag);
        const names = [`first-${round}`, `second-${round}`];
        const answers = await Promise.all(
          names.map(async (name) => server.request('PUT', path, { name }, { 'if-match': etag })),
        );
        assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 412]));
        const winner = names[answers.findIndex(({ status }) => status === 200)] ?? '';
        const refused = answers.find(({ status }) => status === 412) ?? assert.fail('no refusal');
        const { metadata } = (await refused.json()) as { metadata: Record<string, string> };
        const now = await server.get(id);
        assert.equal(now['name'], winner);
        assert.equal(refused.headers.get('etag'), now['etag']);
        assert.match(metadata['name'] ?? '', new RegExp(`is now "${winner}"$`));
      }
    } finally {
      await server.dispose();
    }
  },
);
