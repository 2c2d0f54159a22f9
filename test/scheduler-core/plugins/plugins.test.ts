import { describe, expect, it } from "vitest";
import type { NodeFacts, PodFacts, Taint, Toleration } from "../../../scheduler-core/facts.ts";
import { Inventory, type Needs, wordsOf } from "../../../scheduler-core/mod.ts";
import { imageLocality } from "../../../scheduler-core/plugins/image-locality.ts";
import { nodeAffinity } from "../../../scheduler-core/plugins/node-affinity.ts";
import { nodeName } from "../../../scheduler-core/plugins/node-name.ts";
import { nodePorts } from "../../../scheduler-core/plugins/node-ports.ts";
import { nodeResourcesBalancedAllocation } from "../../../scheduler-core/plugins/node-resources-balanced-allocation.ts";
import { nodeResourcesFit } from "../../../scheduler-core/plugins/node-resources-fit.ts";
import { nodeUnschedulable } from "../../../scheduler-core/plugins/node-unschedulable.ts";
import { normalizeDown, normalizeUp } from "../../../scheduler-core/plugins/plugin.ts";
import { PLUGINS } from "../../../scheduler-core/plugins/plugins.ts";
import { taintToleration } from "../../../scheduler-core/plugins/taint-toleration.ts";
import { meets } from "../../../scheduler-core/selector.ts";

const NODE: NodeFacts = { name: "n1", unschedulable: false, labels: { disk: "ssd", gen: "4" }, taints: [], images: [] };
const POD: PodFacts = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: ["a:v1"] };
const MIB = 1024 * 1024;

const taint = (key: string, value: string, effect: Taint["effect"]): Taint => ({ key, value, effect });
const toleration = (key: string, operator: Toleration["operator"], value = "", effect: Toleration["effect"] = ""): Toleration => ({
  key,
  operator,
  value,
  effect,
});
const reason = (code: number | undefined): string => (code === undefined || code === 0 ? "" : wordsOf(code, ["cpu", "memory"]));

describe("the default profile", () => {
  it("has Kubernetes' names and weights", () => {
    expect(PLUGINS.map(({ name, weight }) => `${name} ${weight}`)).toEqual([
      "NodeUnschedulable 0",
      "NodeName 0",
      "TaintToleration 3",
      "NodeAffinity 2",
      "NodePorts 0",
      "NodeResourcesFit 1",
      "VolumeRestrictions 0",
      "NodeVolumeLimits 0",
      "VolumeBinding 0",
      "VolumeZone 0",
      "PodTopologySpread 2",
      "InterPodAffinity 2",
      "NodeResourcesBalancedAllocation 1",
      "ImageLocality 1",
    ]);
  });
});

describe("NodeUnschedulable", () => {
  it.each([
    [false, [], ""],
    [true, [], "node(s) were unschedulable"],
    [true, [toleration("node.kubernetes.io/unschedulable", "Exists", "", "NoSchedule")], ""],
    [true, [toleration("", "Exists")], ""],
    [true, [toleration("node.kubernetes.io/unschedulable", "Exists", "", "NoExecute")], "node(s) were unschedulable"],
  ])("unschedulable=%s %j -> %s", (unschedulable, tolerations, words) => {
    expect(reason(nodeUnschedulable.fixed?.filter?.({ ...POD, tolerations }, { ...NODE, unschedulable }))).toBe(words);
  });
});

describe("NodeName", () => {
  it.each([
    ["", ""],
    ["n1", ""],
    ["n2", "node(s) didn't match the requested node name"],
  ])("%j -> %s", (name, words) => {
    expect(reason(nodeName.fixed?.filter?.({ ...POD, nodeName: name }, NODE))).toBe(words);
  });
});

describe("TaintToleration", () => {
  const GPU = taint("gpu", "a", "NoSchedule");
  it.each([
    [[], [], ""],
    [[GPU], [], "node(s) had untolerated taint(s)"],
    [[GPU], [toleration("gpu", "Equal", "a")], ""],
    [[GPU], [toleration("gpu", "Equal", "b")], "node(s) had untolerated taint(s)"],
    [[GPU], [toleration("gpu", "Exists", "", "NoExecute")], "node(s) had untolerated taint(s)"],
    [[GPU], [toleration("", "Exists")], ""],
    [[taint("gpu", "a", "NoExecute")], [], "node(s) had untolerated taint(s)"],
    [[taint("gpu", "a", "PreferNoSchedule")], [], ""],
  ])("%j with %j -> %s", (taints, tolerations, words) => {
    expect(reason(taintToleration.fixed?.filter?.({ ...POD, tolerations }, { ...NODE, taints }))).toBe(words);
  });

  it("counts soft taints that are not tolerated", () => {
    const taints = [taint("a", "", "PreferNoSchedule"), taint("b", "", "PreferNoSchedule"), taint("c", "", "PreferNoSchedule"), GPU];
    const tolerations = [toleration("b", "Exists", "", "PreferNoSchedule"), toleration("c", "Exists", "", "NoSchedule")];
    expect(taintToleration.fixed?.score?.({ ...POD, tolerations }, { ...NODE, taints }, new Inventory(1))).toBe(2);
  });

  it.each([
    [0, 0, 100],
    [0, 3, 100],
    [1, 3, 67],
    [3, 3, 0],
  ])("normalizes %i of at most %i to %i", (raw, max, score) => {
    expect(normalizeDown(raw, max)).toBe(score);
  });
});

