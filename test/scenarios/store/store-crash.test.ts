import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { decodeBatch } from "../../../actors/store/record.ts";
import { seededRandom, systemClock } from "../../../runtime/mod.ts";
import { acknowledgementFaults } from "../../histories/acknowledged.ts";
import { linearizabilityFaults } from "../../histories/linearizability.ts";
import type { Happening, Operation } from "../../histories/operation.ts";
import { RecordingClient, RecordingWatcher, storedValue } from "../../histories/recording.ts";
import { watchFaults } from "../../histories/watch-guarantees.ts";
import { StoreCluster } from "./store-cluster.ts";

/** Every fault and moment comes from here. A failed run prints it; TROUPE_SEED=<it> does the same again, as far as a machine can. */
const seed = Number(process.env.TROUPE_SEED ?? randomInt(2 ** 31));
/** TROUPE_CRASH_ROUNDS=200 npm test -- test/scenarios/store */
const rounds = Number(process.env.TROUPE_CRASH_ROUNDS ?? 10);

/** Clients work this long before and after what goes wrong. */
const CALM_MS = 300;
const CLIENTS = 6;
const KEYS = 5;
const WATCHERS = 4;
const ROUND_MS_MAX = 60_000;

const random = seededRandom(seed);

/** What goes wrong in a round; each resolves when it is over, all processes running. */
const FAULTS: Readonly<Record<string, (cluster: StoreCluster) => Promise<void>>> = {
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

/** All that the log holds, read apart from what is tested. */
class LogReader {
  readonly happenings: Happening[] = [];
  readonly #reading;
  #revision = 0;
  #heard: () => void = () => {};

  constructor({ log }: StoreCluster) {
    this.#reading = log.read(1, (sequence, bytes) => {
      let transaction = 0;
      for (const { op, key, revision, text, request } of decodeBatch(sequence, bytes).records) {
        if (request !== undefined) transaction = revision;
        const value = text === undefined ? undefined : storedValue(text);
        this.happenings.push({
          revision,
          key,
          type: ({ create: "created", update: "updated", delete: "deleted" } as const)[op],
          value,
          transaction,
        });
        this.#revision = revision;
      }
      this.#heard();
    });
  }

  async until(revision: number): Promise<void> {
    while (this.#revision < revision) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  stop(): void {
    this.#reading.stop();
  }
}

test(
  `${rounds} rounds of kill -9 and pauses: the store is linearizable, watches keep etcd's guarantees (TROUPE_SEED=${seed})`,
  async () => {
    const cluster = await StoreCluster.start();
    const reader = new LogReader(cluster);
    const takeovers_ms: number[] = [];
    const total = { acknowledged: 0, unanswered: 0 };
    try {
      for (let round = 0; round < rounds; round++) {
        const names = Object.keys(FAULTS);
        const name = names[round < names.length ? round : random.below(names.length)] ?? "";
        const { operations, took_ms } = await runRound(
          cluster,
          round,
          FAULTS[name] as (cluster: StoreCluster) => Promise<void>,
          async (watchers) => {
            await reader.until(cluster.replica.revision);
            const faults = watchers.flatMap((watcher) => watchFaults(watcher.record(cluster.replica.revision), reader.happenings));
            expect(faults, `round ${round}: ${name}`).toEqual([]);
          },
        );
        expect(linearizabilityFaults(operations), `round ${round}: ${name}`).toEqual([]);
        expect(acknowledgementFaults(operations, reader.happenings), `round ${round}: ${name}`).toEqual([]);
        expect(cluster.faults, `round ${round}: ${name}`).toEqual([]);
        if (name.includes("takes over")) takeovers_ms.push(took_ms);
        total.acknowledged += operations.filter(({ answer }) => answer !== undefined).length;
        total.unanswered += operations.filter(({ answer }) => answer === undefined).length;
      }
      expect(total.acknowledged).toBeGreaterThan(rounds * CLIENTS);
      takeovers_ms.sort((a, b) => a - b);
      process.stdout.write(
        `${rounds} rounds, ${total.acknowledged} operations answered, ${total.unanswered} not; the standby answered its first write after ` +
          `${takeovers_ms.map((each) => each.toFixed(0)).join(", ")} ms\n`,
      );
    } finally {
      reader.stop();
      await cluster.stop();
    }
  },
  rounds * ROUND_MS_MAX,
);

/** Clients work while something goes wrong. Gives what they were told, and how long after the fault began the first write was answered. */
async function runRound(
  cluster: StoreCluster,
  round: number,
  fault: (cluster: StoreCluster) => Promise<void>,
  check: (watchers: readonly RecordingWatcher[]) => Promise<void>,
): Promise<{ readonly operations: readonly Operation[]; readonly took_ms: number }> {
  const clock = systemClock();
  const keys = Array.from({ length: KEYS }, (_, key) => `things/r${round}-${key}`);
  const { replica } = cluster;
  const clients = Array.from({ length: CLIENTS }, (_, client) => {
    const { messenger } = cluster.hosts[client % 2] as { messenger: (typeof cluster.hosts)[0]["messenger"] };
    const store = { view: replica, messenger, clock, random: seededRandom(random.below(2 ** 31)) };
    return new RecordingClient(`${round}-${client}`, store, {
      keys: () => keys,
      patient: client < CLIENTS / 2,
      now: () => performance.now(),
    });
  });
  const watchers = Array.from({ length: WATCHERS }, (_, watcher) => new RecordingWatcher(`watcher ${watcher}`, replica, "things", random));
  let working = true;
  const work = clients.map(async (client) => {
    while (working) await client.work();
  });
  const watching = (async () => {
    while (working) {
      await delay(random.below(CALM_MS));
      watchers[random.below(WATCHERS)]?.resume();
    }
  })();
  await delay(CALM_MS);
  const began_ms = performance.now();
  await fault(cluster);
  await cluster.ready();
  await delay(CALM_MS);
  working = false;
  await Promise.all([...work, watching]);
  // What nobody was told of may still happen; a write after it settles that.
  const last = new RecordingClient(
    `${round}-last`,
    { view: replica, messenger: cluster.hosts[0].messenger, clock, random },
    {
      keys: () => [`things/last-${round}`],
      patient: true,
      now: () => performance.now(),
    },
  );
  while (!last.operations.some(({ answer }) => answer?.type === "committed")) await last.work();
  const newest = [...clients, last]
    .flatMap((client) => client.operations)
    .map(({ answer }) => (answer?.type === "committed" ? answer.revision : 0));
  await replica.until(Math.max(...newest));
  for (const watcher of watchers) watcher.close();
  await check(watchers);
  const operations = [...clients.flatMap((client) => client.operations), ...last.operations];
  const first = operations
    .filter(({ called, answer }) => called > began_ms && answer?.type === "committed")
    .reduce((least, { returned }) => Math.min(least, returned), Number.POSITIVE_INFINITY);
  return { operations, took_ms: first - began_ms };
}
