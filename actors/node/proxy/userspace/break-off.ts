import type { Socket } from "node:net";

/**
 * Breaks a connection off, so that its peer sees that it was not ended in peace. One whose end is on its way to the peer cannot be: libuv refuses to reset
 * it, and Node would then never close it, nor end the thread that it belongs to. It is closed; all that was written is on its way, too.
 */
export function breakOff(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding) socket.destroy();
  else socket.resetAndDestroy();
}
