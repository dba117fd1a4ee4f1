/** One of several gateway threads: it reads its own connections, and shares slots and lines with the others. */
import type { AddressInfo } from 'node:net';
import { isMainThread, MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { createJsonLog } from '../../adapters/log-json.ts';
import { systemClock } from '../../adapters/system-clock.ts';
import { systemRandom } from '../../adapters/system-random.ts';
import { forwardClock } from '../../base/clock.ts';
import { impossible } from '../../base/errors.ts';
import { EVENT_DELAY_MS, GatewayThread } from '../../gateway/threads/gateway-thread.ts';
import { SharedTable } from '../../gateway/threads/shared-table.ts';
import { PortStream } from './port-stream.ts';
import { onShared } from './shared-wait.ts';
import type { SetupOrder, SetupReport, ThreadSetup } from './thread-setup.ts';

const port =
  isMainThread || parentPort === null
    ? impossible('gateway-thread-3b7e', 'this file was run outside a worker thread')
    : parentPort;
const setup = workerData as ThreadSetup;
const apiKeys = new Map(setup.apiKeys.map((key) => [key.hash, key]));
const table = new SharedTable(setup.table);
const { words } = table;

function report(message: SetupReport): void {
  port.postMessage(message);
}

const thread = new GatewayThread({
  ...setup,
  clock: forwardClock(systemClock()),
  random: systemRandom(),
  log: createJsonLog({ level: setup.logLevel }),
  apiKeys: (sha256Hex) => apiKeys.get(sha256Hex),
  connectInside(address) {
    const { port1, port2 } = new MessageChannel();
    const message: SetupReport = { kind: 'inside', address, port: port2 };
    port.postMessage(message, [port2]);
    return new PortStream(port1);
  },
  report,
  wake: (other) => Atomics.notify(words, table.inboxWord(other)),
  wakeMain() {
    if (Atomics.exchange(words, table.bellWord, 1) === 0) Atomics.notify(words, table.bellWord);
  },
  eventDelayMs: EVENT_DELAY_MS,
});

function listen(host: string, wantedPort: number): void {
  const { server } = thread.server;
  const onError = ({ message }: Error): void => report({ kind: 'listenFailed', message });
  server.once('error', onError);
  server.listen({ host, port: wantedPort, reusePort: true }, () => {
    server.off('error', onError);
    report({ kind: 'listening', port: (server.address() as AddressInfo).port });
  });
}

port.on('message', (order: SetupOrder) => {
  if (order.kind === 'listen') listen(order.host, order.port);
  else thread.order(order);
});
void onShared(words, table.inboxWord(setup.thread), new AbortController().signal, () => thread.takeGiven());
