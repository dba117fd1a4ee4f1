import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { seededRandom } from '../../../src/base/random.ts';
import { ENDPOINT, KEY } from '../gateway-world.ts';
import { ConnectionReader } from './connection-reader.ts';
import { below, bodiless, chance, chunked, digest, planOf, type Plan } from './plan.ts';
import { turns, writeSlowly } from './worker.ts';

/** Requests that are sent at once, at most. */
const GROUP_MAX = 6;

/** One who sends planned requests, one connection after the other, and tells what came of each. */
export class PlannedClient {
  readonly results = new Map<number, string>();
  readonly #port: number;
  readonly #onResult: () => void;
  readonly #breaksAlone: boolean;

  /** `breaksAlone`: what will be cut off is never sent together with others. */
  constructor(port: number, breaksAlone: boolean, onResult: () => void) {
    this.#port = port;
    this.#breaksAlone = breaksAlone;
    this.#onResult = onResult;
  }

  async run(numbers: readonly number[]): Promise<void> {
    let left = numbers;
    while (left.length > 0) left = await this.#connection(left);
  }

  /** Sends as many as one connection takes, and returns the rest. */
  async #connection(numbers: readonly number[]): Promise<readonly number[]> {
    const socket = connect(this.#port, '127.0.0.1');
    const reader = new ConnectionReader(socket);
    await once(socket, 'connect');
    let at = 0;
    try {
      while (at < numbers.length) {
        const group = groupOf(numbers.slice(at, at + GROUP_MAX).map(planOf), this.#breaksAlone);
        const sending = this.#send(socket, reader, group);
        for (const plan of group) {
          if (plan.expects) await sending;
          const goesOn = await this.#answer(socket, reader, plan);
          at += 1;
          if (!goesOn) return numbers.slice(at);
        }
        await sending;
      }
    } finally {
      socket.destroy();
    }
    return [];
  }

  async #send(socket: Socket, reader: ConnectionReader, group: readonly Plan[]): Promise<void> {
    const random = seededRandom((group[0] as Plan).number + 3e8);
    const [only] = group;
    if (only?.expects === true) {
      await writeSlowly(socket, headOf(only), random);
      const told = await reader.head();
      // One that is refused is told so at once, and asked for nothing.
      if (told === null || !told.first.startsWith('HTTP/1.1 100 ')) {
        this.#early = told;
        return;
      }
      await writeSlowly(socket, bodyOf(only), random);
      return;
    }
    const bytes = group.flatMap((plan) => [headOf(plan), bodyOf(plan)]);
    await writeSlowly(socket, Buffer.concat(bytes), random);
  }

  #early: { first: string; fields: Map<string, string> } | null = null;

  /** False when the connection is over. */
  async #answer(socket: Socket, reader: ConnectionReader, plan: Plan): Promise<boolean> {
    const random = seededRandom(plan.number + 4e8);
    if (chance(random, 0.2)) await turns(below(random, 30));
    let head = this.#early ?? (await reader.head());
    this.#early = null;
    while (head !== null && head.first.startsWith('HTTP/1.1 1')) head = await reader.head();
    if (head === null) return this.#note(plan, 'cut');
    if (plan.leaves) return this.#note(plan, 'left');
    const status = Number(head.first.split(' ')[1]);
    const { body, trailer, whole } = await readAnswer(reader, head.fields, plan.method, status);
    if (!whole) return this.#note(plan, 'cut');
    const known = status === 502 || status === 401;
    const received = head.fields.get('x-received') ?? '-';
    this.#note(plan, known ? String(status) : `${status} ${digest(body)} ${received} ${trailer}`);
    return head.fields.get('connection') !== 'close' && !socket.destroyed;
  }

  #note(plan: Plan, result: string): false {
    this.results.set(plan.number, result);
    this.#onResult();
    return false;
  }
}

/** What must come of a request. */
export function expectedOf(plan: Plan): string {
  if (plan.leaves) return 'left';
  if (plan.to === 'refused') return '401';
  if (plan.broken !== 'no') return 'broken';
  const body = bodiless(plan) ? Buffer.alloc(0) : plan.answer;
  const sent = `${digest(plan.body ?? Buffer.alloc(0))}/${plan.requestTrailer ? plan.number : ''}`;
  const trailer = plan.answerTrailer && !bodiless(plan) ? String(plan.number) : '';
  return `${plan.status} ${digest(body)} ${plan.early ? '-' : sent} ${trailer}`;
}

async function readAnswer(
  reader: ConnectionReader,
  fields: Map<string, string>,
  method: string,
  status: number,
): Promise<{ body: Buffer; trailer: string; whole: boolean }> {
  if (bodiless({ method, status })) return { body: Buffer.alloc(0), trailer: '', whole: true };
  if (fields.get('transfer-encoding') === 'chunked') {
    const { body, trailers, whole } = await reader.chunks();
    return { body, trailer: trailers.get('x-told') ?? '', whole };
  }
  const length = Number(fields.get('content-length'));
  const body = await reader.bytes(length);
  return { body, trailer: '', whole: body.length === length };
}

/** The requests that are sent at once, without waiting for an answer in between. */
function groupOf(plans: readonly Plan[], breaksAlone: boolean): readonly Plan[] {
  const random = seededRandom((plans[0] as Plan).number + 2e8);
  const most = chance(random, 0.3) ? 1 + below(random, GROUP_MAX) : 1;
  const group: Plan[] = [];
  for (const plan of plans) {
    if (group.length > 0 && (plan.expects || (breaksAlone && plan.broken !== 'no'))) break;
    group.push(plan);
    const last = plan.expects || plan.lastOfConnection || (breaksAlone && plan.broken !== 'no');
    if (last || group.length >= most) break;
  }
  return group;
}

function headOf(plan: Plan): Buffer {
  const path = plan.to === 'own' ? `/plan/${plan.number}` : `/e/${ENDPOINT}/plan/${plan.number}`;
  const lines = [`${plan.method} ${path} HTTP/1.1`, 'Host: h'];
  lines.push(`Authorization: Bearer ${plan.to === 'refused' ? 'unknown' : KEY}`);
  if (plan.body !== null) {
    lines.push(plan.chunkedRequest ? 'Transfer-Encoding: chunked' : `Content-Length: ${plan.body.length}`);
  }
  if (plan.requestTrailer) lines.push('Trailer: X-Sent');
  if (plan.expects) lines.push('Expect: 100-continue');
  if (plan.lastOfConnection) lines.push('Connection: close');
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

function bodyOf(plan: Plan): Buffer {
  const { body } = plan;
  if (body === null) return Buffer.alloc(0);
  if (!plan.chunkedRequest) return body;
  const trailer = plan.requestTrailer ? `X-Sent: ${plan.number}\r\n` : '';
  return Buffer.concat([chunked(body, seededRandom(plan.number + 1e8)), Buffer.from(`0\r\n${trailer}\r\n`)]);
}
