import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { decodeBatch } from "../../../actors/store/record.ts";
import { type Random, seededRandom, systemClock } from "../../../runtime/mod.ts";
import { acknowledgementFaults } from "../../histories/acknowledged.ts";
import { linearizabilityFaults } from "../../histories/linearizability.ts";
import type { Happening, Operation } from "../../histories/operation.ts";
import { RecordingClient, RecordingWatcher, storedValue } from "../../histories/recording.ts";
import { watchFaults } from "../../histories/watch-guarantees.ts";
import { type Nats, StoreCluster } from "./store-cluster.ts";

/** Clients work this long before and after what goes wrong. */
export const CALM_MS = 300;
const CLIENTS = 6;
const KEYS = 5;
const WATCHERS = 4;

/** What goes wrong in a round; resolves when it is over, all processes and servers running. */
export type Fault<Servers extends Nats> = (cluster: StoreCluster<Servers>) => Promise<void>;

/**
 * Runs rounds of clients that work while something goes wrong, each fault at least once where there are as many rounds, and holds what they
 * were told, what the log holds and what watches told to each other.
 */
export async function runRounds<Servers extends Nats>(
  nats: Servers,
  faults: Readonly<Record<string, Fault<Servers>>>,
  rounds: number,
  random: Random,
): Promise<void> {
  const cluster = await StoreCluster.start(nats);
  const reader = new LogReader(cluster);
  const takeovers_ms: number[] = [];
  const total = { acknowledged: 0, unanswered: 0 };
  try {
    for (let round = 0; round < rounds; round++) {
      const names = Object.keys(faults);
      const name = names[round < names.length ? round : random.below(names.length)] ?? "";
      const { operations, took_ms } = await runRound(cluster, round, random, faults[name] as Fault<Servers>, async (watchers) => {
        await reader.until(cluster.replica.revision);
        const wrong = watchers.flatMap((watcher) => watchFaults(watcher.record(cluster.replica.revision), reader.happenings));
        expect(wrong, `round ${round}: ${name}`).toEqual([]);
      });
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
}

/** All that the log holds, read apart from what is tested. */
class LogReader {
  readonly happenings: Happening[] = [];
  readonly #reading;
  #revision = 0;
  #heard: () => void = () => {};

  constructor({ log }: Pick<StoreCluster<Nats>, "log">) {
    this.#reading = log.read(1, (sequence, bytes) => {
      let transaction = 0;
      for (const { op, key, revision, stored, request } of decodeBatch(sequence, bytes).records) {
        if (request !== undefined) transaction = revision;
        const value = stored && storedValue(stored.text);
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

/** Clients work while something goes wrong. Gives what they were told, and how long after the fault began the first write was answered. */
async function runRound<Servers extends Nats>(
  cluster: StoreCluster<Servers>,
  round: number,
  random: Random,
  fault: Fault<Servers>,
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
