/**
 * Gateway threads under load, with clients that leave and threads that are killed, until a worker saw
 * more requests at once than it has slots, or all were sent.
 *
 *   npm run soak:gateways                              1,000,000 requests on two threads
 *   npm run soak:gateways -- --requests 60000 --threads 4 --kills 10 --seed 7
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { soakGateways } from '../test/support/gateway-soak/soak.ts';

const SLOTS = [1, 2, 4, 32];

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    threads: { type: 'string', default: '2' },
    kills: { type: 'string', default: '60' },
    drains: { type: 'string', default: '400' },
    clients: { type: 'string', default: '64' },
    seed: { type: 'string' },
  },
});
const seed = Number(values.seed ?? randomInt(2 ** 31));
const perPhase = (all: string): number => Math.ceil(Number(all) / SLOTS.length);
console.log(`seed ${seed}, ${values.requests} requests, ${values.threads} threads, 4 workers`);
const results = await soakGateways({
  threads: Number(values.threads),
  workers: 4,
  clients: Number(values.clients),
  slots: SLOTS,
  requests: perPhase(values.requests),
  kills: perPhase(values.kills),
  drains: perPhase(values.drains),
  leaveShare: 0.1,
  seed,
});
for (const result of results) console.log(JSON.stringify(result));
const violations = results.filter(({ most, slots, stuck }) => Math.max(...most) > slots || stuck > 0);
console.log(violations.length === 0 ? 'no limit was passed, and no request got stuck' : 'VIOLATED');
process.exitCode = violations.length === 0 ? 0 : 1;
