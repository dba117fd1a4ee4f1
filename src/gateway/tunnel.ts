import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { headText } from '../http1/writer.ts';
import type { HeaderList } from './headers.ts';

/**
 * Joins the client's and the worker's side once the worker agreed to the other protocol. Each side's
 * end is passed to the other, and its backpressure too; a side that breaks takes the other with it.
 */
export function tunnel(ends: {
  readonly client: Duplex;
  readonly worker: Socket;
  /** The head that tells the client. */
  readonly agreed: string;
  /** What each side sent already. */
  readonly fromWorker: Buffer;
  readonly fromClient: Buffer;
}): void {
  const { client, worker } = ends;
  client.write(ends.agreed, 'latin1');
  if (ends.fromWorker.length > 0) client.write(ends.fromWorker);
  if (ends.fromClient.length > 0) worker.write(ends.fromClient);
  worker.on('close', () => {
    // Not at its error already: the client's close would then look like the cause. After an orderly
    // end the last bytes are still on their way to the client.
    if (!client.writableEnded) client.destroy();
  });
  worker.pipe(client);
  client.pipe(worker);
}

/** The head of a 101 keeps its hop-by-hop headers: they are what was agreed on. */
export function upgradeAnswer(reason: string, fields: readonly string[], own: HeaderList): string {
  return headText(`HTTP/1.1 101 ${reason === '' ? 'Switching Protocols' : reason}`, [...fields, ...own]);
}
