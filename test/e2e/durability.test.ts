import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EndpointWriter, ServerGone } from '../support/endpoint-writer.ts';
import { ServerProcess } from '../support/server-process.ts';

const ROUNDS = 12;
const WRITERS = 8;
/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 240_000;
/** No worker is ever started: this is about records alone. */
const BODY = { worker_config: { max_replicas: 1, min_replicas: 0 } };

let made = 0;

/** One writer's next change: each endpoint is created, changed and deleted, and then made anew. */
async function change(
  server: ServerProcess,
  writers: EndpointWriter[],
  place: number,
  turn: number,
): Promise<void> {
  const writer = writers[place];
  assert.ok(writer !== undefined);
  if (!writer.isCreated) {
    made += 1;
    const next = new EndpointWriter(`endpoint-${made}`);
    writers[place] = next;
    await next.create(server, BODY);
    return;
  }
  const kind = (turn + place) % 4;
  if (kind === 3) await writer.remove(server);
  else if (kind === 2) await writer.revise(server, 'good');
  else await writer.rename(server);
}

it(
  'what was answered 200 is there after kill -9 at once after the answer',
  { timeout: TIME_OUT_MS },
  async () => {
    let server = await ServerProcess.start();
    const { dataDir } = server;
    const writers = Array.from({ length: WRITERS }, () => new EndpointWriter('not-yet-made'));
    const all = new Set<EndpointWriter>();
    let answers = 0;
    let unanswered = 0;
    try {
      for (let round = 1; round <= ROUNDS; round += 1) {
        // Killed by the answer that happens to be this one, while the other writers wait for theirs.
        let left = WRITERS + round;
        let killed = false;
        const death = Promise.withResolvers<void>();
        await Promise.all(
          writers.map(async (_, place) => {
            for (let turn = round; !killed; turn += 1) {
              try {
                await change(server, writers, place, turn);
              } catch (error) {
                if (!(error instanceof ServerGone) || !killed) throw error;
                unanswered += 1;
                return;
              } finally {
                for (const writer of writers) all.add(writer);
              }
              answers += 1;
              left -= 1;
              if (left > 0) continue;
              if (left === 0) death.resolve(server.kill());
              killed = true;
            }
          }),
        );
        await death.promise;
        server = await ServerProcess.start({ dataDir });
        const shown = await server.list();
        for (const writer of all) writer.check(shown);
        const known = new Set([...all].map(({ id }) => id));
        assert.deepEqual(
          shown.filter(({ id }) => !known.has(id)),
          [],
          'endpoints nobody asked for',
        );
      }
      assert.ok(answers >= ROUNDS * WRITERS, `${answers} answers`);
      assert.ok(unanswered > 0, 'every kill met an idle server');
    } finally {
      await server.dispose();
    }
  },
);