describe("NodeAffinity", () => {
  const wants = (key: string, operator: "In" | "Gt", ...values: string[]) => ({
    matchLabels: [{ key, operator, values }],
    matchFields: [],
  });
  it.each([
    [{}, undefined, true],
    [{ disk: "ssd" }, undefined, true],
    [{ disk: "hdd" }, undefined, false],
    [{}, [], false],
    [{}, [{ matchLabels: [], matchFields: [] }], false],
    [{}, [wants("disk", "In", "hdd"), wants("gen", "Gt", "3")], true],
    [{}, [wants("gen", "Gt", "4")], false],
    [{}, [{ matchLabels: [], matchFields: [{ key: "metadata.name", operator: "In" as const, values: ["n1"] }] }], true],
    [{ disk: "hdd" }, [wants("gen", "Gt", "3")], false],
  ])("selector %j, terms %j -> %s", (nodeSelector, requiredTerms, accepted) => {
    const code = nodeAffinity.fixed?.filter?.({ ...POD, nodeSelector, requiredTerms }, NODE);
    expect(reason(code)).toBe(accepted ? "" : "node(s) didn't match Pod's node affinity/selector");
  });

  it("adds the weights of the preferences that match", () => {
    const preferredTerms = [
      { weight: 5, term: wants("disk", "In", "ssd") },
      { weight: 9, term: wants("disk", "In", "hdd") },
      { weight: 20, term: wants("gen", "Gt", "1") },
    ];
    expect(nodeAffinity.fixed?.score?.({ ...POD, preferredTerms }, NODE, new Inventory(1))).toBe(25);
  });

  it.each([
    [0, 0, 0],
    [25, 34, 73],
    [34, 34, 100],
  ])("normalizes %i of at most %i to %i", (raw, max, score) => {
    expect(normalizeUp(raw, max)).toBe(score);
  });

  it.each([
    ["In", ["a"], "a", true],
    ["In", ["a"], undefined, false],
    ["NotIn", ["a"], "a", false],
    ["NotIn", ["a"], undefined, true],
    ["Exists", [], "", true],
    ["DoesNotExist", [], undefined, true],
    ["Gt", ["9"], "10", true],
    ["Lt", ["9"], "10", false],
    ["Gt", ["9"], "x", false],
    ["Gt", ["9"], undefined, false],
  ] as const)("%s %j meets %s: %s", (operator, values, value, met) => {
    expect(meets({ key: "k", operator, values }, value)).toBe(met);
  });
});

/** A cluster of one node, and the usage of pods with these needs on it. */
function oneNode(allocatable: Readonly<Record<string, number>>) {
  const inventory = new Inventory(1);
  const slot = inventory.setNode(NODE, { pods: 110, ...allocatable });
  const usage = (needs: Partial<Needs>) => {
    const { requests = {}, nonzero = { cpu_milli: requests.cpu ?? 100, memory_bytes: requests.memory ?? 200 * MIB }, ports = [] } = needs;
    return inventory.usageOf(JSON.stringify(needs), () => ({ requests, nonzero, ports }));
  };
  return { inventory, slot, usage };
}

describe("NodePorts", () => {
  const port = (ip: string, number = 80, protocol = "TCP") => ({ ports: [{ protocol, ip, port: number }] });
  it.each([
    [port("0.0.0.0"), port("0.0.0.0"), false],
    [port("0.0.0.0"), port("127.0.0.1"), false],
    [port("127.0.0.1"), port("0.0.0.0"), false],
    [port("127.0.0.1"), port("127.0.0.2"), true],
    [port("127.0.0.1"), port("127.0.0.1"), false],
    [port("0.0.0.0"), port("0.0.0.0", 81), true],
    [port("0.0.0.0"), port("0.0.0.0", 80, "UDP"), true],
  ])("%j there, %j comes: %s", (there, comes, fits) => {
    const { inventory, slot, usage } = oneNode({});
    const [first, second] = [usage(there), usage(comes)];
    inventory.cluster.add(slot, first);
    expect(nodePorts.usage?.fits?.(inventory.cluster, second, slot)).toBe(fits);
  });
});

