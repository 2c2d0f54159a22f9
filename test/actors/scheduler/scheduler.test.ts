import { describe, expect, it } from "vitest";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Pod, PodDisruptionBudget, PriorityClass } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { PodDisruptionBudgetKind } from "../../../actors/kinds/policy/pod-disruption-budget.ts";
import { PriorityClassKind } from "../../../actors/kinds/scheduling/priority-class.ts";
import { named } from "../registry/harness.ts";
import { type Faults, schedulerOfEachTest, type TestScheduler } from "./harness.ts";

const NO_ROOM =
  "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";

describe("the scheduler shard", () => {
  const started = schedulerOfEachTest();

  it("binds what was there before it and what comes later, spread by the scores, and says so", async () => {
    const scheduler = await started();
    const { createPod, setNode, pod, eventually, events } = scheduler;
    await setNode("n1");
    await setNode("n2");
    await createPod("a");
    scheduler.start();
    await eventually(() => pod("a")?.spec.nodeName !== undefined);
    await createPod("b");
    await eventually(() => pod("b")?.spec.nodeName !== undefined);
    expect([pod("a")?.spec.nodeName, pod("b")?.spec.nodeName].sort()).toEqual(["n1", "n2"]);
    expect(pod("b")?.status?.conditions?.find(({ type }) => type === "PodScheduled")?.status).toBe("True");
    await eventually(() => events("a").length > 0 && events("b").length > 0);
    expect(events("b")).toEqual([`Scheduled: Successfully assigned d/b to ${pod("b")?.spec.nodeName}`]);
  });

  it("leaves alone what is not its own", async () => {
    const scheduler = await started();
    const { createPod, setNode, pod, eventually } = scheduler;
    await setNode("n1");
    await createPod("other", { schedulerName: "other-scheduler" });
    await createPod("gated", { schedulingGates: [{ name: "example.com/wait" }] });
    scheduler.start();
    await createPod("mine");
    await eventually(() => pod("mine")?.spec.nodeName !== undefined);
    expect([pod("other")?.spec.nodeName, pod("gated")?.spec.nodeName]).toEqual([undefined, undefined]);
  });

  it("never puts more on a node than it can take, and tells the rest why", async () => {
    const scheduler = await started();
    const { createPod, setNode, pod, eventually, events } = scheduler;
    const names = Array.from({ length: 6 }, (_, i) => `p${i}`);
    await setNode("n1");
    scheduler.start();
    await Promise.all(names.map((name) => createPod(name)));
    const conditionOf = (name: string) => pod(name)?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    await eventually(() => names.every((name) => conditionOf(name) !== undefined));
    const waiting = names.filter((name) => pod(name)?.spec.nodeName === undefined);
    expect(waiting.length).toBe(2);
    for (const name of waiting) {
      expect(conditionOf(name)).toMatchObject({ status: "False", reason: "Unschedulable", message: NO_ROOM });
      await eventually(() => events(name).length > 0);
      expect(events(name)[0]).toBe(`FailedScheduling: ${NO_ROOM}`);
    }
  });

  describe("tries an unschedulable pod again", () => {
    const withWaiting = async (spec: object = {}): Promise<TestScheduler> => {
      const scheduler = await started();
      const { createPod, setNode, pod, eventually } = scheduler;
      await setNode("n1", { cpu: "1" });
      scheduler.start();
      await createPod("first");
      await eventually(() => pod("first")?.spec.nodeName !== undefined);
      await createPod("waiting", spec);
      await eventually(() => pod("waiting")?.status?.conditions?.some(({ reason }) => reason === "Unschedulable") === true);
      return scheduler;
    };
    it.each<[string, (scheduler: TestScheduler) => Promise<unknown>]>([
      ["a node comes", ({ setNode }) => setNode("n2")],
      ["a node grows", ({ setNode }) => setNode("n1", { cpu: "2" })],
      ["a pod is deleted", ({ registry }) => registry.delete(PodKind as unknown as Kind, "d", "first", { gracePeriodSeconds: 0 })],
      ["a pod ends", ({ setPhase }) => setPhase("first", "Succeeded")],
    ])("when %s", async (_, happens) => {
      const scheduler = await withWaiting();
      await happens(scheduler);
      await scheduler.eventually(() => scheduler.pod("waiting")?.spec.nodeName !== undefined);
      expect(scheduler.pod("waiting")?.spec.nodeName).toBeDefined();
    });

    it("when its labels are on a node at last, and not before", async () => {
      const scheduler = await withWaiting({ nodeSelector: { disk: "ssd" } });
      await scheduler.setNode("n2");
      await scheduler.createPod("after");
      await scheduler.eventually(() => scheduler.pod("after")?.spec.nodeName !== undefined);
      expect(scheduler.pod("waiting")?.spec.nodeName).toBeUndefined();
      await scheduler.setNode("n3", {}, { labels: { disk: "ssd" } });
      await scheduler.eventually(() => scheduler.pod("waiting")?.spec.nodeName !== undefined);
      expect(scheduler.pod("waiting")?.spec.nodeName).toBe("n3");
    });
  });

  describe("lets other pods have a say", () => {
    const term = { labelSelector: { matchLabels: { app: "db" } }, topologyKey: "zone" };
    const required = { requiredDuringSchedulingIgnoredDuringExecution: [term] };
    const inZones = async (): Promise<TestScheduler> => {
      const scheduler = await started();
      await scheduler.setNode("n1", {}, { labels: { zone: "z1" } });
      await scheduler.setNode("n2", {}, { labels: { zone: "z2" } });
      scheduler.start();
      return scheduler;
    };
    const bound = (scheduler: TestScheduler, name: string): Promise<void> =>
      scheduler.eventually(() => scheduler.pod(name)?.spec.nodeName !== undefined);
    const refused = (scheduler: TestScheduler, name: string): Promise<void> =>
      scheduler.eventually(() => scheduler.pod(name)?.status?.conditions?.some(({ reason }) => reason === "Unschedulable") === true);

    it("waits for the pod that it must be near, and joins it", async () => {
      const scheduler = await inZones();
      await scheduler.createPod("waiting", { affinity: { podAffinity: required } });
      await refused(scheduler, "waiting");
      await scheduler.createPod("db", { nodeSelector: { zone: "z2" } }, { labels: { app: "db" } });
      await bound(scheduler, "waiting");
      expect(scheduler.pod("waiting")?.spec.nodeName).toBe("n2");
    });

    it("waits until the pod that keeps it away is gone", async () => {
      const scheduler = await inZones();
      const apart = [{ affinity: { podAntiAffinity: required } }, { labels: { app: "db" } }] as const;
      for (const name of ["a", "b", "c"]) await scheduler.createPod(name, ...apart);
      await bound(scheduler, "a");
      await bound(scheduler, "b");
      await refused(scheduler, "c");
      expect(new Set([scheduler.pod("a")?.spec.nodeName, scheduler.pod("b")?.spec.nodeName]).size).toBe(2);
      await scheduler.registry.delete(PodKind as unknown as Kind, "d", "a", { gracePeriodSeconds: 0 });
      await bound(scheduler, "c");
    });

    it("waits until labels let it in", async () => {
      const scheduler = await inZones();
      await scheduler.createPod("old", { nodeSelector: { zone: "z1" } });
      await bound(scheduler, "old");
      await scheduler.createPod("waiting", { affinity: { podAffinity: required } });
      await refused(scheduler, "waiting");
      const labelled = (now: Pod): Pod => ({ ...now, metadata: { ...now.metadata, labels: { app: "db" } } });
      await scheduler.registry.modify(PodKind, "d", "old", labelled, {});
      await bound(scheduler, "waiting");
      expect(scheduler.pod("waiting")?.spec.nodeName).toBe("n1");
    });

    it("spreads the pods of one batch", async () => {
      const scheduler = await inZones();
      const spread = [
        { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app: "db" } } },
      ];
      const names = ["a", "b", "c", "d"];
      await Promise.all(names.map((name) => scheduler.createPod(name, { topologySpreadConstraints: spread }, { labels: { app: "db" } })));
      for (const name of names) await bound(scheduler, name);
      expect(names.filter((name) => scheduler.pod(name)?.spec.nodeName === "n1").length).toBe(2);
    });
  });

  describe("makes room for a pod of higher priority", () => {
    const crowded = async (classes: readonly string[], faults: Faults = {}): Promise<TestScheduler> => {
      const scheduler = await started(faults);
      const { registry, setNode, createPod, pod, eventually } = scheduler;
      const values: Record<string, number> = { low: 10, mid: 100, high: 1000 };
      for (const [name, value] of Object.entries(values)) {
        await registry.create(PriorityClassKind, named<PriorityClass>(name, undefined, { value }));
      }
      await setNode("n1", { cpu: `${classes.length}` });
      scheduler.start();
      for (const [i, priorityClassName] of classes.entries()) await createPod(`old-${i}`, { priorityClassName });
      await eventually(() => classes.every((_, i) => pod(`old-${i}`)?.spec.nodeName === "n1"));
      return scheduler;
    };
    const isLeaving = (scheduler: TestScheduler, name: string): boolean => scheduler.pod(name)?.metadata.deletionTimestamp !== undefined;
    const end = (scheduler: TestScheduler, name: string): Promise<unknown> =>
      scheduler.registry.delete(PodKind as unknown as Kind, "d", name, { gracePeriodSeconds: 0 });

    it("ends the least important, waits until it is gone, and goes there", async () => {
      const scheduler = await crowded(["mid", "low"]);
      const { createPod, pod, eventually, events } = scheduler;
      await createPod("urgent", { priorityClassName: "high" });
      await eventually(() => pod("urgent")?.status?.nominatedNodeName === "n1" && isLeaving(scheduler, "old-1"));
      expect(isLeaving(scheduler, "old-0")).toBe(false);
      const target = pod("old-1")?.status?.conditions?.find(({ type }) => type === "DisruptionTarget");
      expect(target).toMatchObject({ status: "True", reason: "PreemptionByScheduler" });
      expect(pod("urgent")?.status?.conditions?.[0]?.message).toBe("0/1 nodes are available: 1 Insufficient cpu.");
      await eventually(() => events("old-1").some((event) => event.startsWith("Preempted: Preempted by pod")));
      expect(pod("urgent")?.spec.nodeName).toBeUndefined();
      await end(scheduler, "old-1");
      await eventually(() => pod("urgent")?.spec.nodeName === "n1");
      expect(isLeaving(scheduler, "old-0")).toBe(false);
    });

    it("does not try again before all who have to go were told to", async () => {
      let letGo = (): void => {};
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      let told = 0;
      const scheduler = await crowded(["low", "low"], {
        registry: (registry) => ({
          ...registry,
          delete: async (...args) => {
            if (++told === 2) await held;
            return registry.delete(...args);
          },
        }),
      });
      const { createPod, pod, eventually, events, setNode } = scheduler;
      const containers = [{ name: "c", image: "i", resources: { requests: { cpu: "2" } } }];
      await createPod("urgent", { priorityClassName: "high", containers });
      await eventually(() => told === 2 && (isLeaving(scheduler, "old-0") || isLeaving(scheduler, "old-1")));
      await end(scheduler, isLeaving(scheduler, "old-0") ? "old-0" : "old-1");
      // Somebody else is decided after it has gone.
      await setNode("n2", { cpu: "1" });
      await createPod("small");
      await eventually(() => pod("small")?.spec.nodeName === "n2");
      letGo();
      await eventually(() => ["old-0", "old-1"].every((name) => pod(name) === undefined || isLeaving(scheduler, name)));
      for (const name of ["old-0", "old-1"]) if (pod(name) !== undefined) await end(scheduler, name);
      await eventually(() => events("urgent").some((event) => event.startsWith("Scheduled")));
      expect(events("urgent").filter((event) => event.includes("terminating pod"))).toEqual([]);
    });

    it("keeps the room that it made from others of no higher priority", async () => {
      const scheduler = await crowded(["low"]);
      const { createPod, pod, eventually } = scheduler;
      await createPod("urgent", { priorityClassName: "high" });
      await eventually(() => pod("urgent")?.status?.nominatedNodeName === "n1" && isLeaving(scheduler, "old-0"));
      await createPod("cheeky", { priorityClassName: "mid" });
      await eventually(() => pod("cheeky")?.status?.conditions?.some(({ reason }) => reason === "Unschedulable") === true);
      await end(scheduler, "old-0");
      await eventually(() => pod("urgent")?.spec.nodeName === "n1");
      expect(pod("cheeky")?.spec.nodeName).toBeUndefined();
    });

    it("looks for another node when that on which it made room will not do any more, before the room is there", async () => {
      const scheduler = await crowded(["low"]);
      const { createPod, pod, eventually, setNode } = scheduler;
      await createPod("urgent", { priorityClassName: "high" });
      await eventually(() => pod("urgent")?.status?.nominatedNodeName === "n1" && isLeaving(scheduler, "old-0"));
      await createPod("other", { priorityClassName: "low", nodeName: "n2" });
      await setNode("n2", { cpu: "1" });
      await setNode("n1", { cpu: "1" }, { spec: { unschedulable: true } });
      await eventually(() => isLeaving(scheduler, "other") && pod("urgent")?.status?.nominatedNodeName === "n2");
    });

    it("leaves everybody alone when preemptionPolicy says so", async () => {
      const scheduler = await crowded(["low"]);
      const { createPod, pod, eventually } = scheduler;
      const gentle = named<PriorityClass>("gentle", undefined, { value: 5000, preemptionPolicy: "Never" });
      await scheduler.registry.create(PriorityClassKind, gentle);
      await createPod("gentle", { priorityClassName: "gentle" });
      await eventually(() => pod("gentle")?.status?.conditions?.[0]?.message?.includes("preemptionPolicy=Never") === true);
      expect(isLeaving(scheduler, "old-0")).toBe(false);
    });

    it("would rather end whom no disruption budget protects", async () => {
      const scheduler = await crowded(["low", "low"]);
      const { registry, createPod, pod, eventually } = scheduler;
      const labelled = (now: Pod): Pod => ({ ...now, metadata: { ...now.metadata, labels: { app: "db" } } });
      // Without the budget it would be old-0: of pods alike, the one that came last is spared.
      await registry.modify(PodKind, "d", "old-0", labelled, {});
      const budget = named<PodDisruptionBudget>("db", "d", { spec: { minAvailable: 1, selector: { matchLabels: { app: "db" } } } });
      await registry.create(PodDisruptionBudgetKind, budget);
      await createPod("urgent", { priorityClassName: "high" });
      await eventually(() => isLeaving(scheduler, "old-0") || isLeaving(scheduler, "old-1"));
      expect([isLeaving(scheduler, "old-0"), isLeaving(scheduler, "old-1")]).toEqual([false, true]);
      expect(pod("urgent")?.status?.nominatedNodeName).toBe("n1");
    });
  });

  it("takes up the room that a pod gives back by shrinking, and no sooner", async () => {
    const { registry, setNode, createPod, start, pod, eventually } = await started();
    await setNode("n1", { cpu: "3" });
    start();
    const requests = (cpu: string) => ({ requests: { cpu } });
    await createPod("old", { containers: [{ name: "c", image: "i", resources: requests("3") }] });
    await eventually(() => pod("old")?.spec.nodeName === "n1");
    const granted = (cpu: string) => (now: Pod) => {
      const status = { name: "c", image: "i", imageID: "", ready: true, restartCount: 0 };
      const containerStatuses = [{ ...status, allocatedResources: { cpu }, resources: requests(cpu) }];
      return { ...now, status: { ...now.status, containerStatuses } };
    };
    await registry.modify(PodKind, "d", "old", granted("3"), { subresource: "status" });
    const shrunk = (now: Pod): Pod =>
      ({ ...now, spec: { ...now.spec, containers: [{ ...now.spec.containers[0], resources: requests("1") }] } }) as Pod;
    await registry.modify(PodKind, "d", "old", shrunk, { subresource: "resize" });
    await createPod("new", { containers: [{ name: "c", image: "i", resources: requests("2") }] });
    await eventually(() => pod("new")?.status?.conditions?.some(({ reason }) => reason === "Unschedulable") === true);
    await registry.modify(PodKind, "d", "old", granted("1"), { subresource: "status" });
    await eventually(() => pod("new")?.spec.nodeName === "n1");
  });

  it("forgets an assumption whose binding failed and tries again", async () => {
    let failures = 1;
    const scheduler = await started({
      registry: (registry) => ({
        ...registry,
        bind: (...bind) => (failures-- > 0 ? Promise.reject(new Error("the store is away")) : registry.bind(...bind)),
      }),
    });
    const { createPod, setNode, pod, eventually } = scheduler;
    await setNode("n1", { cpu: "1" });
    scheduler.start();
    await createPod("a");
    await eventually(() => pod("a")?.spec.nodeName !== undefined);
    expect(failures).toBe(-1);
    await createPod("b");
    await eventually(() => pod("b")?.status?.conditions?.some(({ message }) => message === NO_ROOM) === true);
  });

  it("begins again from the store when the pool fails", async () => {
    let failures = 1;
    const scheduler = await started({
      pool: (pool) => ({ run: (task) => (failures-- > 0 ? Promise.reject(new Error("the thread died")) : pool.run(task)) }),
    });
    const { createPod, setNode, pod, eventually } = scheduler;
    await setNode("n1");
    await createPod("a");
    scheduler.start();
    await eventually(() => pod("a")?.spec.nodeName !== undefined);
    expect(failures).toBe(-1);
  });

  it("places a pod that is pinned to a node there, or says why it cannot", async () => {
    const scheduler = await started();
    const { createPod, setNode, pod, eventually } = scheduler;
    const pinned = (name: string) => ({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [name] }] }],
          },
        },
      },
    });
    await setNode("n1", { cpu: "1" });
    await setNode("n2");
    await setNode("n3");
    scheduler.start();
    await createPod("a", pinned("n1"));
    await eventually(() => pod("a")?.spec.nodeName === "n1");
    await createPod("b", pinned("n1"));
    await eventually(() => pod("b")?.status?.conditions?.some(({ reason }) => reason === "Unschedulable") === true);
    expect(pod("b")?.status?.conditions?.[0]?.message).toBe(
      "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
    );
  });
});
