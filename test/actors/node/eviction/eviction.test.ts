import { afterEach, beforeEach, expect, test } from "vitest";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { Pod } from "../../../../actors/kinds/generated/types.ts";
import { createEvictionKind, type NodeStats } from "../../../../actors/node/eviction/eviction.ts";
import type { PodStats } from "../../../../actors/node/eviction/ranking.ts";
import type { Observations, Threshold } from "../../../../actors/node/eviction/thresholds.ts";
import { Lived } from "../../pod/life/lived.ts";
import { named } from "../../registry/harness.ts";

const MI = 1_024 ** 2;

/** A machine that has what the test says. */
class Machine implements NodeStats {
  readonly disks = "one";
  memory_Mi = 1_000;
  disk_Mi = 1_000;
  reclaimed = 0;
  /** How much more of the disk there is when nobody's things have been cleared away. */
  reclaims_Mi = 0;
  readonly used: Map<string, PodStats> = new Map();

  async observe(): Promise<Observations> {
    return new Map([
      ["memory.available", { available: this.memory_Mi * MI, capacity: 4_000 * MI }],
      ["nodefs.available", { available: this.disk_Mi * MI, capacity: 4_000 * MI }],
    ]);
  }

  stats = async ({ metadata }: Pod): Promise<PodStats | undefined> => this.used.get(metadata.name);

  async reclaim(): Promise<void> {
    this.reclaimed++;
    this.disk_Mi += this.reclaims_Mi;
  }

  /** How much memory the next one gives back that goes. */
  frees_Mi = 0;

  isGone = async (): Promise<boolean> => {
    this.memory_Mi += this.frees_Mi;
    return true;
  };
}

let lived: Lived;
let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  const hard = (signal: Threshold["signal"]): Threshold => ({ signal, value: { amount: 100 * MI }, grace_ms: 0, minReclaim: undefined });
  const settings = { thresholds: [hard("memory.available"), hard("nodefs.available")], transition_ms: 60_000, softGrace_s: 0 };
  lived = await Lived.begin({ watches: ({ view, recorder }) => createEvictionKind({ view, recorder, stats: machine, settings }) });
});
afterEach(() => lived.stop());

async function run(name: string, memory_Mi: number, spec: object = {}, disk_Mi = 0): Promise<void> {
  const disk = { bytes: disk_Mi * MI, inodes: 1 };
  const container = { name: "c", memory_bytes: memory_Mi * MI, processes: 1, root: disk, logs: { bytes: 0, inodes: 0 } };
  machine.used.set(name, { containers: [container], volumes: new Map() });
  const pod = named<Pod>(name, "d", { spec: { nodeName: "node-0", containers: [{ name: "c", image: "i" }], ...spec } });
  await lived.during(() => lived.registry.create(PodKind, pod));
  await lived.clock.run(1_000);
}

const podOf = (name: string): Pod | undefined => lived.store.replica.get<Pod>(`pods/d/${name}`);
const phases = (): string =>
  lived.store.replica
    .list("pods")
    .map((entry) => lived.store.replica.decode<Pod>(entry))
    .map(({ metadata, status }) => `${metadata.name}: ${status?.reason ?? status?.phase}`)
    .sort()
    .join(", ");
const condition = (type: string): string | undefined => lived.node?.status?.conditions?.find((each) => each.type === type)?.status;

test("who takes most of the memory goes, one at a time, and the node says how it is until it has been well for a while", async () => {
  await run("large", 500);
  await run("small", 50);
  machine.memory_Mi = 90;
  machine.frees_Mi = 400;
  await lived.clock.run(11_000);
  expect(phases()).toBe("large: Evicted, small: Running");
  expect(podOf("large")?.status?.message).toBe(
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container c was using 500Mi, request is 0, has larger consumption of memory. ",
  );
  expect(podOf("large")?.status?.conditions).toContainEqual(
    expect.objectContaining({ type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet" }),
  );
  expect(lived.events("EvictionThresholdMet")).toEqual(["Attempting to reclaim memory"]);
  expect([condition("MemoryPressure"), condition("DiskPressure")]).toEqual(["True", "False"]);
  expect(lived.events("NodeHasInsufficientMemory")).toHaveLength(1);
  // Meanwhile nobody comes in who has asked for nothing.
  await run("late", 1);
  expect(podOf("late")?.status?.message).toBe("Pod was rejected: The node had condition: [MemoryPressure]. ");
  await run("sure", 1, { containers: [{ name: "c", image: "i", resources: { requests: { memory: "1Mi" } } }] });
  expect(podOf("sure")?.status?.phase).toBe("Running");
  await lived.clock.run(80_000);
  expect(phases()).toBe("large: Evicted, late: Evicted, small: Running, sure: Running");
  expect(condition("MemoryPressure")).toBe("False");
  expect(lived.events("NodeHasSufficientMemory")).toHaveLength(1);
});

test("what nobody uses is cleared away before anybody has to go", async () => {
  await run("writes", 1, {}, 500);
  machine.disk_Mi = 90;
  machine.reclaims_Mi = 100;
  await lived.clock.run(11_000);
  expect([machine.reclaimed, phases(), condition("DiskPressure")]).toEqual([1, "writes: Running", "True"]);
  machine.disk_Mi = 10;
  machine.reclaims_Mi = 1;
  await lived.clock.run(11_000);
  expect(phases()).toBe("writes: Evicted");
  expect(podOf("writes")?.status?.message).toContain("The node was low on resource: ephemeral-storage. ");
});

test("pods without which the cluster does not run stay", async () => {
  await run("critical", 500, { priorityClassName: "system-node-critical" });
  machine.memory_Mi = 1;
  await lived.clock.run(30_000);
  expect(phases()).toBe("critical: Running");
});

test("a pod that takes more of the disk than it may goes, whatever the node has left", async () => {
  const limits = { "ephemeral-storage": "10Mi" };
  await run("limited", 1, { containers: [{ name: "c", image: "i", resources: { limits } }] }, 11);
  await run("free", 1, {}, 500);
  await lived.clock.run(11_000);
  expect(phases()).toBe("free: Running, limited: Evicted");
  expect(podOf("limited")?.status?.message).toBe("Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ");
  expect([machine.reclaimed, condition("DiskPressure")]).toEqual([0, "False"]);
});
