import type { Socket } from "node:net";
import { breakOff } from "./break-off.ts";

/**
 * Joins two connections: what one sends the other gets, in order, as fast as the slower of them takes it. Who ends its half ends that of the other
 * and may go on reading; who breaks off breaks off the other. Both must be half-open by nature, and may be paused.
 */
export function splice(one: Socket, other: Socket): void {
  pour(one, other);
  pour(other, one);
}

function pour(from: Socket, to: Socket): void {
  from.on("data", (chunk) => {
    if (to.write(chunk)) return;
    from.pause();
  });
  to.on("drain", () => from.resume());
  from.once("end", () => to.end());
  from.on("error", () => breakOff(to));
  from.once("close", () => {
    // Not ended in peace: there is nobody left to write to, or to hear from.
    if (!from.readableEnded || !from.writableFinished) breakOff(to);
  });
  from.resume();
}
