/**
 * `node store-process.ts URL NAME STREAM`: a host with the log, a replica and the writer, for others to reach over NATS and to be killed. Says
 * `ready` when it can write.
 */
import { connect } from "nats";
import { follow } from "../../../actors/store/follow.ts";
import { JetStreamLog, LOG_CONNECTION_OPTIONS } from "../../../actors/store/jetstream-log.ts";
import { Replica } from "../../../actors/store/replica.ts";
import { writerKind } from "../../../actors/store/writer.ts";
import { Host, natsTransport, silentLogger, systemClock, systemRandom } from "../../../runtime/mod.ts";
import { SUBJECT_PREFIX } from "./subject.ts";

const [servers = "", name = "", stream = ""] = process.argv.slice(2);
const clock = systemClock();
const connection = await connect({ ...LOG_CONNECTION_OPTIONS, servers: servers.split(","), name });
const log = await open();
const replica = new Replica({ clock, log: silentLogger });
const follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
await follower.ready;
const transport = natsTransport({ connection, prefix: SUBJECT_PREFIX, host: name });
const host = new Host({ name, clock, random: systemRandom(), log: silentLogger, transport });
host.register(writerKind({ log, replica }));
await host.ready();
process.stdout.write("ready\n");
// A log that can no longer be followed ends the process, loudly: the test takes an end that it did not cause for a fault.
await follower.done;

/** The server may be starting. */
async function open(): Promise<JetStreamLog> {
  for (;;) {
    try {
      return await JetStreamLog.open({ connection, clock, stream });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
