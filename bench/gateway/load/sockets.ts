import { HttpConnection } from './http-connection.ts';
import type { Figures, Job, Pause } from './message.ts';
import { requestHead } from './request-text.ts';

const OPEN_AT_ONCE = 100;
const ECHO_LIMIT_MS = 20_000;
/** A masked text frame of one letter; the program gives back whatever comes. */
const FRAME = Buffer.from([0x81, 0x81, 1, 2, 3, 4, 0x41]);

/** WebSockets that lie idle. Pauses with all of them open; then each must still carry a message there and back. */
export async function sockets(job: Extract<Job, { kind: 'sockets' }>, pause: Pause): Promise<Figures> {
  const upgrade = requestHead(job.target, {
    method: 'GET',
    path: '/ws',
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  });
  const open: { readonly connection: HttpConnection; onEcho: () => void }[] = [];
  const openOne = async (): Promise<void> => {
    const connection = await HttpConnection.open(job.target.port);
    const one = { connection, onEcho: (): void => undefined };
    await new Promise<void>((resolve, reject) => {
      connection.send(upgrade, {
        onHead: (status) =>
          status === 101 ? resolve() : reject(new Error(`a WebSocket was answered ${status}`)),
        onBody: () => one.onEcho(),
        onEnd: () => undefined,
        onFail: reject,
      });
    });
    open.push(one);
  };
  await pause();
  for (let opened = 0; opened < job.count; opened += OPEN_AT_ONCE) {
    const some = Math.min(OPEN_AT_ONCE, job.count - opened);
    await Promise.all(Array.from({ length: some }, openOne));
  }
  await pause();
  let alive = 0;
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, ECHO_LIMIT_MS);
  const echoes = open.map(
    async (one) =>
      await new Promise<void>((resolve) => {
        one.onEcho = () => {
          alive += 1;
          resolve();
        };
        one.connection.socket.write(FRAME);
      }),
  );
  await Promise.race([Promise.all(echoes), limit.promise]);
  clearTimeout(timer);
  for (const { connection } of open) connection.close();
  return { open: open.length, alive };
}
