/**
 * `malformed`: it breaks the grammar or can be read in two ways. The others: it passes a limit, of the
 * head or of what comes with the body beside its bytes.
 */
export type ProtocolFault = 'malformed' | 'headTooLarge' | 'bodyTooLarge';

/**
 * What was read is not HTTP/1.1 as this codec takes it. Nothing that follows on the connection can be
 * read any more: where the message ends is not known. The message completes "It is not valid HTTP/1.1:".
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly fault: ProtocolFault;

  constructor(fault: ProtocolFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

export function malformed(message: string): ProtocolError {
  return new ProtocolError('malformed', message);
}
