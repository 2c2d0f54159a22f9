import { beforeAll, expect, test } from "vitest";
import { type Plan, planOf, reportOf, shrink, simulate } from "../../../runtime/simulator/mod.ts";
import { type Delays, furnishedLog, shardsScenario } from "./shards-scenario.ts";

/** Seeds run until so much time is used up; the first ones always. TROUPE_SEEDS=1000 runs that many. */
const BUDGET_MS = process.env.TROUPE_SEEDS === undefined ? 8_000 : Number.POSITIVE_INFINITY;
const SEEDS_MIN = 4;
const SEEDS_MAX = Number(process.env.TROUPE_SEEDS ?? 200);
/** As the issue wants it: from a pod's creation to its binding, when the host that decides, or the one that writes, is killed in between. */
const TAKEOVER_MS = 2_000;

let furnished: readonly Uint8Array[];
beforeAll(async () => {
  furnished = await furnishedLog();
});

async function eachSeed(planOfSeed: (seed: number) => Plan, look: (seed: number, delays: Delays) => void): Promise<void> {
  const started_ms = performance.now();
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    if (seed > SEEDS_MIN && performance.now() - started_ms > BUDGET_MS) return;
    const delays: Delays = { longest_ms: 0, bound: 0 };
    const run = await simulate(shardsScenario(furnished, delays), planOfSeed(seed));
    if (run.violation !== undefined) {
      const scenario = shardsScenario(furnished, { longest_ms: 0, bound: 0 });
      expect.fail(reportOf(run, await shrink(scenario, run)));
    }
    look(seed, delays);
  }
}

test(
  "shards on hosts that are killed, paused and cut off: no node has too many pods, and no pod is forgotten",
  () =>
    eachSeed(
      (seed) => planOf(seed, 60_000),
      (seed, { bound }) => expect(bound, `seed ${seed}`).toBeGreaterThan(0),
    ),
  SEEDS_MAX * 30_000,
);

test(
  "a host that is killed takes shards and the writer with it, and both are taken over within two seconds",
  () =>
    eachSeed(
      (seed) => {
        const { size } = planOf(seed, 0);
        const kill = (at_ms: number, host: number) => ({ kind: "kill", at_ms, for_ms: 15_000, host, noticed_ms: 1 }) as const;
        return { seed, duration_ms: 60_000, size: { ...size, hosts: 3 }, faults: [kill(10_000 + 7 * seed, seed), kill(35_000, seed + 1)] };
      },
      (seed, { longest_ms }) => expect(longest_ms, `seed ${seed}`).toBeLessThan(TAKEOVER_MS),
    ),
  SEEDS_MAX * 30_000,
);
