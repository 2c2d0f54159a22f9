/** The thread that forwards, so that what clients send does not wait for what else its host has to do. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock, systemRandom } from "../../../runtime/system.ts";
import type { Key } from "../../store/transaction.ts";
import type { Forwarder } from "./forwarding.ts";
import type { ForwarderSettings, FromForwarder, ToForwarder } from "./threaded-forwarder.ts";
import { UserspaceForwarder } from "./userspace/userspace-forwarder.ts";

const port = parentPort;
if (port === null) throw new Error("this is for a thread");
const tell = (message: FromForwarder): void => port.postMessage(message);
const clock = systemClock();
const userspace = (opened?: (service: Key) => void): UserspaceForwarder => new UserspaceForwarder(clock, systemRandom(), tell, opened);
const forwarder = await forwarderBy(workerData as ForwarderSettings);

port.on("message", (message: ToForwarder) => {
  if (message.type === "apply") {
    forwarder.apply(message.service, message.forwarding);
    return;
  }
  void forwarder.close().then(() => port.close());
});

async function forwarderBy({ nftables }: ForwarderSettings): Promise<Forwarder> {
  if (nftables === undefined) return userspace();
  const { NftablesForwarder } = await import("./nftables/nftables-forwarder.ts");
  return new NftablesForwarder({ clock, nftables, userspace, report: tell });
}
