import type { Outcome } from './outcome.ts';

/** A thing that a proxy refuses or reads in its own way, and that is right to pass on as we do. */
interface KnownDifference {
  readonly proxy: 'nginx' | 'haproxy';
  readonly why: string;
  /** `text`: all that was sent on the connection. */
  holds(text: string, other: Outcome): boolean;
}

const ABSOLUTE_TARGET = /^[A-Z]+ https?:\/\//im;

/** The answer to what was refused may be lost: a connection that is closed with unread bytes is reset. */
function refusedWith(status: number, { statuses, closed }: Outcome): boolean {
  return statuses.includes(status) || (closed && statuses.length === 0);
}

export const KNOWN: readonly KnownDifference[] = [
  {
    proxy: 'haproxy',
    why: 'refuses a Host that is not that of an absolute target; RFC 9112 §3.2.2 has it ignored',
    holds: (text, other) => ABSOLUTE_TARGET.test(text) && refusedWith(400, other),
  },
  {
    proxy: 'nginx',
    why: 'refuses a Host that is empty or no name beside an absolute target; RFC 9112 §3.2.2 has it ignored',
    holds: (text, other) => ABSOLUTE_TARGET.test(text) && refusedWith(400, other),
  },
  {
    proxy: 'haproxy',
    why: 'refuses a body of a GET, HEAD or DELETE in HTTP/1.0, which RFC 9110 leaves open',
    holds: (text, other) => /(?:GET|HEAD|DELETE) .* HTTP\/1\.0\r$/m.test(text) && refusedWith(413, other),
  },
  {
    proxy: 'haproxy',
    why: 'refuses a WebSocket without its key; the worker does that with us',
    holds: (text, other) => /^Upgrade: websocket/im.test(text) && refusedWith(400, other),
  },
  {
    proxy: 'nginx',
    why: 'refuses some fields that come twice and decide nothing about the framing, such as Expect and Authorization',
    holds: (text, other) =>
      /^(Expect|Authorization):(?:(?!\r\n\r\n)[^])*^\1:/im.test(text) && refusedWith(400, other),
  },
  {
    proxy: 'nginx',
    why: 'refuses %00 in a path; the worker is given its path as the client wrote it',
    holds: (text, other) => text.includes('%00') && refusedWith(400, other),
  },
  {
    proxy: 'nginx',
    why: 'takes a tab beside a host for a part of it; RFC 9110 §5.6.3 has it be white space',
    holds: (text, other) => /^Host:[^\r\n]*\t/im.test(text) && refusedWith(400, other),
  },
];
