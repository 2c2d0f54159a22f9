import { connect } from "nats";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS, KindTable } from "../../../actors/kinds/kinds.ts";
import { createRegistry } from "../../../actors/registry/create-registry.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { createStoreClient } from "../../../actors/store/client.ts";
import { follow } from "../../../actors/store/follow.ts";
import { JetStreamLog, LOG_CONNECTION_OPTIONS } from "../../../actors/store/jetstream-log.ts";
import { Replica } from "../../../actors/store/replica.ts";
import type { StoreClient } from "../../../actors/store/transaction.ts";
import { WRITER_ADDRESS } from "../../../actors/store/writer.ts";
import { Host, Membership, NatsRegisters, natsTransport, silentLogger, systemClock, systemRandom } from "../../../runtime/mod.ts";

export const SHARDS = 2;

/** A host of a cluster on one NATS server, with the kernel's own leases, a replica of the store and a door to it. */
export interface Member {
  readonly host: Host;
  readonly membership: Membership;
  readonly log: JetStreamLog;
  readonly replica: Replica;
  readonly store: StoreClient;
  readonly registry: Registry;
  close(): Promise<void>;
}

/** `kinds`: what it offers; register them, then wait for `host.ready()`. */
export async function memberOf(servers: string, name: string, kinds: readonly string[]): Promise<Member> {
  const clock = systemClock();
  const random = systemRandom();
  const connection = await connect({ ...LOG_CONNECTION_OPTIONS, servers, name });
  const log = await JetStreamLog.open({ connection, clock, stream: "shards" });
  const replica = new Replica({ clock, log: silentLogger });
  const follower = follow({ log, replica, clock, logger: silentLogger });
  await follower.ready;
  const registers = new NatsRegisters({ connection, bucket: "members", clock });
  const membership = new Membership({ host: name, kinds, registers, clock, random, log: silentLogger });
  const transport = natsTransport({ connection, prefix: "shards", host: name });
  const host = new Host({ name, clock, random, log: silentLogger, membership, transport });
  const store = createStoreClient({ messenger: host.messenger, clock, random, address: WRITER_ADDRESS, view: replica });
  const stored = new KindTable([...BUILT_IN_KINDS.filter(({ kind }) => kind !== "Pod"), PodKind as unknown as Kind]);
  const registry = createRegistry({ view: replica, store, clock, random, kinds: stored });
  const close = async (): Promise<void> => {
    await host.stop();
    follower.stop();
    await connection.close();
  };
  return { host, membership, log, replica, store, registry, close };
}
