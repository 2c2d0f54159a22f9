import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "vitest";
import { seededRandom } from "../../../runtime/mod.ts";
import { NatsCluster } from "../../actors/store/nats-cluster.ts";
import { CALM_MS, type Fault, runRounds } from "./rounds.ts";
import { STREAM } from "./store-cluster.ts";

/** Every fault and moment comes from here. A failed run prints it; TROUPE_SEED=<it> does the same again, as far as a machine can. */
const seed = Number(process.env.TROUPE_SEED ?? randomInt(2 ** 31));
/** TROUPE_CLUSTER_ROUNDS=50 for a long evening. */
const rounds = Number(process.env.TROUPE_CLUSTER_ROUNDS ?? 6);

const ROUND_MS_MAX = 120_000;
/** Longer than JetStream takes to choose another leader. */
const STILL_MS = 9_000;

const random = seededRandom(seed);

const FAULTS: Readonly<Record<string, Fault<NatsCluster>>> = {
  "the log's leader is killed": async ({ nats }) => {
    const leader = await nats.leaderOf(STREAM);
    await nats.kill(leader);
    await delay(random.below(4 * CALM_MS));
    nats.begin(leader);
    await nats.whole([STREAM]);
  },
  "the log's leader stands still, another is chosen, it wakes and knows nothing": async ({ nats }) => {
    const leader = await nats.leaderOf(STREAM);
    await nats.pause(leader);
    await delay(STILL_MS);
    nats.goOn(leader);
    await nats.whole([STREAM]);
  },
  "the log's leader stands still while the standby takes over, and wakes": async (cluster) => {
    const { nats } = cluster;
    const leader = await nats.leaderOf(STREAM);
    await nats.pause(leader);
    await delay(random.below(2 * CALM_MS));
    cluster.turnTo(cluster.standby);
    await delay(STILL_MS);
    nats.goOn(leader);
    cluster.turnTo(cluster.standby, [0]);
    await delay(CALM_MS);
    cluster.turnTo(cluster.writer);
    await nats.whole([STREAM]);
  },
  "the writer and the log's leader are killed, the standby takes over": async (cluster) => {
    const { nats, writer } = cluster;
    const leader = await nats.leaderOf(STREAM);
    await Promise.all([nats.kill(leader), cluster.kill(writer)]);
    cluster.turnTo(cluster.standby);
    await delay(CALM_MS);
    nats.begin(leader);
    await nats.whole([STREAM]);
    cluster.begin(writer);
  },
  "half of the clients take another for the writer, and a server is killed": async (cluster) => {
    const { nats } = cluster;
    cluster.turnTo("store-a", [0]);
    cluster.turnTo("store-b", [1]);
    const victim = nats.names[random.below(nats.names.length)] ?? "";
    await delay(random.below(CALM_MS));
    await nats.kill(victim);
    await delay(2 * CALM_MS);
    nats.begin(victim);
    await nats.whole([STREAM]);
    cluster.turnTo(cluster.writer);
  },
  "all servers are killed": async ({ nats }) => {
    for (const name of nats.names) await nats.kill(name);
    for (const name of nats.names) nats.begin(name);
    await nats.whole([STREAM]);
  },
};

test(
  `${rounds} rounds on a NATS cluster whose servers are killed and stand still: the store is linearizable, watches keep etcd's guarantees (TROUPE_SEED=${seed})`,
  async () => runRounds(await NatsCluster.start(), FAULTS, rounds, random),
  rounds * ROUND_MS_MAX,
);
