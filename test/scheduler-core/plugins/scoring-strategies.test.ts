import { describe, expect, it } from "vitest";
import { explain, type FitScoring, Inventory, type ResourceScoring, type SchedulingProfile } from "../../../scheduler-core/mod.ts";

const FACTS = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] };
const CPU = 0;
const MEMORY = 1;
const GPU = 4;

/** The weighted scores of one node with 4 cpu, 8 memory and 8 gpus, where pods take `taken` already. */
function scores(scoring: ResourceScoring, taken: Record<string, number>, asked: Record<string, number>): Record<string, number> {
  const inventory = new Inventory(1);
  const slot = inventory.setNode(
    { name: "n", unschedulable: false, labels: {}, taints: [], images: [] },
    { cpu: 4000, memory: 8000, pods: 10, gpu: 8 },
  );
  expect(inventory.columns.of("gpu")).toBe(GPU);
  const profile: SchedulingProfile = { key: "p", filtersOff: new Set(), weights: { ImageLocality: 0, TaintToleration: 0 }, scoring };
  const handle = (requests: Record<string, number>) =>
    inventory.classOf({
      staticKey: "",
      facts: () => FACTS,
      usageKey: JSON.stringify(requests),
      needs: () => ({ requests, nonzero: { cpu_milli: requests.cpu ?? 0, memory_bytes: requests.memory ?? 0 }, ports: [] }),
      priority: 0,
      profile,
    });
  inventory.enter(slot, handle(taken).usage, undefined);
  const [answer] = explain(inventory.cluster, inventory.ready(handle(asked)));
  if (answer?.feasible !== true) throw new Error("the node was rejected");
  return answer.scores;
}

const allocation = (
  strategy: FitScoring["strategy"],
  columns: number[],
  weights: number[],
  shape: FitScoring["shape"] = [],
): ResourceScoring => ({
  fit: { strategy, columns: Int32Array.from(columns), weights: Int32Array.from(weights), shape },
  balanced: undefined,
});

describe("NodeResourcesFit by profile", () => {
  it.each([
    ["LeastAllocated", [CPU, MEMORY], [1, 1], 50],
    ["LeastAllocated", [CPU, MEMORY], [3, 1], 37],
    ["MostAllocated", [CPU, MEMORY], [1, 1], 50],
    ["MostAllocated", [CPU, MEMORY], [3, 1], 62],
    ["MostAllocated", [GPU], [5], 50],
  ] as const)("%s over %j with weights %j scores %i", (strategy, columns, weights, score) => {
    const found = scores(
      allocation(strategy, [...columns], [...weights]),
      { cpu: 1000, memory: 1000, gpu: 2 },
      { cpu: 2000, memory: 1000, gpu: 2 },
    );
    expect(found.NodeResourcesFit).toBe(score);
  });

  it("leaves out extended resources that the pod does not ask for", () => {
    expect(scores(allocation("MostAllocated", [CPU, GPU], [1, 9]), { gpu: 8 }, { cpu: 1000 }).NodeResourcesFit).toBe(25);
  });

  it("RequestedToCapacityRatio follows the shape and leaves out resources that score nothing", () => {
    const shape = [
      { utilization: 0, score: 0 },
      { utilization: 50, score: 100 },
      { utilization: 100, score: 20 },
    ];
    expect(scores(allocation("RequestedToCapacityRatio", [CPU], [1], shape), {}, { cpu: 1000 }).NodeResourcesFit).toBe(50);
    expect(scores(allocation("RequestedToCapacityRatio", [CPU], [1], shape), {}, { cpu: 3000 }).NodeResourcesFit).toBe(60);
    expect(scores(allocation("RequestedToCapacityRatio", [CPU, MEMORY], [1, 1], shape), {}, { cpu: 2000 }).NodeResourcesFit).toBe(100);
  });
});

describe("NodeResourcesBalancedAllocation by profile", () => {
  it("takes the standard deviation over the resources named", () => {
    const scoring: ResourceScoring = { fit: undefined, balanced: Int32Array.of(CPU, MEMORY, GPU) };
    // Fractions 1/2, 1/4 and 3/4: their deviation is 0.204.
    expect(scores(scoring, {}, { cpu: 2000, memory: 2000, gpu: 6 }).NodeResourcesBalancedAllocation).toBe(79);
    expect(scores({ fit: undefined, balanced: Int32Array.of(CPU, GPU) }, {}, { cpu: 2000, gpu: 8 }).NodeResourcesBalancedAllocation).toBe(
      75,
    );
  });
});
