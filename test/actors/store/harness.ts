import type { ObjectText } from "../../../actors/kinds/text.ts";
import { createStoreClient } from "../../../actors/store/client.ts";
import type { Follower } from "../../../actors/store/follow.ts";
import { follow } from "../../../actors/store/follow.ts";
import type { Log } from "../../../actors/store/log.ts";
import { Replica } from "../../../actors/store/replica.ts";
import type { Mutation, StoreClient } from "../../../actors/store/transaction.ts";
import { WRITER_ADDRESS, writerKind } from "../../../actors/store/writer.ts";
import type { Clock } from "../../../runtime/mod.ts";
import { Host, seededRandom, silentLogger, systemClock } from "../../../runtime/mod.ts";

/** A host with a replica, a follower, the writer and a client, on any log. */
export interface TestStore {
  readonly host: Host;
  readonly replica: Replica;
  readonly follower: Follower;
  readonly client: StoreClient;
  stop(): Promise<void>;
}

export interface TestStoreOptions {
  readonly log: Log;
  readonly name?: string;
  readonly clock?: Clock;
  readonly historyRevisions?: number;
}

export function startStore(options: TestStoreOptions): TestStore {
  const { log, name = "one", clock = systemClock(), historyRevisions } = options;
  const replica = new Replica({ clock, log: silentLogger, ...(historyRevisions === undefined ? {} : { historyRevisions }) });
  const follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
  const random = seededRandom(7);
  const host = new Host({ name, clock, random, log: silentLogger });
  host.register(writerKind({ log, replica }));
  const client = createStoreClient({ messenger: host.messenger, clock, random, address: WRITER_ADDRESS, view: replica });
  const stop = async (): Promise<void> => {
    await host.stop();
    follower.stop();
  };
  return { host, replica, follower, client, stop };
}

/** A stored text that tells `value` back as a label. */
export function textOf(key: string, value = ""): ObjectText {
  const name = key.slice(key.lastIndexOf("/") + 1);
  return `"name":"${name}","uid":"u","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"value":"${value}"}}}` as ObjectText;
}

export function create(key: string, value = ""): Mutation {
  return { op: "create", key, text: textOf(key, value) };
}

export function update(key: string, expect: number, value = ""): Mutation {
  return { op: "update", key, expect, text: textOf(key, value) };
}

export function remove(key: string, expect: number): Mutation {
  return { op: "delete", key, expect };
}

/** The event loop turns this often; messages and microtasks get through. */
export async function turns(count = 4): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
