import type { Random } from '../../src/base/random.ts';

/** What arrives on a connection: in pieces, as the network cuts it. */
export type Pieces = readonly Buffer[];

const START_LINES = [
  'GET / HTTP/1.1',
  'GET /a/../b?c=%00 HTTP/1.1',
  'POST /p HTTP/1.1',
  'PUT http://h/x HTTP/1.1',
  'HEAD / HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'DELETE /d HTTP/1.0',
  'GET / HTTP/1.0',
  'PROPFIND /p HTTP/1.1',
  'GET  / HTTP/1.1',
  'get / HTTP/1.1',
  'GET /é HTTP/1.1',
  'GET / HTTP/1.2',
  'GET /',
];
const STATUS_LINES = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 304 Not Modified',
  'HTTP/1.1 404 Not  Found',
  'HTTP/1.1 100 Continue',
  'HTTP/1.1 103 Early Hints',
  'HTTP/1.1 99 Low',
  'HTTP/1.1 1000 High',
  'HTTP/2.0 200 OK',
  'ICY 200 OK',
];
const HOSTS = ['Host: h', 'Host: h', 'Host: h', 'host:h:80', 'Host: ', 'Host: h\r\nHost: i', 'Host : h'];

/** Far more often than by chance, what decides where a message ends. */
const FRAMING = [
  'Content-Length: 5',
  'Content-Length: 5',
  'content-length:5 ',
  'Content-Length: 0',
  'Content-Length: 005',
  'Content-Length: +5',
  'Content-Length: 5, 5',
  'Content-Length: 0x5',
  'Content-Length: 99999999999999999999',
  'Content-Length : 5',
  'Content-Length: 5\r\nContent-Length: 5',
  'Content-Length: 5\r\nContent-Length: 6',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked',
  'transfer-encoding:\tCHUNKED\t',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Transfer-Encoding: chunked\r\nContent-Length: 5',
  'Content-Length: 5\r\nTransfer-Encoding: chunked',
];
const FIELDS = [
  'X-A: b',
  'x-a:b',
  'X-A:  b  c  ',
  'X-Empty:',
  'X-High: gr\xfc\xdfe',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: Content-Length',
  'Connection: upgrade\r\nUpgrade: websocket',
  'Expect: 100-continue',
  'Expect: other',
  'Trailer: x-t',
  'X-Folded: a\r\n b',
  'X-Nul: a\0b',
  ': nameless',
  'nothing',
  'X Space: a',
];
const BODIES = [
  'hello',
  'hello',
  '',
  'hell',
  '5\r\nhello\r\n0\r\n\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  '2\r\nhe\r\n3\r\nllo\r\n0\r\nx-t: 1\r\n\r\n',
  '00005;a=b\r\nhello\r\n000\r\n\r\n',
  'A\r\n0123456789\r\na;x="y z"\r\n0123456789\r\n0;z\r\n\r\n',
  '0\r\n\r\n',
  '5 \r\nhello\r\n0\r\n\r\n',
  '+5\r\nhello\r\n0\r\n\r\n',
  '0x5\r\nhello\r\n0\r\n\r\n',
  '5\nhello\r\n0\r\n\r\n',
  '5\r\nhello0\r\n\r\n',
  '6\r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffff\r\nhello',
  '0\r\nContent-Length: 5\r\n\r\n',
  '0\r\n x: folded\r\n\r\n',
];
const INTERESTING = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '0',
  '5',
  'a',
  '\x0b',
  '\x7f',
  '\x80',
  '\xff',
  '-',
  '"',
];

export interface RequestsFor {
  /** In the place of the host `h`. */
  readonly host: string;
  /** A field of every request. */
  readonly field: string;
}

export class MessageMaker {
  readonly #random: Random;
  readonly #startLines: readonly string[];
  readonly #hosts: readonly string[];

  constructor(random: Random, target?: RequestsFor) {
    this.#random = random;
    const host = target?.host ?? 'h';
    const field = target === undefined ? '' : `\r\n${target.field}`;
    this.#startLines = START_LINES.map((line) => line.replace('//h/', `//${host}/`));
    this.#hosts = HOSTS.map((line) => line.replace(/h(?=$|:80|\r)/, host) + field);
  }

  requests(): Pieces {
    return this.#pieces(this.#several(this.#startLines, this.#hosts));
  }

  answers(): Pieces {
    return this.#pieces(this.#several(STATUS_LINES, []));
  }

  pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  #several(startLines: readonly string[], hosts: readonly string[]): string {
    let text = '';
    for (let count = 1 + this.#below(3); count > 0; count -= 1) {
      const lines = [this.pick(startLines)];
      if (hosts.length > 0) lines.push(this.pick(hosts));
      for (let fields = this.#below(3); fields > 0; fields -= 1) lines.push(this.pick(FIELDS));
      if (this.#random.next() < 0.7) lines.splice(1 + this.#below(lines.length), 0, this.pick(FRAMING));
      text += `${lines.join('\r\n')}\r\n\r\n${this.#random.next() < 0.7 ? this.pick(BODIES) : ''}`;
    }
    // Most messages are nearly right: what is wholly wrong is refused at once by everybody.
    let changes = this.#random.next() < 0.5 ? 0 : 1 + this.#below(3);
    for (; changes > 0; changes -= 1) text = this.#changed(text);
    return text;
  }

  #changed(text: string): string {
    const at = this.#below(text.length + 1);
    switch (this.#below(5)) {
      case 0:
        return text.slice(0, at) + this.pick(INTERESTING) + text.slice(at);
      case 1:
        return text.slice(0, at) + text.slice(at + 1);
      case 2:
        return text.slice(0, at) + this.pick(INTERESTING) + text.slice(at + 1);
      case 3: {
        const end = at + this.#below(30);
        return text.slice(0, end) + text.slice(at);
      }
      default:
        return text.slice(0, at) + String.fromCharCode(this.#below(256)) + text.slice(at + 1);
    }
  }

  #pieces(text: string): Pieces {
    const bytes = Buffer.from(text, 'latin1');
    const cuts = Array.from({ length: this.#below(4) }, () => this.#below(bytes.length + 1));
    const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    return places
      .slice(1)
      .map((end, index) => bytes.subarray(places[index], end))
      .filter((piece) => piece.length > 0);
  }
}
