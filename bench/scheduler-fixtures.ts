import { performance } from "node:perf_hooks";
import { type ClassHandle, Inventory, type Needs, type PodFacts } from "../scheduler-core/mod.ts";

const GIB = 1024 ** 3;

export const facts: PodFacts = {
  nodeName: "",
  tolerations: [],
  nodeSelector: {},
  requiredTerms: undefined,
  preferredTerms: [],
  images: ["nginx:latest"],
};

export function needs(cpu_milli: number): Needs {
  return {
    requests: { cpu: cpu_milli, memory: GIB / 8 },
    nonzero: { cpu_milli, memory_bytes: GIB / 8 },
    ports: [],
  };
}

/** Nodes of 32 cores and 128 GiB for 110 pods each, in three zones. */
export function inventoryOf(nodes: number): Inventory {
  const inventory = new Inventory(1);
  for (let i = 0; i < nodes; i++) {
    inventory.setNode(
      {
        name: `node-${i}`,
        unschedulable: false,
        labels: { zone: `z${i % 3}`, "kubernetes.io/hostname": `node-${i}` },
        taints: [],
        images: [],
      },
      { cpu: 32_000, memory: 128 * GIB, "ephemeral-storage": 100 * GIB, pods: 110 },
    );
  }
  return inventory;
}

export function classOf(inventory: Inventory, cpu_milli: number): ClassHandle {
  return inventory.classOf({
    staticKey: "plain",
    facts: () => facts,
    usageKey: `${cpu_milli}`,
    needs: () => needs(cpu_milli),
    priority: 0,
  });
}

export interface Taken {
  readonly wall_ms: number;
  /** Of all threads of the process, with the garbage collector's. On a busy machine it says more than the clock. */
  readonly processor_ms: number;
}

/** Begins to measure; what it returns tells how much was taken since. */
export function stopwatch(): () => Taken {
  const start = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { wall_ms: performance.now() - start, processor_ms: (user + system) / 1000 };
  };
}

/** Prints the rate as one line of JSON. */
export function report(suite: string, name: string, pods: number, { wall_ms, processor_ms }: Taken, conditions: string): void {
  const figure = {
    ...{ suite, case: name, metric: "rate", value: Math.round((pods / wall_ms) * 1000), unit: "pods/s" },
    conditions: `${conditions}; ${((processor_ms * 1000) / pods).toPrecision(3)} us of processor time a pod`,
  };
  console.log(JSON.stringify(figure));
}
