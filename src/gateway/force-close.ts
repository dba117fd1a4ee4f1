import type { Socket } from 'node:net';

/**
 * Closes a connection so that the other side cannot take it for an orderly end. A reset while our own
 * end is still on its way fails inside Node and leaves the socket open for ever (EINVAL from
 * uv_tcp_close_reset), so there a plain close must do.
 */
export function forceClose(socket: Socket): void {
  if (socket.destroyed) return;
  // Without the notice that ends TLS, which `destroy` does not send, nobody takes it for orderly.
  if ('encrypted' in socket) {
    socket.destroy();
    return;
  }
  const ending = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished;
  if (ending) socket.destroy();
  else socket.resetAndDestroy();
}
