import { parentPort } from "node:worker_threads";
import type { ToHost } from "../../../cluster/boot/host-protocol.ts";

/** A host that starts, takes up its roles, and crashes a moment after, every time. */
parentPort?.on("message", ({ type }: ToHost) => {
  if (type === "start") parentPort?.postMessage({ type: "started", copies: 1 });
  if (type === "begin") {
    parentPort?.postMessage({ type: "begun" });
    setImmediate(() => {
      throw new Error("told to");
    });
  }
  if (type === "stop") process.exit();
});
