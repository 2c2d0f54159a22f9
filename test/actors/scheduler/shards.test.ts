import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import { startScheduler, type TestScheduler } from "./harness.ts";

const SHARDS = 3;

describe("several shards", () => {
  let running: TestScheduler | undefined;
  const started = async (...options: Parameters<typeof startScheduler>): Promise<TestScheduler> => {
    running = await startScheduler(...options);
    return running;
  };
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  const pods = ({ view }: TestScheduler): readonly Pod[] => view.list("pods").map((entry) => view.decode<Pod>(entry));
  const requests = (cpu: number) => ({ containers: [{ name: "c", image: "i", resources: { requests: { cpu: `${cpu}m` } } }] });

  it("together never put on a node more than it can take, and leave no room unused", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.constantFrom(500, 1_000), { minLength: 10, maxLength: 40 }),
        async (nodes, sizes) => {
          const scheduler = await started({}, { shards: SHARDS });
          for (const [number, cpu] of nodes.entries()) await scheduler.setNode(`n${number}`, { cpu: String(cpu) });
          scheduler.start();
          await Promise.all(sizes.map((cpu, number) => scheduler.createPod(`p${number}`, requests(cpu))));
          const cpuOf = ({ spec }: Pod): number => (spec.containers[0]?.resources?.requests?.cpu === "500m" ? 500 : 1_000);
          const left = (): number[] => {
            const free = nodes.map((cpu) => cpu * 1_000);
            for (const pod of pods(scheduler)) {
              const node = Number(pod.spec.nodeName?.slice(1) ?? Number.NaN);
              if (!Number.isNaN(node)) free[node] = (free[node] ?? 0) - cpuOf(pod);
            }
            return free;
          };
          // What one shard was refused another may have been told was taken: it tries again when it hears of that.
          let overcommitted: readonly number[] = [];
          await scheduler.eventually(() => {
            overcommitted = left().filter((cpu) => cpu < 0);
            if (overcommitted.length > 0) return true;
            const waiting = pods(scheduler).filter(({ spec }) => spec.nodeName === undefined);
            return pods(scheduler).length === sizes.length && waiting.every((pod) => cpuOf(pod) > Math.max(...left()));
          });
          expect(overcommitted).toEqual([]);
          await scheduler.stop();
          running = undefined;
        },
      ),
      { numRuns: 6 },
    );
  });

  it("keep pods apart that are to be apart, also from those that say nothing themselves", async () => {
    const scheduler = await started({}, { shards: SHARDS });
    for (let node = 0; node < 8; node++) await scheduler.setNode(`n${node}`, {}, { labels: { zone: `z${node % 4}` } });
    scheduler.start();
    const away = { labelSelector: { matchLabels: { app: "db" } }, topologyKey: "zone" };
    const loner = { ...requests(10), affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [away] } } };
    const names = ["loner-0", "loner-1", "quiet-0", "quiet-1", "quiet-2", "quiet-3"];
    await Promise.all(
      names.map((name) => scheduler.createPod(name, name.startsWith("loner") ? loner : requests(10), { labels: { app: "db" } })),
    );
    const isDecided = ({ spec, status }: Pod): boolean =>
      spec.nodeName !== undefined || status?.conditions?.some(({ reason }) => reason === "Unschedulable") === true;
    await scheduler.eventually(() => pods(scheduler).length === names.length && pods(scheduler).every(isDecided));
    const zoneOf = (pod: Pod): number => Number(pod.spec.nodeName?.slice(1)) % 4;
    const placed = pods(scheduler).filter(({ spec }) => spec.nodeName !== undefined);
    for (const loner of placed.filter(({ metadata }) => metadata.name.startsWith("loner"))) {
      const together = placed.filter((other) => other !== loner && zoneOf(other) === zoneOf(loner));
      expect(together.map(({ metadata }) => metadata.name)).toEqual([]);
    }
  });

  it("decide again what rested on a node that somebody else has bound to meanwhile", async () => {
    let interfered = false;
    const scheduler = await started({
      registry: (registry) => ({
        ...registry,
        bind: async (namespace, name, uid, node, options) => {
          if (!interfered && name === "mine") {
            interfered = true;
            // Somebody else's scheduler takes the last place, after ours has chosen it.
            await registry.bind(namespace, "theirs", undefined, node);
          }
          return registry.bind(namespace, name, uid, node, options);
        },
      }),
    });
    await scheduler.setNode("n1", { cpu: "1" });
    await scheduler.createPod("theirs", { ...requests(1_000), schedulerName: "theirs" });
    scheduler.start();
    await scheduler.createPod("mine", requests(1_000));
    const condition = () => scheduler.pod("mine")?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    await scheduler.eventually(() => condition() !== undefined);
    expect(scheduler.pod("theirs")?.spec.nodeName).toBe("n1");
    expect(condition()?.message).toMatch(/^0\/1 nodes are available: 1 Insufficient cpu\./);
  });
});
