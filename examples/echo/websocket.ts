import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Identity } from './answers.ts';

const server = new WebSocketServer({ noServer: true, maxPayload: 1_048_576 });

/** Says hello with the worker's identity as JSON, then echoes every message as it came. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  identity: Identity,
): void {
  server.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('error', (error) => console.error(`websocket: ${error.message}`));
    webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
    webSocket.send(JSON.stringify(identity));
  });
}

/** Tells every client that the worker goes away (close code 1001). */
export function closeWebSockets(): void {
  for (const webSocket of server.clients) webSocket.close(1001, 'the worker is stopping');
}
