/**
 * `node member-process.ts URL NAME`: a host that can hold the writer and any shard of the scheduler, to be killed. Says `ready` when it is a member.
 */
import { createEventRecorder } from "../../../actors/registry/create-event-recorder.ts";
import { createPlacePool } from "../../../actors/scheduler/place-pool.ts";
import { createSchedulerKind } from "../../../actors/scheduler/scheduler.ts";
import { SCHEDULER_KIND } from "../../../actors/scheduler/shard.ts";
import { ShardKeeper } from "../../../actors/scheduler/shard-keeper.ts";
import { WRITER_KIND, writerKind } from "../../../actors/store/writer.ts";
import { silentLogger, systemClock, systemRandom } from "../../../runtime/mod.ts";
import { memberOf, SHARDS } from "./member.ts";

const [servers = "", name = ""] = process.argv.slice(2);
const { host, log, replica, store, registry } = await memberOf(servers, name, [WRITER_KIND, SCHEDULER_KIND]);
const clock = systemClock();
const recorder = createEventRecorder({ view: replica, store, clock, random: systemRandom(), source: { component: "default-scheduler" } });
host.register(writerKind({ log, replica }));
host.register(createSchedulerKind({ view: replica, registry, recorder, pool: createPlacePool(1), shards: SHARDS }));
await host.ready();
new ShardKeeper({ messenger: host.messenger, clock, log: silentLogger, shards: SHARDS }).begin();
process.stdout.write("ready\n");
// The test holds the other end.
process.stdin.on("end", () => process.exit()).resume();
