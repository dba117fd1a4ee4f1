import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ForwardCall } from '../forwarder.ts';
import type { HeaderList } from '../headers.ts';

/** A try of a request that `node:http` has read. */
export interface GeneralCall {
  readonly chain: ForwardCall;
  /** For the worker, without framing headers. */
  readonly requestHeaders: HeaderList;
  /** Ours, put after the worker's own. */
  readonly answerHeaders: HeaderList;
  readonly request: IncomingMessage;
  /** For an upgrade too: it carries the worker's answer when that refuses the upgrade. */
  readonly response: ServerResponse;
  /** The client's side of a connection that asks to change its protocol. */
  readonly upgrade: UpgradeSide | null;
}

export interface UpgradeSide {
  readonly socket: Duplex;
  /** Stops watching the client's early bytes and gives them back. */
  takeEarly(): Buffer;
}
