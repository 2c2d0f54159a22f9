import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClassIndex } from "../../scheduler-core/class-index.ts";
import {
  type AffinityTerm,
  bestNodes,
  type ClassHandle,
  DEFAULT_PROFILE,
  Inventory,
  type Peer,
  type PeerFacts,
  type PodFacts,
  type SchedulingProfile,
  type SpreadConstraint,
  type TaintEffect,
} from "../../scheduler-core/mod.ts";
import { everyDraw } from "./every-draw.ts";

const GIB = 1024 ** 3;
const HOSTNAME = "kubernetes.io/hostname";
const APPS = ["web", "db", "cache"] as const;
const NAMESPACES = ["d", "e"] as const;
const TEAMS = ["blue", "red"] as const;
const NODES_MAX = 48;

const labels = fc.constantFrom(...APPS).map((app) => [{ key: "app", operator: "In", values: [app] }] as const);
const key = fc.constantFrom("zone", "rack", HOSTNAME, "seat");
const term: fc.Arbitrary<AffinityTerm> = fc
  .record({
    topologyKey: key,
    labels,
    namespaces: fc.constantFrom<readonly string[]>(["d"], ["e"], ["d", "e"], []),
    team: fc.option(fc.constantFrom(...TEAMS), { freq: 2 }),
  })
  .map(({ topologyKey, labels, namespaces, team }) => ({
    topologyKey,
    selector: { namespaces, namespaceLabels: team === null ? undefined : [{ key: "team", operator: "In", values: [team] }], labels },
  }));
const constraint: fc.Arbitrary<SpreadConstraint> = fc.record({
  topologyKey: key,
  maxSkew: fc.integer({ min: 1, max: 3 }),
  minDomains: fc.integer({ min: 1, max: 4 }),
  isHard: fc.boolean(),
  labels: fc.oneof({ weight: 8, arbitrary: labels }, { weight: 1, arbitrary: fc.constantFrom([], undefined) }),
  honorsAffinity: fc.boolean(),
  honorsTaints: fc.boolean(),
});
const few = <T>(of: fc.Arbitrary<T>, most = 2): fc.Arbitrary<T[]> => fc.array(of, { maxLength: most });
const peerFacts: fc.Arbitrary<PeerFacts> = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  labels: fc.constantFrom(...APPS).map((app) => ({ app })),
  isTerminating: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
  affinity: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: few(term) }),
  antiAffinity: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: few(term) }),
  preferred: few(fc.record({ weight: fc.integer({ min: -20, max: 20 }).filter((weight) => weight !== 0), term })),
  spread: few(constraint),
  spreadNeedsAllKeys: fc.boolean(),
});

const variants: readonly PodFacts[] = [
  {},
  { tolerations: [{ key: "soft", operator: "Exists", value: "", effect: "" }] as const },
  { nodeSelector: { disk: "ssd" } },
  { preferredTerms: [{ weight: 9, term: { matchLabels: [{ key: "zone", operator: "In", values: ["z1"] }], matchFields: [] } }] as const },
].map((more) => ({
  ...{ nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] },
  ...more,
}));

interface NodeStep {
  readonly do: "node";
  readonly node: number;
  readonly cpu: number;
  readonly zone: number;
  readonly lacks: number;
  readonly taint: TaintEffect | null;
  readonly isFast: boolean;
}

const nodeStep: fc.Arbitrary<NodeStep> = fc.record({
  do: fc.constant("node" as const),
  node: fc.nat(NODES_MAX - 1),
  cpu: fc.integer({ min: 1, max: 6 }),
  zone: fc.nat(3),
  lacks: fc.nat(12),
  taint: fc.option(fc.constantFrom<TaintEffect>("NoSchedule", "PreferNoSchedule"), { freq: 2 }),
  isFast: fc.boolean(),
});
const profile: fc.Arbitrary<SchedulingProfile> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(DEFAULT_PROFILE) },
  {
    weight: 1,
    arbitrary: fc
      .record({ filtersOff: few(fc.constantFrom("PodTopologySpread", "InterPodAffinity"), 1), weight: fc.integer({ min: 0, max: 5 }) })
      .map(({ filtersOff, weight }) => ({
        ...{ key: "other", filtersOff: new Set(filtersOff), scoring: undefined },
        weights: { PodTopologySpread: weight, InterPodAffinity: 5 - weight, NodeResourcesFit: 1 + weight },
      })),
  },
);
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("place" as const), peer: fc.nat(5), variant: fc.nat(3), cpu: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("free" as const), pod: fc.nat(30) }) },
  { weight: 2, arbitrary: nodeStep },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), node: fc.nat(NODES_MAX - 1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("namespace" as const), name: fc.constantFrom(...NAMESPACES), team: fc.constantFrom(...TEAMS) }),
  },
);

