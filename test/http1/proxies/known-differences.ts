import type { Outcome } from './outcome.ts';

/** A thing that a proxy refuses or reads in its own way, and that is right to pass on as we do. */
interface KnownDifference {
  readonly proxy: 'nginx' | 'haproxy';
  readonly why: string;
  /** `text`: all that was sent on the connection. */
  holds(text: string, other: Outcome): boolean;
}

const ABSOLUTE_TARGET = /^[A-Z]+ https?:\/\//im;

export const KNOWN: readonly KnownDifference[] = [
  {
    proxy: 'haproxy',
    why: 'refuses a Host that is not that of an absolute target; RFC 9112 §3.2.2 has it ignored',
    holds: (text, other) => ABSOLUTE_TARGET.test(text) && other.statuses.includes(400),
  },
  {
    proxy: 'nginx',
    why: 'refuses a Host that is empty or no name beside an absolute target; RFC 9112 §3.2.2 has it ignored',
    holds: (text, other) => ABSOLUTE_TARGET.test(text) && other.statuses.includes(400),
  },
  {
    proxy: 'haproxy',
    why: 'refuses a body of a GET, HEAD or DELETE in HTTP/1.0, which RFC 9110 leaves open',
    holds: (_text, other) => other.statuses.includes(413),
  },
  {
    proxy: 'haproxy',
    why: 'refuses a WebSocket without its key; the worker does that with us',
    holds: (text, other) => /^Upgrade: websocket/im.test(text) && other.statuses.includes(400),
  },
  {
    proxy: 'nginx',
    why: 'refuses some fields that come twice and decide nothing about the framing, such as Expect and Authorization',
    holds: (text, other) =>
      /^(Expect|Authorization):(?:(?!\r\n\r\n)[^])*^\1:/im.test(text) && other.statuses.includes(400),
  },
];
