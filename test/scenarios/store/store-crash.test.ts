import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "vitest";
import { seededRandom } from "../../../runtime/mod.ts";
import { NatsServer } from "../../actors/store/nats-server.ts";
import { CALM_MS, type Fault, runRounds } from "./rounds.ts";

/** Every fault and moment comes from here. A failed run prints it; TROUPE_SEED=<it> does the same again, as far as a machine can. */
const seed = Number(process.env.TROUPE_SEED ?? randomInt(2 ** 31));
/** TROUPE_CRASH_ROUNDS=200 npm test -- test/scenarios/store */
const rounds = Number(process.env.TROUPE_CRASH_ROUNDS ?? 10);

const ROUND_MS_MAX = 60_000;

const random = seededRandom(seed);

const FAULTS: Readonly<Record<string, Fault<NatsServer>>> = {
  "the writer is killed, the standby takes over": async (cluster) => {
    const victim = cluster.writer;
    await cluster.kill(victim);
    cluster.turnTo(cluster.standby);
    await delay(CALM_MS);
    cluster.begin(victim);
  },
  "the writer is killed and comes back": async (cluster) => {
    await cluster.kill(cluster.writer);
    cluster.begin(cluster.writer);
  },
  "the writer stands still, the standby takes over, the writer wakes and knows nothing": async (cluster) => {
    const sleeper = cluster.writer;
    cluster.signal(sleeper, "SIGSTOP");
    await delay(random.below(CALM_MS));
    cluster.turnTo(cluster.standby);
    await delay(CALM_MS);
    cluster.signal(sleeper, "SIGCONT");
  },
  "the writer is killed, nobody tells the clients, who find the standby, which takes over": async (cluster) => {
    const victim = cluster.offerBoth();
    await cluster.kill(victim);
    await delay(2 * CALM_MS);
    cluster.begin(victim);
    cluster.turnTo(cluster.standby);
  },
  "half of the clients take another for the writer": async (cluster) => {
    cluster.turnTo("store-a", [0]);
    cluster.turnTo("store-b", [1]);
    await delay(2 * CALM_MS);
    cluster.turnTo(cluster.writer);
  },
  "nats-server is killed": async ({ nats }) => {
    await nats.kill();
    await delay(random.below(CALM_MS));
    nats.start();
  },
  "nats-server stands still": async ({ nats }) => {
    nats.signal("SIGSTOP");
    await delay(random.below(4 * CALM_MS));
    nats.signal("SIGCONT");
  },
  "everything is killed": async (cluster) => {
    const { nats, writer, standby } = cluster;
    await Promise.all([cluster.kill(writer), cluster.kill(standby), nats.kill()]);
    nats.start();
    cluster.begin(writer);
    cluster.begin(standby);
  },
};

test(
  `${rounds} rounds of kill -9 and pauses: the store is linearizable, watches keep etcd's guarantees (TROUPE_SEED=${seed})`,
  async () => runRounds(await NatsServer.start(), FAULTS, rounds, random),
  rounds * ROUND_MS_MAX,
);