class World {
  readonly inventory: Inventory = new Inventory(1);
  placed: { readonly node: string; readonly handle: ClassHandle; readonly peer: Peer }[] = [];
  readonly #indexes = new Map<string, ClassIndex>();
  readonly #profile: SchedulingProfile;

  constructor(nodes: readonly NodeStep[], profile: SchedulingProfile) {
    this.#profile = profile;
    for (const node of nodes) this.setNode(node);
  }

  setNode({ node, cpu, zone, lacks, taint, isFast }: NodeStep): void {
    const all: [string, string][] = [
      ["zone", `z${zone}`],
      ["rack", `r${node % 20}`],
      [HOSTNAME, `n${node}`],
      ["seat", `s${node}`],
    ];
    const labels = Object.fromEntries(all.filter((_, i) => i !== lacks));
    const name = `n${node}`;
    if (this.inventory.slotOf(name) === undefined) this.#forget(name);
    this.inventory.setNode(
      {
        ...{ name, unschedulable: false, images: [] },
        labels: isFast ? { ...labels, disk: "ssd" } : labels,
        taints: taint === null ? [] : [{ key: "soft", value: "", effect: taint }],
      },
      { cpu: 1000 * cpu, memory: 4 * GIB, pods: 6 },
    );
  }

  removeNode(node: number): void {
    this.inventory.removeNode(`n${node}`);
    this.#forget(`n${node}`);
  }

  free(pod: number): void {
    const [gone] = this.placed.splice(pod, 1);
    if (gone !== undefined) this.inventory.leave(this.inventory.slotOf(gone.node) ?? -1, gone.handle.usage, gone.peer);
  }

  /** Compares the index with the plain loop, then places the pod on one of the best. */
  place(facts: PeerFacts, variant: number, cpu: number, random: number): void {
    const needs = {
      requests: { cpu: 300 * (cpu + 1), memory: GIB / 2 },
      nonzero: { cpu_milli: 300 * (cpu + 1), memory_bytes: GIB / 2 },
      ports: [],
    };
    const { inventory } = this;
    const podFacts = variants[variant] as PodFacts;
    const handle = inventory.classOf({
      ...{ staticKey: `${variant}`, facts: () => podFacts, usageKey: `${cpu}`, needs: () => needs, priority: 0 },
      profile: this.#profile,
    });
    const peer = inventory.peerOf(JSON.stringify(facts), () => facts);
    // A first pass gives the terms their marks, as the queue does when the pod comes in.
    inventory.kinship(peer);
    const pods = inventory.ready(handle, peer);
    const key = `${pods.id}/${pods.relationsId}`;
    const known = this.#indexes.get(key);
    const index = known ?? new ClassIndex(inventory.cluster, pods);
    known?.repair(inventory.cluster, pods);
    this.#indexes.set(key, index);
    const best = bestNodes(inventory.cluster, pods);
    const drawn = everyDraw((random) => index.pick(random));
    expect(drawn).toEqual(best);
    const slot = drawn[random % drawn.length];
    if (slot === undefined) return;
    inventory.enter(slot, handle.usage, peer);
    this.placed.push({ node: inventory.nameOf(slot), handle, peer });
  }

  #forget(node: string): void {
    this.placed = this.placed.filter((pod) => pod.node !== node);
  }
}

describe("ClassIndex of pods that other pods have a say in", () => {
  it.each([6, 40])("offers each of the nodes that the plain loop finds best with the same chance, from %i nodes on", (nodes) => {
    fc.assert(
      fc.property(
        fc.array(nodeStep, { minLength: nodes, maxLength: nodes }),
        fc.array(peerFacts, { minLength: 6, maxLength: 6 }),
        fc.array(step, { minLength: 20, maxLength: 100 }),
        profile,
        (first, peers, steps, profile) => {
          const world = new World(
            first.map((node, i) => ({ ...node, node: i })),
            profile,
          );
          steps.forEach((now, i) => {
            if (now.do === "node") world.setNode(now);
            else if (now.do === "remove") world.removeNode(now.node);
            else if (now.do === "free") world.free(now.pod);
            else if (now.do === "namespace") world.inventory.setNamespace(now.name, { team: now.team });
            else world.place(peers[now.peer] as PeerFacts, now.variant, now.cpu, i * 7919);
          });
        },
      ),
      { numRuns: 150 },
    );
  });
});
