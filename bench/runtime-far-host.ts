import { parentPort, workerData } from "node:worker_threads";
import { connect } from "nats";
import { type ActorKind, Directory, Host, type Member, natsTransport, silentLogger, systemClock, systemRandom } from "../runtime/mod.ts";

/** What the thread is started with. */
export interface FarHost {
  readonly url: string;
  readonly members: readonly Member[];
}

/** What the sink understands: to be counted, and to say how many were. */
export type SinkMessage =
  | { readonly type: "pod"; readonly name: string; readonly node: number; readonly phase: string }
  | { readonly type: "count" };

const MAILBOX_MESSAGES = 1_000_000;

const sink: ActorKind<SinkMessage> = {
  kind: "sink",
  mailboxCapacity: MAILBOX_MESSAGES,
  supervision: { strategy: "stop" },
  activate() {
    let count = 0;
    return {
      receive(message, sender) {
        if (message.type === "pod") count += 1;
        else sender.answer(count);
      },
    };
  },
};

/** The other thread of the runtime suite: a host with one kind, until it is told to end. */
const { url, members }: FarHost = workerData;
const connection = await connect({ servers: url });
const host = new Host({
  name: "far",
  clock: systemClock(),
  random: systemRandom(),
  log: silentLogger,
  directory: new Directory(members),
  transport: natsTransport({ connection, prefix: "bench", host: "far" }),
});
host.register(sink);
await host.ready();
parentPort?.once("message", async () => {
  await host.stop();
  await connection.close();
});
parentPort?.postMessage("ready");
