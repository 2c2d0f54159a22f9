import { describe, expect, it } from "vitest";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Pod, PodDisruptionBudget, PriorityClass } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { PodDisruptionBudgetKind } from "../../../actors/kinds/policy/pod-disruption-budget.ts";
import { PriorityClassKind } from "../../../actors/kinds/scheduling/priority-class.ts";
import { named } from "../registry/harness.ts";
import { member, schedulerOfEachTest, setGroup, type TestScheduler } from "./harness.ts";

describe("pod groups", () => {
  const opened = schedulerOfEachTest();
  const started = async (...options: Parameters<typeof opened>): Promise<TestScheduler> => {
    const scheduler = await opened(...options);
    scheduler.start();
    return scheduler;
  };

  const message = ({ pod }: TestScheduler, name: string) =>
    pod(name)?.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message ?? "";
  const nodes = ({ pod }: TestScheduler, names: readonly string[]) => names.map((name) => pod(name)?.spec.nodeName);

  it("wait until enough members are there, and are bound in one transaction then", async () => {
    let together = 0;
    const scheduler = await started({
      registry: (registry) => ({
        ...registry,
        bindTogether: (bindings, options) => {
          together = bindings.length;
          return registry.bindTogether(bindings, options);
        },
      }),
    });
    await scheduler.setNode("n1");
    await setGroup(scheduler, "g", 3);
    await scheduler.createPod("a", {}, member("g"));
    await scheduler.createPod("b", {}, member("g"));
    await scheduler.eventually(() => message(scheduler, "b") !== "" && message(scheduler, "a").includes("1 more"));
    expect(message(scheduler, "a")).toContain('pod group "d/g" waits for 1 more of its 3 members');
    await scheduler.createPod("c", {}, member("g"));
    await scheduler.eventually(() => nodes(scheduler, ["a", "b", "c"]).every((node) => node === "n1"));
    expect(together).toBe(3);
    // Whoever comes when there are enough goes alone.
    await scheduler.createPod("d", {}, member("g"));
    await scheduler.eventually(() => nodes(scheduler, ["d"])[0] === "n1");
    expect(together).toBe(3);
  });

  it("get nothing while not all fit, leave what they do not get to others, and get all when there is room", async () => {
    const scheduler = await started();
    await scheduler.setNode("n1", { cpu: "2" });
    await setGroup(scheduler, "g", 3);
    for (const name of ["a", "b", "c"]) await scheduler.createPod(name, {}, member("g"));
    await scheduler.eventually(() => ["a", "b", "c"].every((name) => message(scheduler, name) !== ""));
    expect(nodes(scheduler, ["a", "b", "c"])).toEqual([undefined, undefined, undefined]);
    const messages = ["a", "b", "c"].map((name) => message(scheduler, name));
    expect(messages).toContain("0/1 nodes are available: 1 Insufficient cpu.");
    await scheduler.createPod("other");
    await scheduler.eventually(() => nodes(scheduler, ["other"])[0] === "n1");
    await scheduler.setNode("n2", { cpu: "2" });
    await scheduler.eventually(() => nodes(scheduler, ["a", "b", "c"]).every((node) => node !== undefined));
  });

  it("of two groups with room for one, one gets all and the other nothing", async () => {
    const scheduler = await started({}, { shards: 2 });
    for (const group of ["g", "h"]) await setGroup(scheduler, group, 2);
    const names = ["g1", "h1", "g2", "h2"];
    for (const name of names) await scheduler.createPod(name, {}, member(name.slice(0, 1)));
    await scheduler.setNode("n1", { cpu: "3" });
    const bound = (group: string) => nodes(scheduler, [`${group}1`, `${group}2`]).filter((node) => node !== undefined).length;
    await scheduler.eventually(() => bound("g") + bound("h") === 2);
    expect([bound("g"), bound("h")].sort()).toEqual([0, 2]);
  });

  it("are not tried while all nodes together have less free than the group says it needs", async () => {
    const scheduler = await started();
    await scheduler.setNode("n1", { cpu: "3" });
    await scheduler.createPod("other");
    await scheduler.eventually(() => nodes(scheduler, ["other"])[0] === "n1");
    await setGroup(scheduler, "g", 2, { minResources: { cpu: "2500m", memory: "1Gi", "a/gpu": 1 } });
    for (const name of ["a", "b"]) await scheduler.createPod(name, {}, member("g"));
    await scheduler.eventually(() => message(scheduler, "b").includes("needs"));
    expect(message(scheduler, "b")).toContain('pod group "d/g" needs more a/gpu, cpu than the nodes have free');
    // There was room for both of them by what they ask for themselves.
    expect(nodes(scheduler, ["a", "b"])).toEqual([undefined, undefined]);
    await scheduler.setNode("n2", { cpu: "500m", "a/gpu": "1" });
    await scheduler.eventually(() => nodes(scheduler, ["a", "b"]).every((node) => node === "n1"));
  });

  it("that find no room within their timeout are told so, and get nodes when there is room again", async () => {
    const scheduler = await started();
    await scheduler.setNode("n1", { cpu: "1" });
    await setGroup(scheduler, "g", 2, { scheduleTimeoutSeconds: 1 });
    for (const name of ["a", "b"]) await scheduler.createPod(name, {}, member("g"));
    await scheduler.eventually(() => scheduler.events("g").length > 0);
    expect(scheduler.events("g")[0]).toMatch(/^ScheduleTimeout: pod group "d\/g" was not scheduled within 1 seconds/);
    expect(nodes(scheduler, ["a", "b"])).toEqual([undefined, undefined]);
    await scheduler.setNode("n2", { cpu: "1" });
    await scheduler.eventually(() => nodes(scheduler, ["a", "b"]).every((node) => node !== undefined));
  });

  it("that nobody has made are no groups", async () => {
    const scheduler = await started();
    await scheduler.setNode("n1");
    await scheduler.createPod("a", {}, member("none"));
    await scheduler.eventually(() => nodes(scheduler, ["a"])[0] === "n1");
  });

  describe("of higher priority", () => {
    const HIGH = 1_000;
    const leaving = ({ pod }: TestScheduler, name: string): boolean => pod(name)?.metadata.deletionTimestamp !== undefined;
    const end = ({ registry }: TestScheduler, name: string): Promise<unknown> =>
      registry.delete(PodKind as unknown as Kind, "d", name, { gracePeriodSeconds: 0 });
    /** Nodes of two cpus, full of pods of one cpu each: old-0 and old-1 on n0, and so on. */
    const crowded = async (count: number, classes: (number: number) => string = () => "low"): Promise<TestScheduler> => {
      const scheduler = await started();
      for (const [name, value] of Object.entries({ low: 10, high: HIGH, higher: 2 * HIGH })) {
        await scheduler.registry.create(PriorityClassKind, named<PriorityClass>(name, undefined, { value }));
      }
      for (let node = 0; node < count; node++) {
        await scheduler.setNode(`n${node}`, { cpu: "2" });
        for (const pod of [2 * node, 2 * node + 1]) {
          await scheduler.createPod(`old-${pod}`, { nodeName: `n${node}`, priorityClassName: classes(pod) });
        }
      }
      return scheduler;
    };
    const olds = (count: number): string[] => Array.from({ length: count }, (_, number) => `old-${number}`);
    const create = async (scheduler: TestScheduler, names: readonly string[], cpu: string): Promise<void> => {
      const containers = [{ name: "c", image: "i", resources: { requests: { cpu } } }];
      for (const name of names) await scheduler.createPod(name, { containers, priorityClassName: "high" }, member("g"));
    };

    it("make room for all that are wanted at once, wait until the last has gone, and are bound together", async () => {
      const scheduler = await crowded(2);
      await setGroup(scheduler, "g", 2, { minResources: { cpu: "4" } });
      await create(scheduler, ["a", "b"], "2");
      await scheduler.eventually(() => olds(4).every((name) => leaving(scheduler, name)));
      const nominated = ["a", "b"].map((name) => () => scheduler.pod(name)?.status?.nominatedNodeName);
      await scheduler.eventually(
        () => new Set(nominated.map((each) => each())).size === 2 && nominated.every((each) => each() !== undefined),
      );
      // A place that is kept for a member is nobody's else, also while the group waits for the other's.
      for (const name of ["old-0", "old-1"]) await end(scheduler, name);
      await scheduler.createPod("cheeky", { priorityClassName: "low" });
      await scheduler.eventually(() => message(scheduler, "cheeky") !== "");
      await end(scheduler, "old-2");
      expect(nodes(scheduler, ["a", "b", "cheeky"])).toEqual([undefined, undefined, undefined]);
      await end(scheduler, "old-3");
      await scheduler.eventually(() => nodes(scheduler, ["a", "b"]).every((node) => node !== undefined));
      expect(new Set(nodes(scheduler, ["a", "b"]))).toEqual(new Set(["n0", "n1"]));
      expect(scheduler.pod("cheeky")?.spec.nodeName).toBeUndefined();
    });

    it("end nobody when there is room to be made for a part of them only", async () => {
      const scheduler = await crowded(2, (number) => (number < 2 ? "low" : "higher"));
      await setGroup(scheduler, "g", 2);
      await create(scheduler, ["a", "b"], "2");
      await scheduler.eventually(() => ["a", "b"].every((name) => message(scheduler, name).includes("Insufficient cpu")));
      // Somebody alone would make room.
      await scheduler.createPod("single", { priorityClassName: "high" });
      await scheduler.eventually(() => olds(2).some((name) => leaving(scheduler, name)));
      expect(olds(4).filter((name) => leaving(scheduler, name)).length).toBe(1);
      expect(["a", "b"].map((name) => scheduler.pod(name)?.status?.nominatedNodeName)).toEqual([undefined, undefined]);
    });

    it("would rather end whom no disruption budget protects", async () => {
      const scheduler = await crowded(3);
      const labelled = (now: Pod): Pod => ({ ...now, metadata: { ...now.metadata, labels: { app: "db" } } });
      for (const name of ["old-2", "old-3"]) await scheduler.registry.modify(PodKind, "d", name, labelled, {});
      const budget = named<PodDisruptionBudget>("db", "d", { spec: { minAvailable: 2, selector: { matchLabels: { app: "db" } } } });
      await scheduler.registry.create(PodDisruptionBudgetKind, budget);
      await setGroup(scheduler, "g", 2);
      await create(scheduler, ["a", "b"], "2");
      await scheduler.eventually(() => olds(6).filter((name) => leaving(scheduler, name)).length === 4);
      expect(["old-2", "old-3"].some((name) => leaving(scheduler, name))).toBe(false);
    });
  });
});
