import { expect, test } from "vitest";
import type { Log } from "../../../actors/store/log.ts";
import { AppendFenced } from "../../../actors/store/log.ts";
import type { MemoryLog } from "../../../actors/store/memory-log.ts";
import { type Plan, planOf, reportOf, shrink, simulate } from "../../../runtime/simulator/mod.ts";
import { FaultyLog } from "./faulty-log.ts";
import type { PlantedStoreFault } from "./store-scenario.ts";
import { storeScenario } from "./store-scenario.ts";

/** Seeds run until so much time is used up; the first ones always. TROUPE_SEEDS=1000 runs that many. */
const BUDGET_MS = process.env.TROUPE_SEEDS === undefined ? 10_000 : Number.POSITIVE_INFINITY;
const SEEDS_MIN = 5;
const SEEDS_MAX = Number(process.env.TROUPE_SEEDS ?? 1_000);
const DURATION_MS = 120_000;
/** Plans laid over one another, since a store's worst moments are those when two things go wrong. */
const PLANS = 4;

function densePlan(seed: number): Plan {
  const plan = planOf(seed, DURATION_MS);
  const more = Array.from({ length: PLANS - 1 }, (_, other) => planOf(seed + (other + 1) * 1_000_000, DURATION_MS).faults);
  return { ...plan, faults: [...plan.faults, ...more.flat()].sort((a, b) => a.at_ms - b.at_ms) };
}

test(
  "several writers on one log, killed, paused and cut off: as many seeds of two virtual minutes as fit",
  async () => {
    const started_ms = performance.now();
    for (let seed = 1; seed <= SEEDS_MAX; seed++) {
      if (seed > SEEDS_MIN && performance.now() - started_ms > BUDGET_MS) return;
      const run = await simulate(storeScenario(), densePlan(seed));
      if (run.violation !== undefined) expect.fail(reportOf(run, await shrink(storeScenario(), run)));
    }
  },
  SEEDS_MAX * 30_000,
);

/** Appends whatever the log holds by now. */
function withoutFence(log: Log, shared: MemoryLog): Log {
  return altered(log, { append: async (batch) => log.append(batch, await shared.lastSequence()) });
}

/** Says that it has appended, and has not, now and then. */
function lossy(log: Log): Log {
  let appends = 0;
  return altered(log, {
    append: async (batch, expected) => {
      if (++appends % 10 !== 0) return log.append(batch, expected);
      if ((await log.lastSequence()) !== expected) throw new AppendFenced(expected);
      return expected + 1;
    },
  });
}

/** Once it has appended, it takes its own last batch for the log's end: a writer that does not look whether anybody else has written. */
function incurious(log: Log): Log {
  let last = 0;
  return altered(log, {
    append: async (batch, expected) => {
      last = await log.append(batch, expected);
      return last;
    },
    lastSequence: async () => (last === 0 ? log.lastSequence() : last),
  });
}

function altered(log: Log, changes: Partial<Log>): Log {
  return Object.assign(new FaultyLog(log), changes);
}

test.each<[string, PlantedStoreFault]>([
  ["appends without fence", { log: withoutFence }],
  ["appends that were not", { log: lossy }],
  ["reads that ask nobody", { log: incurious }],
  ["requests that are forgotten", { forgetful: true }],
])("a planted fault is found within ten seeds: %s", async (_name, planted) => {
  for (let seed = 1; seed <= 10; seed++) {
    const { violation } = await simulate(storeScenario(planted), densePlan(seed));
    if (violation !== undefined) return;
  }
  expect.fail("ten seeds found nothing");
});
