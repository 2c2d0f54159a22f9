import { describe, expect, it } from "vitest";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { ObjectList } from "../../../actors/scheduler/objects.ts";
import { Rehearsal } from "../../../actors/scheduler/rehearsal.ts";

const node = (name: string, cpu = "4", spec: object = {}): KubeObject =>
  ({ metadata: { name, uid: name }, spec, status: { allocatable: { cpu, memory: "8Gi", pods: "110" } } }) as unknown as KubeObject;
const pod = (name: string, cpu: string, spec: object = {}): Pod =>
  ({
    metadata: { name, namespace: "d", uid: name },
    spec: { schedulerName: "default-scheduler", containers: [{ name: "c", image: "i", resources: { requests: { cpu } } }], ...spec },
    status: { phase: "Pending" },
  }) as unknown as Pod;

function cluster(nodes: readonly KubeObject[], pods: readonly Pod[] = []): ObjectList {
  const objects = new ObjectList();
  for (const each of nodes) objects.put("nodes", each);
  for (const each of pods) objects.put("pods", each);
  return objects;
}

describe("Rehearsal", () => {
  it("says of each node why it rejects a pod, and in one message what kube-scheduler would", () => {
    const cordoned = node("n2", "8", { unschedulable: true });
    const account = new Rehearsal(cluster([node("n1"), cordoned], [pod("a", "5")])).why("pods/d/a");
    expect(account?.nodes).toEqual([
      { node: "n1", feasible: false, reasons: ["Insufficient cpu"] },
      { node: "n2", feasible: false, reasons: ["node(s) were unschedulable"] },
    ]);
    expect(account?.message).toBe(
      "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    );
  });

  it("says what each plugin gives each node, of a bound pod as if it were not there", () => {
    const pods = [pod("a", "1", { nodeName: "n1" }), pod("other", "2", { nodeName: "n2" })];
    const account = new Rehearsal(cluster([node("n1"), node("n2")], pods)).why("pods/d/a");
    expect(account).toMatchObject({ pod: "d/a", node: "n1", best: ["n1"], message: undefined });
    const [first, second] = account?.nodes ?? [];
    if (first?.feasible !== true || second?.feasible !== true) throw new Error("a node was rejected");
    expect(first.scores.NodeResourcesFit).toBeGreaterThan(second.scores.NodeResourcesFit ?? 0);
    expect(Object.values(first.scores).reduce((sum, score) => sum + score, 0)).toBe(first.total);
  });

  it("says of a pod that nobody looks at why that is", () => {
    const gated = pod("gated", "1", { schedulingGates: [{ name: "example.com/wait" }] });
    const rehearsal = new Rehearsal(cluster([node("n1")], [gated, pod("other", "1", { schedulerName: "mine" })]));
    expect(rehearsal.why("pods/d/gated")?.message).toBe("it waits behind scheduling gates: example.com/wait");
    expect(rehearsal.why("pods/d/other")?.message).toBe("it asks for the scheduler mine, and here is default-scheduler");
    expect(rehearsal.why("pods/d/none")).toBeUndefined();
  });

  it("places pods by priority, each seeing those before it, and names who would have to go", () => {
    const low = pod("low", "3", { nodeName: "n1", priority: 0 });
    const rehearsal = new Rehearsal(cluster([node("n1"), node("n2", "2")], [low]));
    const placements = rehearsal.place([
      pod("small", "1", { priority: 1 }),
      pod("big", "2", { priority: 10 }),
      pod("huge", "4", { priority: 5 }),
    ]);
    expect(placements.map(({ pod: name, node: where }) => `${name} ${where}`)).toEqual(["d/small n1", "d/big n2", "d/huge undefined"]);
    expect(placements[2]).toMatchObject({ nominated: "n1", victims: ["d/low"] });
  });
});
