import { afterEach, describe, expect, it } from "vitest";
import { NodeKind } from "../../../actors/kinds/core/node.ts";
import type { Node } from "../../../actors/kinds/generated/types.ts";
import { borrowed, lentBy } from "../../../actors/scheduler/overcommit.ts";
import { startScheduler, type TestScheduler } from "./harness.ts";

const OFFLINE = { labels: { "scheduling.troupe.dev/class": "offline" } };
const USAGE = "scheduling.troupe.dev/online-usage";
const node = (usage?: string): Node =>
  ({
    metadata: { name: "n", annotations: usage === undefined ? {} : { [USAGE]: usage } },
    status: { allocatable: { cpu: "10", memory: "1000" } },
  }) as unknown as Node;

describe("what a node lends", () => {
  it("is what is not used of what it has, less a tenth; nothing where nobody measures", () => {
    expect(lentBy(node('{"cpu":"3","memory":"100"}'))).toEqual({ "idle cpu": 6_000, "idle memory": 800 });
    expect(lentBy(node('{"cpu":"20"}'))).toEqual({ "idle cpu": 0, "idle memory": 900 });
    for (const nothing of [node(), node("much")]) expect(lentBy(nothing)).toEqual({});
  });

  it("is all that an offline pod takes", () => {
    expect(borrowed({ cpu: 5, memory: 7, pods: 1, "nvidia.com/gpu": 2 })).toEqual({
      ...{ "idle cpu": 5, "idle memory": 7 },
      ...{ pods: 1, "nvidia.com/gpu": 2 },
    });
  });
});

describe("offline pods", () => {
  let running: TestScheduler | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  const measured = async ({ registry }: TestScheduler, cpu: string): Promise<void> => {
    await registry.modify(NodeKind, undefined, "n1", (current) => ({
      ...current,
      metadata: { ...current.metadata, annotations: { [USAGE]: JSON.stringify({ cpu }) } },
    }));
  };
  const requests = (cpu: string) => ({ containers: [{ name: "c", image: "i", resources: { requests: { cpu } } }] });

  it("use what online ones have reserved and leave idle, and the last to come goes first when it is wanted back", async () => {
    const scheduler = await startScheduler();
    running = scheduler;
    const { setNode, start, createPod, pod, eventually } = scheduler;
    await setNode("n1", { cpu: "4" });
    start();
    await createPod("online", requests("4"));
    await eventually(() => pod("online")?.spec.nodeName === "n1");
    await createPod("one", requests("1"), OFFLINE);
    const condition = () => pod("one")?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    await eventually(() => condition() !== undefined);
    expect(condition()?.message).toContain("1 Insufficient idle cpu");
    await measured(scheduler, "1");
    await eventually(() => pod("one")?.spec.nodeName === "n1");
    await createPod("two", requests("1"), OFFLINE);
    await eventually(() => pod("two")?.spec.nodeName === "n1");
    // 4 cpu, a tenth of them left alone: at 2 in use there is room for one.
    await measured(scheduler, "2");
    await eventually(() => pod("two")?.metadata.deletionTimestamp !== undefined);
    expect(pod("two")?.status?.conditions?.find(({ type }) => type === "DisruptionTarget")?.reason).toBe("ReclaimedByScheduler");
    expect(pod("one")?.metadata.deletionTimestamp).toBeUndefined();
    expect(pod("online")?.metadata.deletionTimestamp).toBeUndefined();
  });
});
