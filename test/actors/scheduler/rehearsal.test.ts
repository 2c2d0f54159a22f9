import { describe, expect, it } from "vitest";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { readConfiguration } from "../../../actors/scheduler/configuration/configuration.ts";
import type { AskExtender } from "../../../actors/scheduler/extenders.ts";
import { ObjectList } from "../../../actors/scheduler/objects.ts";
import { type Account, Rehearsal } from "../../../actors/scheduler/rehearsal.ts";

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

  describe("of groups", () => {
    const member = (name: string, cpu: string, spec: object = {}): Pod => {
      const plain = pod(name, cpu, spec);
      return { ...plain, metadata: { ...plain.metadata, labels: { "scheduling.x-k8s.io/pod-group": "g" } } };
    };
    const grouped = (nodes: readonly KubeObject[], pods: readonly Pod[] = [], minMember = 2): ObjectList => {
      const objects = cluster(nodes, pods);
      objects.put("podgroups.scheduling.x-k8s.io", {
        metadata: { name: "g", namespace: "d" },
        spec: { minMember },
      } as unknown as KubeObject);
      return objects;
    };

    it("places enough of them or none, and those after them as if they were not there", () => {
      const whole = new Rehearsal(grouped([node("n1"), node("n2")])).place([member("a", "3"), member("b", "3")]);
      expect(whole.map(({ node: where }) => where).sort()).toEqual(["n1", "n2"]);
      const half = new Rehearsal(grouped([node("n1")])).place([member("a", "3"), member("b", "3"), pod("single", "4")]);
      expect(half.map(({ node: where }) => where)).toEqual([undefined, undefined, "n1"]);
      expect(half[0]?.message).toBe('the other members of pod group "d/g" found no nodes');
      expect(half[1]?.message).toBe("0/1 nodes are available: 1 Insufficient cpu.");
    });

    it("names who would have to go for all that are wanted, and nobody for a part", () => {
      const low = ["n1", "n2"].map((nodeName) => pod(`low-${nodeName}`, "3", { nodeName, priority: 0 }));
      const members = [member("a", "4", { priority: 9 }), member("b", "4", { priority: 9 })];
      const whole = new Rehearsal(grouped([node("n1"), node("n2")], low)).place(members);
      expect(whole.flatMap(({ victims }) => victims).sort()).toEqual(["d/low-n1", "d/low-n2"]);
      const part = new Rehearsal(grouped([node("n1"), node("n2")], low.slice(0, 1), 3)).place([
        ...members,
        member("c", "4", { priority: 9 }),
      ]);
      expect(part.flatMap(({ victims }) => victims)).toEqual([]);
    });

    it("says of a member what its group waits for", () => {
      const account = new Rehearsal(grouped([node("n1")], [member("a", "1")])).why("pods/d/a");
      expect(account?.message).toContain('pod group "d/g" waits for 1 more of its 2 members');
      expect(account?.best).toEqual(["n1"]);
    });
  });

  describe("of extenders", () => {
    const HEAD = { apiVersion: "kubescheduler.config.k8s.io/v1", kind: "KubeSchedulerConfiguration" };
    const extender = {
      urlPrefix: "http://127.0.0.1:1/s",
      filterVerb: "filter",
      prioritizeVerb: "prioritize",
      weight: 1,
      nodeCacheCapable: true,
    };
    const configuration = readConfiguration({ ...HEAD, extenders: [extender] });
    const nodes = [node("n1"), node("n2"), node("n3")];

    it("asks them in why, and counts what they say", async () => {
      const ask: AskExtender = async (_, verb) =>
        verb === "filter" ? { NodeNames: ["n1", "n2"], FailedNodes: { n3: "no" } } : [{ Host: "n2", Score: 10 }];
      const rehearsal = new Rehearsal(cluster(nodes, [pod("a", "1")]), configuration, ask);
      const account = await rehearsal.consulted("pods/d/a", rehearsal.why("pods/d/a") as Account);
      expect(account.best).toEqual(["n2"]);
      expect(account.nodes[1]).toMatchObject({ feasible: true, scores: { extenders: 100 } });
      expect(account.nodes[2]).toEqual({ node: "n3", feasible: false, reasons: ["no"] });
    });

    it("says in what-if whom it did not ask", () => {
      const [placement] = new Rehearsal(cluster(nodes), configuration).place([pod("a", "1")]);
      expect(placement?.notAsked).toEqual(["http://127.0.0.1:1/s"]);
    });
  });
});
