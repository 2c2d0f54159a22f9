import { describe, expect, it } from "vitest";
import { explain, Inventory, type NodeSelectorTerm, type UnboundClaim, type VolumeFacts, wordsOf } from "../../../scheduler-core/mod.ts";
import { chooseVolumes } from "../../../scheduler-core/plugins/volume-binding.ts";

const within = (key: string, ...values: string[]): NodeSelectorTerm => ({
  matchLabels: [{ key, operator: "In", values }],
  matchFields: [],
});
const zone = (name: string): NodeSelectorTerm => within("zone", name);
const NO_VOLUMES: VolumeFacts = { bound: [], zones: [], unbound: [] };
const NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity";
const BIND_CONFLICT = "node(s) didn't find available persistent volumes to bind";
const NO_ZONE = "node(s) had no available volume zone";

const claim = (more: Partial<UnboundClaim> = {}): UnboundClaim => ({ selectedNode: "", candidates: [], provision: undefined, ...more });

/** What nodes `a` in z1 and `b` in z2, each of 1 cpu, say to a pod. */
function answers(volumes: VolumeFacts, cpu = 1, labels: Record<string, Record<string, string>> = { a: { zone: "z1" }, b: { zone: "z2" } }) {
  const inventory = new Inventory(1);
  for (const name in labels) {
    const node = { name, unschedulable: false, labels: labels[name] ?? {}, taints: [], images: [] };
    inventory.setNode(node, { cpu: 1, pods: 10 });
  }
  const facts = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [], volumes };
  const needs = { requests: { cpu }, nonzero: { cpu_milli: cpu, memory_bytes: 0 }, ports: [] };
  const handle = inventory.classOf({ staticKey: "", facts: () => facts, usageKey: "", needs: () => needs, priority: 0 });
  const words = explain(inventory.cluster, inventory.ready(handle)).map((answer): [string, string] => [
    inventory.nameOf(answer.slot),
    answer.feasible ? "" : answer.reasons.map((reason) => wordsOf(reason, inventory.columns.names)).join(),
  ]);
  return Object.fromEntries(words);
}

describe("VolumeBinding", () => {
  it.each<[string, VolumeFacts, string, string]>([
    ["no volumes", NO_VOLUMES, "", ""],
    ["a bound one in z1", { ...NO_VOLUMES, bound: [[zone("z1")]] }, "", NODE_CONFLICT],
    ["bound ones in both", { ...NO_VOLUMES, bound: [[zone("z1")], [zone("z2")]] }, NODE_CONFLICT, NODE_CONFLICT],
    ["nothing to bind to", { ...NO_VOLUMES, unbound: [claim()] }, BIND_CONFLICT, BIND_CONFLICT],
    ["one to bind to in z2", { ...NO_VOLUMES, unbound: [claim({ candidates: [{ name: "v", nodes: [zone("z2")] }] })] }, BIND_CONFLICT, ""],
    ["one can be made anywhere", { ...NO_VOLUMES, unbound: [claim({ provision: [] })] }, "", ""],
    ["one can be made in z1", { ...NO_VOLUMES, unbound: [claim({ provision: [zone("z1")] })] }, "", BIND_CONFLICT],
    ["one is being made for b", { ...NO_VOLUMES, unbound: [claim({ selectedNode: "b", provision: [] })] }, BIND_CONFLICT, ""],
  ])("%s", (_, volumes, a, b) => {
    expect(answers(volumes)).toEqual({ a, b });
  });

  it("has its say after resources", () => {
    expect(answers({ ...NO_VOLUMES, bound: [[zone("z1")]] }, 2)).toEqual({ a: "Insufficient cpu", b: "Insufficient cpu" });
  });

  it("gives each claim a volume of its own, in order", () => {
    const node = { name: "a", unschedulable: false, labels: { zone: "z1" }, taints: [], images: [] };
    const candidates = [
      { name: "far", nodes: [zone("z2")] },
      { name: "small", nodes: undefined },
      { name: "large", nodes: [zone("z1")] },
    ];
    expect(chooseVolumes([claim({ candidates }), claim({ candidates })], node)).toEqual(["small", "large"]);
    expect(chooseVolumes([claim({ candidates }), claim({ candidates }), claim({ candidates })], node)).toBeUndefined();
    expect(chooseVolumes([claim({ candidates }), claim({ provision: [] })], node)).toEqual(["small", ""]);
  });
});

describe("VolumeZone", () => {
  const ZONE = "topology.kubernetes.io/zone";
  const OLD = "failure-domain.beta.kubernetes.io/zone";
  it.each<[string, Record<string, string>, string]>([
    ["the zone", { [ZONE]: "z1" }, ""],
    ["another zone", { [ZONE]: "z3" }, NO_ZONE],
    // A node of before the label had its present name is in no zone for a volume of after.
    ["the zone by its old label", { [OLD]: "z2" }, NO_ZONE],
    ["a node that says nothing", {}, ""],
    ["a node that says only its region", { "topology.kubernetes.io/region": "r" }, NO_ZONE],
  ])("%s", (_, labels, verdict) => {
    expect(answers({ ...NO_VOLUMES, zones: [{ key: ZONE, values: ["z1", "z2"] }] }, 1, { a: labels })).toEqual({ a: verdict });
  });
});

describe("VolumeZone of a volume that has the old label", () => {
  const OLD = "failure-domain.beta.kubernetes.io/zone";
  it.each([
    [{ [OLD]: "z1" }, ""],
    [{ "topology.kubernetes.io/zone": "z1" }, ""],
    [{ "topology.kubernetes.io/zone": "z2" }, NO_ZONE],
    [{ [OLD]: "z2", "topology.kubernetes.io/zone": "z1" }, NO_ZONE],
  ])("%j: %s", (labels, verdict) => {
    expect(answers({ ...NO_VOLUMES, zones: [{ key: OLD, values: ["z1"] }] }, 1, { a: labels })).toEqual({ a: verdict });
  });
});

describe("VolumeRestrictions", () => {
  const use = (disk: string, isReadOnly: boolean) => [{ disk, isReadOnly }];
  it.each([
    [use("gce/a", false), use("gce/a", false), false],
    [use("gce/a", false), use("gce/a", true), false],
    [use("gce/a", true), use("gce/a", false), false],
    [use("gce/a", true), use("gce/a", true), true],
    [use("gce/a", false), use("gce/b", false), true],
  ])("%j there, %j comes: %s", (there, comes, fits) => {
    const inventory = new Inventory(1);
    const slot = inventory.setNode({ name: "a", unschedulable: false, labels: {}, taints: [], images: [] }, { pods: 10 });
    const facts = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] };
    const needs = (disks: typeof there) => ({ requests: {}, nonzero: { cpu_milli: 0, memory_bytes: 0 }, ports: [], disks });
    const old = inventory.usageOf("old", () => needs(there));
    const handle = inventory.classOf({ staticKey: "", facts: () => facts, usageKey: "new", needs: () => needs(comes), priority: 0 });
    inventory.cluster.add(slot, old);
    const [answer] = explain(inventory.cluster, inventory.ready(handle));
    expect(answer?.feasible).toBe(fits);
    if (answer?.feasible === false) expect(answer.reasons.map((reason) => wordsOf(reason, []))).toEqual(["node(s) had no available disk"]);
  });
});
