/** The thread that forwards, so that what clients send does not wait for what else its host has to do. */
import { parentPort } from "node:worker_threads";
import { systemClock, systemRandom } from "../../../runtime/system.ts";
import type { FromForwarder, ToForwarder } from "./threaded-forwarder.ts";
import { UserspaceForwarder } from "./userspace/userspace-forwarder.ts";

const port = parentPort;
if (port === null) throw new Error("this is for a thread");
const tell = (message: FromForwarder): void => port.postMessage(message);
const forwarder = new UserspaceForwarder(systemClock(), systemRandom(), tell);

port.on("message", (message: ToForwarder) => {
  if (message.type === "apply") {
    forwarder.apply(message.service, message.forwarding);
    return;
  }
  void forwarder.close().then(() => port.close());
});
