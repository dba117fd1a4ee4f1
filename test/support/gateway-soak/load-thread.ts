/** The workers and the clients of a soak: workers count what they see at once, clients leave at random. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { seededRandom } from '../../../src/base/random.ts';
import type { LoadOrder, LoadReport, LoadSetup } from './load-message.ts';

const STUCK_MS = 30_000;
const PROGRESS = 250;
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const setup = workerData as LoadSetup;
const random = seededRandom(setup.seed);
const most = Array.from({ length: setup.workers }, () => 0);

function report(message: LoadReport): void {
  parentPort?.postMessage(message);
}

/** Half of the requests take a turn of the event loop, the others some milliseconds. */
function later(task: () => void): void {
  if (random.next() < 0.5) setImmediate(task);
  else setTimeout(task, random.next() * 3);
}

async function startWorker(index: number): Promise<number> {
  let running = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let busy = false;
    const over = (): void => {
      if (!busy) return;
      busy = false;
      running -= 1;
    };
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (!text.endsWith('\r\n\r\n')) return;
      text = '';
      busy = true;
      running += 1;
      most[index] = Math.max(most[index] ?? 0, running);
      later(() => {
        if (!busy) return;
        over();
        socket.write(ANSWER);
      });
    });
    socket.on('end', () => {
      over();
      socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', over);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function run({ port, path, key, requests }: LoadOrder): Promise<void> {
  let begun = 0;
  let answered = 0;
  let left = 0;
  let cut = 0;
  let stuck = 0;
  const refused: Record<string, number> = {};
  const text = `GET ${path} HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer ${key}\r\n\r\n`;
  most.fill(0);

  const client = async (): Promise<void> => {
    let socket: Socket | null = null;
    while (begun < requests) {
      begun += 1;
      if (begun % PROGRESS === 0) report({ kind: 'progress', requests: begun });
      if (socket === null || socket.destroyed) {
        socket = connect(port, '127.0.0.1');
        socket.on('error', () => undefined);
      }
      const end = await oneRequest(socket, text, random.next() < setup.leaveShare);
      if (end === 'stuck') stuck += 1;
      else if (end === 'left') left += 1;
      else if (end === 'cut') {
        cut += 1;
        // Nobody listens for a moment, where the last thread died.
        await new Promise((resolve) => setTimeout(resolve, 5));
      } else if (end === '200') answered += 1;
      else refused[end] = (refused[end] ?? 0) + 1;
    }
    socket?.destroy();
  };
  await Promise.all(Array.from({ length: setup.clients }, client));
  report({ kind: 'done', answered, refused, left, cut, stuck, most: [...most] });
}

/** The status of the answer, or how it ended without one. */
async function oneRequest(socket: Socket, text: string, leaves: boolean): Promise<string> {
  return await new Promise<string>((resolve) => {
    let answer = '';
    const over = (end: string): void => {
      clearTimeout(timer);
      clearTimeout(leaving);
      socket.off('data', onData);
      socket.off('close', onClose);
      resolve(end);
    };
    const onData = (bytes: Buffer): void => {
      answer += bytes.toString('latin1');
      const head = answer.indexOf('\r\n\r\n');
      if (head === -1) return;
      const length = Number(/content-length: (\d+)/i.exec(answer)?.[1]);
      if (answer.length >= head + 4 + length) over(answer.slice(9, 12));
    };
    const onClose = (): void => over(leaves ? 'left' : 'cut');
    const timer = setTimeout(() => {
      over('stuck');
      socket.destroy();
    }, STUCK_MS);
    socket.on('data', onData);
    socket.on('close', onClose);
    const leaving = leaves ? setTimeout(() => socket.destroy(), random.next() * 4) : undefined;
    socket.write(text);
  });
}

parentPort?.on('message', (order: LoadOrder) => void run(order));
const ports = await Promise.all(Array.from({ length: setup.workers }, (_, index) => startWorker(index)));
report({ kind: 'ports', ports });
