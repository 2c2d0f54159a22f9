import { describe, expect, test } from "vitest";
import type { Pod } from "../../../../actors/kinds/generated/types.ts";
import { evictionMessage, type PodStats, rankedFor } from "../../../../actors/node/eviction/ranking.ts";
import { overStorageLimit } from "../../../../actors/node/eviction/storage-limits.ts";
import type { Signal } from "../../../../actors/node/eviction/thresholds.ts";

const MI = 1_024 ** 2;

function pod(name: string, requests: Record<string, string> = {}, priority = 0, limits: Record<string, string> = {}): Pod {
  const spec = { priority, containers: [{ name: "c", resources: { requests, limits } }] };
  return { metadata: { name, namespace: "d", uid: name, creationTimestamp: "" }, spec } as unknown as Pod;
}

interface Used {
  readonly memory?: number;
  readonly processes?: number;
  readonly root?: number;
  readonly logs?: number;
  readonly volume?: number;
}

function stats({ memory = 0, processes = 0, root = 0, logs = 0, volume = 0 }: Used): PodStats {
  const use = (mi: number): { readonly bytes: number; readonly inodes: number } => ({ bytes: mi * MI, inodes: mi });
  const container = { name: "c", memory_bytes: memory * MI, processes, root: use(root), logs: use(logs) };
  return { containers: [container], volumes: new Map([["v", use(volume)]]) };
}

type Wanted = Readonly<Record<string, readonly [Pod, Used | undefined]>>;

function ranked(signal: Signal, pods: Wanted, disks: "one" | "images apart" = "one"): string {
  const order = rankedFor(
    signal,
    Object.values(pods).map(([each]) => each),
    ({ metadata }) => {
      const used = pods[metadata.name]?.[1];
      return used === undefined ? undefined : stats(used);
    },
    disks,
  );
  return order.map(({ metadata }) => metadata.name).join(" ");
}

describe("who goes first", () => {
  test("for memory: who takes more than it asked for, then the least important, then who takes most beyond it", () => {
    expect(
      ranked("memory.available", {
        within: [pod("within", { memory: "1Gi" }), { memory: 900 }],
        important: [pod("important", { memory: "1Mi" }, 1_000), { memory: 800 }],
        some: [pod("some", { memory: "100Mi" }), { memory: 150 }],
        most: [pod("most"), { memory: 90 }],
        unknown: [pod("unknown", { memory: "1Gi" }), undefined],
      }),
    ).toBe("unknown most some important within");
  });

  test("for processes: the least important, then who has most", () => {
    expect(
      ranked("pid.available", {
        few: [pod("few"), { processes: 1 }],
        many: [pod("many"), { processes: 9 }],
        important: [pod("important", {}, 1), { processes: 99 }],
      }),
    ).toBe("many few important");
  });

  test("for the disk: all that a pod has on it, or its part of it where images are apart", () => {
    const pods: Wanted = {
      writes: [pod("writes", { "ephemeral-storage": "1Mi" }), { root: 10, logs: 1 }],
      keeps: [pod("keeps", { "ephemeral-storage": "1Mi" }), { volume: 8 }],
    };
    expect(ranked("nodefs.available", pods)).toBe("writes keeps");
    expect(ranked("nodefs.available", pods, "images apart")).toBe("keeps writes");
    expect(ranked("imagefs.inodesFree", pods, "images apart")).toBe("writes keeps");
  });
});

test("why it goes is said in kubelet's words", () => {
  const threshold = { signal: "memory.available", value: { amount: 100 * MI }, grace_ms: 0, minReclaim: undefined } as const;
  const observed = new Map([["memory.available" as const, { available: 18_565 * 1_024, capacity: 1e9 }]]);
  expect(evictionMessage(pod("p", { memory: "10Mi" }), stats({ memory: 20 }), { starved: "memory", due: [threshold], observed })).toBe(
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 18565Ki. Container c was using 20Mi, request is 10Mi, has larger consumption of memory. ",
  );
  expect(evictionMessage(pod("p"), stats({ root: 3, logs: 1 }), { starved: "ephemeral-storage", due: [], observed })).toBe(
    "The node was low on resource: ephemeral-storage. Container c was using 4Mi, request is 0, has larger consumption of ephemeral-storage. ",
  );
  expect(evictionMessage(pod("p"), undefined, { starved: "pids", due: [], observed })).toBe("The node was low on resource: pids. ");
});

test.each<[Used, string | undefined]>([
  [{ root: 5, logs: 5 }, undefined],
  [{ root: 5, logs: 6 }, "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. "],
  [{ root: 1, volume: 10 }, "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. "],
])("a pod that may take 10Mi of the disk and takes %o", (used, message) => {
  expect(overStorageLimit(pod("p", {}, 0, { "ephemeral-storage": "10Mi" }), stats(used), "one")).toBe(message);
});

test("a container is held to its own limit, beside what others of its pod may take", () => {
  const limited = pod("p", {}, 0, { "ephemeral-storage": "10Mi" });
  const other = { name: "d", resources: { limits: { "ephemeral-storage": "1Gi" } } } as unknown as Pod["spec"]["containers"][0];
  limited.spec.containers.push(other);
  expect(overStorageLimit(limited, stats({ logs: 11 }), "one")).toBe('Container c exceeded its local ephemeral storage limit "10Mi". ');
});
