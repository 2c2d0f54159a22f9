import type { NatsConnection } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LogUnavailable, SnapshotDamaged } from "../../../actors/mod.ts";
import { BatchBuilder } from "../../../actors/store/batch-builder.ts";
import { JetStreamSnapshots } from "../../../actors/store/jetstream-snapshots.ts";
import { isWhole } from "../../../actors/store/recovery.ts";
import { Replica } from "../../../actors/store/replica.ts";
import { packSnapshot } from "../../../actors/store/snapshot-packing.ts";
import type { Snapshot } from "../../../actors/store/snapshots.ts";
import { LOG_STREAM } from "../../../cluster/boot/layout.ts";
import { verifierOf } from "../../../cluster/boot/snapshot-verifier.ts";
import { silentLogger, systemClock } from "../../../runtime/mod.ts";
import { create } from "../../actors/store/harness.ts";
import { NatsServer } from "../../actors/store/nats-server.ts";

let server: NatsServer;
let connection: NatsConnection;
let snapshots: JetStreamSnapshots;
const GOING_ON = new AbortController().signal;
beforeAll(async () => {
  server = await NatsServer.start();
  connection = await server.connect();
  snapshots = await JetStreamSnapshots.open({ connection, prefix: LOG_STREAM });
});
afterAll(async () => {
  await connection?.close();
  await server?.remove();
});

/** Of so many objects, each too large for a frame to hold two. */
async function taken(objects: number): Promise<Snapshot> {
  const replica = new Replica({ clock: systemClock(), log: silentLogger });
  const builder = new BatchBuilder();
  for (let made = 0; made < objects; made++) {
    builder.begin(replica.revision + 1);
    const mutations = [create(`pods/a/${made}`, "x".repeat(3_000))];
    builder.add({ request: `request ${made}`, mutations }, Number.POSITIVE_INFINITY);
    replica.apply(replica.sequence + 1, builder.finish());
  }
  const capture = await replica.capture(async () => {});
  const id = await snapshots.store(replica.sequence, packSnapshot(capture, { log: "a log", frameBytesMax: 4_096, compress: false }));
  const snapshot = (await snapshots.list()).filter(isWhole).find((each) => each.id === id);
  if (snapshot === undefined) throw new Error("it is not there");
  return snapshot;
}

const verify = (snapshot: Snapshot, signal: AbortSignal = GOING_ON): Promise<void> =>
  verifierOf(snapshots, { servers: [server.url] })(snapshot, signal);
const failed = (verified: Promise<void>): Promise<unknown> =>
  verified.then(
    () => undefined,
    (error: unknown) => error,
  );

test.each([2, 30])("a snapshot of %i frames and more is read back whole, or it is said what is damaged in it", async (objects) => {
  const snapshot = await taken(objects);
  expect(snapshot.summary.frames).toBeGreaterThan(objects);
  await verify(snapshot);
  const subject = `${LOG_STREAM}-snapshot.${snapshot.id}.frame.1`;
  const bytes = (await snapshots.frame(snapshot.id, 1)) ?? Buffer.alloc(0);
  await connection.jetstream().publish(subject, Buffer.from(bytes).fill(0, bytes.length - 1));
  const damage = await failed(verify(snapshot));
  expect(damage).toBeInstanceOf(SnapshotDamaged);
  expect((damage as Error).message).toBe(`snapshot ${LOG_STREAM}-snapshot-${snapshot.id} is damaged at frame 1: checksum does not match`);
});

test("who is told to give up does, and nothing is known of the snapshot", async () => {
  const snapshot = await taken(40);
  const giveUp = new AbortController();
  const verified = failed(verify(snapshot, giveUp.signal));
  giveUp.abort();
  expect(await verified).toMatchObject({ name: "AbortError" });
});

test("where nobody answers it is not damaged", async () => {
  const snapshot = await taken(50);
  const error = await failed(verifierOf(snapshots, { servers: ["127.0.0.1:1"] })(snapshot, GOING_ON));
  expect(error).toBeInstanceOf(LogUnavailable);
});