describe("NodeResourcesFit", () => {
  it.each([
    [{ cpu: 1000 }, []],
    [{ cpu: 1001 }, ["Insufficient cpu"]],
    [{ cpu: 2001 }, ["Insufficient cpu"]],
    [{ memory: 601 * MIB, cpu: 1001 }, ["Insufficient cpu", "Insufficient memory"]],
    [{ "example.com/gpu": 1 }, ["Insufficient example.com/gpu"]],
  ])("%j beside 1 cpu and 400 MiB of 2 cpu and 1000 MiB: %j", (requests, words) => {
    const { inventory, slot, usage } = oneNode({ cpu: 2000, memory: 1000 * MIB });
    const comes = usage({ requests });
    inventory.cluster.add(slot, usage({ requests: { cpu: 1000, memory: 400 * MIB } }));
    expect(nodeResourcesFit.usage?.fits?.(inventory.cluster, comes, slot)).toBe(words.length === 0);
    const rejection = nodeResourcesFit.usage?.reject?.(inventory.cluster, comes, slot);
    expect(rejection?.reasons.map((code) => wordsOf(code, inventory.columns.names))).toEqual(words);
  });

  it.each([
    [{ cpu: 1500 }, true],
    [{ cpu: 2001 }, false],
  ])("%j: removing pods could help: %s", (requests, resolvable) => {
    const { inventory, slot, usage } = oneNode({ cpu: 2000, memory: 1000 * MIB });
    inventory.cluster.add(slot, usage({ requests: { cpu: 1000 } }));
    expect(nodeResourcesFit.usage?.reject?.(inventory.cluster, usage({ requests }), slot).resolvable).toBe(resolvable);
  });

  it("counts pods even when they ask for nothing", () => {
    const { inventory, slot, usage } = oneNode({ pods: 1 });
    inventory.cluster.add(slot, usage({}));
    expect(nodeResourcesFit.usage?.fits?.(inventory.cluster, usage({}), slot)).toBe(false);
    const reasons = nodeResourcesFit.usage?.reject?.(inventory.cluster, usage({}), slot).reasons ?? [];
    expect(reasons.map((code) => wordsOf(code, []))).toEqual(["Too many pods"]);
  });

  it.each([
    [{ cpu: 1000, memory: 500 * MIB }, 50],
    [{ cpu: 2000, memory: 1000 * MIB }, 0],
    [{}, 87],
    [{ cpu: 3000, memory: 500 * MIB }, 25],
  ])("scores %j on an empty node of 2 cpu and 1000 MiB: %i", (requests, score) => {
    const { inventory, slot, usage } = oneNode({ cpu: 2000, memory: 1000 * MIB });
    expect(nodeResourcesFit.usage?.score?.(inventory.cluster, usage({ requests }), slot, undefined)).toBe(score);
  });
});

describe("NodeResourcesBalancedAllocation", () => {
  it.each([
    [{ cpu: 1000, memory: 500 * MIB }, 100],
    [{ cpu: 2000, memory: 0 }, 50],
    [{ cpu: 1000, memory: 1000 * MIB }, 75],
    [{ cpu: 666 }, 83],
  ])("scores %j on an empty node of 2 cpu and 1000 MiB: %i", (requests, score) => {
    const { inventory, slot, usage } = oneNode({ cpu: 2000, memory: 1000 * MIB });
    expect(nodeResourcesBalancedAllocation.usage?.score?.(inventory.cluster, usage({ requests }), slot, undefined)).toBe(score);
  });

  it("does not score pods without requests", () => {
    expect(nodeResourcesBalancedAllocation.usage?.applies?.(oneNode({}).usage({}), undefined)).toBe(false);
  });
});

describe("ImageLocality", () => {
  it.each([
    ["a:v1", 200, 1, 1, 18],
    ["a:v1", 200, 1, 2, 7],
    ["b:v1", 200, 1, 1, 0],
    ["a:v1", 20, 1, 1, 0],
    ["a:v1", 5000, 1, 1, 100],
  ])("%s of %i MiB on %i of %i nodes: %i", (name, size_mib, holders, nodes, score) => {
    const inventory = new Inventory(1);
    const images = [{ name, size_bytes: size_mib * MIB }];
    for (let i = 0; i < nodes; i++) inventory.setNode({ ...NODE, name: `n${i}`, images: i < holders ? images : [] }, {});
    expect(imageLocality.fixed?.score?.(POD, { ...NODE, images }, inventory)).toBe(score);
  });
});
