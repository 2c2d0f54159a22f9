import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { connect, type Msg, type NatsConnection } from "nats";
import {
  type ActorKind,
  Directory,
  Host,
  type Member,
  natsTransport,
  PortTransport,
  silentLogger,
  systemClock,
  systemRandom,
} from "../runtime/mod.ts";

/** What the other thread of the transport suite is started with. */
export interface FarThread {
  readonly url: string;
  readonly members: readonly Member[];
  /** To the host `port-far`. */
  readonly hostPort: MessagePort;
  /** For messages as they are, without the kernel. */
  readonly rawPort: MessagePort;
}

/** What a sink understands: to be counted, and to say how many were. */
export type SinkMessage =
  | { readonly type: "pod"; readonly name: string; readonly node: number; readonly phase: string }
  | { readonly type: "count" };

const MAILBOX_MESSAGES = 1_000_000;

function sink(kind: string): ActorKind<SinkMessage> {
  return {
    kind,
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
}

/** Counts single messages of NATS' own, and answers requests with the count. */
function rawNats(connection: NatsConnection): void {
  let count = 0;
  const reply = new Uint8Array(8);
  connection.subscribe("raw.*", {
    callback: (_error, message: Msg) => {
      if (message.subject === "raw.pod") count += 1;
      else {
        new DataView(reply.buffer).setFloat64(0, count);
        message.respond(reply);
      }
    },
  });
}

/** The same over a MessagePort. */
function rawPort(port: MessagePort): void {
  let count = 0;
  port.on("message", (message: SinkMessage) => {
    if (message.type === "pod") count += 1;
    else port.postMessage(count);
  });
}

const { url, members, hostPort, rawPort: plain }: FarThread = workerData;
const connection = await connect({ servers: url });
const ports = new PortTransport();
ports.connect("port-near", hostPort);
const hosts = [
  { name: "nats-far", kind: "nats-sink", transport: natsTransport({ connection, prefix: "bench", host: "nats-far" }) },
  { name: "port-far", kind: "port-sink", transport: ports },
].map(({ name, kind, transport }) => {
  const directory = new Directory(members);
  const host = new Host({ name, clock: systemClock(), random: systemRandom(), log: silentLogger, directory, transport });
  host.register(sink(kind));
  return host;
});
await Promise.all(hosts.map((host) => host.ready()));
const raw = await connect({ servers: url });
rawNats(raw);
rawPort(plain);
await raw.flush();
parentPort?.once("message", async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  await Promise.all([connection.close(), raw.close()]);
  plain.close();
});
parentPort?.postMessage("ready");
