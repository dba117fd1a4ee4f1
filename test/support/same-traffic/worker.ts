import type { RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { seededRandom, type Random } from '../../../src/base/random.ts';
import { ConnectionReader } from './connection-reader.ts';
import { below, bodiless, chance, chunked, digest, piecesOf, planOf, type Plan } from './plan.ts';

/** A worker that answers each request as its plan says, in pieces that begin and end anywhere. */
export class PlannedWorker {
  readonly #server = createServer((socket) => void this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  /** What must not be: requests that it could not read, and more of them at a time than it has slots. */
  readonly faults: string[] = [];
  #running = 0;
  readonly #slots: number;
  served = 0;
  connections = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await new Promise((resolve) => this.#server.once('listening', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  async #serve(socket: Socket): Promise<void> {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.setNoDelay(true);
    const reader = new ConnectionReader(socket);
    let goesOn = true;
    while (goesOn) {
      const head = await reader.head();
      if (head === null) return;
      this.served += 1;
      this.#running += 1;
      if (this.#running > this.#slots) this.faults.push(`${this.#running} requests at a time`);
      let running = true;
      const end = (): void => {
        if (running) this.#running -= 1;
        running = false;
      };
      // A client that leaves ends our side, and that is the moment from which its slot may be another's.
      socket.once('end', end);
      socket.once('close', end);
      goesOn = await this.#answer(socket, reader, head, end);
      socket.off('end', end);
      socket.off('close', end);
      end();
    }
  }

  /** True where the connection goes on. */
  async #answer(
    socket: Socket,
    reader: ConnectionReader,
    { first, fields }: { first: string; fields: Map<string, string> },
    onLast: () => void,
  ): Promise<boolean> {
    const number = Number(/^[A-Z]+ \/plan\/([0-9]+) HTTP\/1\.1$/.exec(first)?.[1]);
    if (!Number.isInteger(number)) {
      this.faults.push(`not a request: ${first.slice(0, 100)}`);
      socket.destroy();
      return false;
    }
    const plan = planOf(number);
    const random = seededRandom(number + 0.5e9);
    const read = async () => readBody(reader, fields);
    let received = '-';
    if (!plan.early) {
      const body = await read();
      if (body === null) return false;
      received = body;
    }
    await writeSlowly(socket, answerOf(plan, received, random), random, onLast);
    if (plan.broken !== 'no' || plan.closes) {
      socket.end();
      return false;
    }
    if (plan.early) await read();
    return !reader.ended;
  }
}

/** The request's body by its digest, with its trailer; null when it was cut off. */
async function readBody(reader: ConnectionReader, fields: Map<string, string>): Promise<string | null> {
  const length = Number(fields.get('content-length') ?? 0);
  if (fields.get('transfer-encoding') === 'chunked') {
    const { body, trailers, whole } = await reader.chunks();
    return whole ? `${digest(body)}/${trailers.get('x-sent') ?? ''}` : null;
  }
  const body = await reader.bytes(length);
  return body.length === length ? `${digest(body)}/` : null;
}

function answerOf(plan: Plan, received: string, random: Random): Buffer {
  const { framing, answer, status } = plan;
  const lines = [`HTTP/1.1 ${status} Planned`, `X-Received: ${received}`, `X-Number: ${plan.number}`];
  if (plan.closes) lines.push('Connection: close');
  if (status !== 204 && framing === 'length') lines.push(`Content-Length: ${answer.length}`);
  if (status !== 204 && framing === 'chunked') lines.push('Transfer-Encoding: chunked');
  const head = `${'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(plan.interim)}${lines.join('\r\n')}\r\n\r\n`;
  let body: Buffer = bodiless(plan) ? Buffer.alloc(0) : answer;
  if (framing === 'chunked' && !bodiless(plan)) {
    const trailer = plan.answerTrailer ? `X-Told: ${plan.number}\r\n` : '';
    body = Buffer.concat([chunked(answer, random), Buffer.from(`0\r\n${trailer}\r\n`)]);
    if (plan.broken === 'garbage')
      return Buffer.concat([Buffer.from(head), chunked(answer, random), GARBAGE]);
  } else if (plan.broken === 'garbage') return GARBAGE;
  const whole = Buffer.concat([Buffer.from(head), body]);
  return plan.broken === 'cut' ? whole.subarray(0, cutAt(plan, whole.length)) : whole;
}

const GARBAGE = Buffer.from('SSH-2.0-worker\r\n\r\n');

function cutAt(plan: Plan, length: number): number {
  return below(seededRandom(plan.number + 77), length);
}

/** Lets turns pass between the pieces, so that they arrive apart. `onLast`: the last one follows. */
export async function writeSlowly(
  socket: Socket,
  bytes: Buffer,
  random: Random,
  onLast: () => void = () => undefined,
): Promise<void> {
  let at = 0;
  for (const piece of piecesOf(bytes, random)) {
    at += piece.length;
    if (at === bytes.length) onLast();
    if (socket.destroyed) return;
    const flows = socket.write(piece);
    if (!flows && !socket.destroyed) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          socket.off('drain', wake);
          socket.off('close', wake);
          resolve();
        };
        socket.on('drain', wake);
        socket.on('close', wake);
      });
    }
    if (chance(random, 0.3)) await turns(below(random, 4));
  }
}

export async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Answers what is for the server itself, as planned. */
export const ownAnswer: RequestListener = (request, response) => {
  const plan = planOf(Number(request.url?.replace('/plan/', '')));
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    response.setHeader('X-Received', `${digest(Buffer.concat(parts))}/${request.trailers['x-sent'] ?? ''}`);
    if (plan.framing === 'length' && plan.status !== 204) {
      response.setHeader('Content-Length', plan.answer.length);
    }
    response.writeHead(plan.status);
    if (!bodiless(plan)) {
      for (const piece of piecesOf(plan.answer, seededRandom(plan.number))) response.write(piece);
      if (plan.answerTrailer) response.addTrailers({ 'X-Told': String(plan.number) });
    }
    response.end();
  });
};
