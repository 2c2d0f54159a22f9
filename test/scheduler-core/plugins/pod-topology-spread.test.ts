import { describe, expect, it } from "vitest";
import type { PeerFacts, SpreadConstraint } from "../../../scheduler-core/mod.ts";
import { podTopologySpread } from "../../../scheduler-core/plugins/pod-topology-spread.ts";
import { type Cast, pod, Stage, spread } from "./neighbours.ts";

const SKEWED = "node(s) didn't match pod topology spread constraints";
const MISSING = "node(s) didn't match pod topology spread constraints (missing required label)";
const web = pod({ app: "web" });
const times = (count: number, facts: PeerFacts = web): PeerFacts[] => Array.from({ length: count }, () => facts);
const incoming = (...rules: SpreadConstraint[]): PeerFacts => pod({ app: "web" }, { spread: rules });
const zones: Cast = {
  a: { labels: { zone: "z1" }, pods: times(2) },
  b: { labels: { zone: "z2" }, pods: times(1) },
  c: { labels: { zone: "z3" }, tainted: true },
  d: {},
};
/** The same without the empty zone. */
const pair: Cast = { a: { labels: { zone: "z1" }, pods: times(2) }, b: { labels: { zone: "z2" }, pods: times(1) } };

describe("PodTopologySpread filters", () => {
  it.each<[string, Cast, PeerFacts, Record<string, string>]>([
    ["the fewest is 0", zones, incoming(spread()), { a: SKEWED, b: SKEWED, c: "", d: MISSING }],
    ["a skew of 2", zones, incoming(spread({ maxSkew: 2 })), { a: SKEWED, b: "", c: "", d: MISSING }],
    ["taints that leave a zone out", zones, incoming(spread({ honorsTaints: true })), { a: SKEWED, b: "", c: "", d: MISSING }],
    ["two zones", pair, incoming(spread()), { a: SKEWED, b: "" }],
    ["fewer zones than wanted count as an empty one", pair, incoming(spread({ minDomains: 3 })), { a: SKEWED, b: SKEWED }],
    ["a pod that is not counted itself", pair, { ...incoming(spread()), labels: {} }, { a: "", b: "" }],
    ["an empty selector counts nobody", pair, incoming(spread({ labels: [] })), { a: "", b: "" }],
    ["no selector means nobody", pair, incoming(spread({ labels: undefined })), { a: "", b: "" }],
    [
      "pods that are being deleted do not count",
      { ...pair, a: { labels: { zone: "z1" }, pods: times(2, pod({ app: "web" }, { isTerminating: true })) } },
      incoming(spread()),
      { a: "", b: SKEWED },
    ],
    ["pods of another namespace do not count", pair, { ...incoming(spread()), namespace: "e" }, { a: "", b: "" }],
    [
      "nodes without every key count in none",
      {
        a: { labels: { zone: "z1", rack: "r" }, pods: times(3) },
        b: { labels: { zone: "z2", rack: "r" } },
        c: { labels: { zone: "z2" }, pods: times(5) },
      },
      incoming(spread({ maxSkew: 3 }), spread({ topologyKey: "rack", maxSkew: 9 })),
      { a: SKEWED, b: "", c: MISSING },
    ],
    ["soft rules do not reject", zones, incoming(spread({ isHard: false })), { a: "", b: "", c: "", d: "" }],
  ])("%s", (_, there, comes, verdicts) => {
    expect(new Stage(there).verdicts(podTopologySpread, comes)).toEqual(verdicts);
  });

  it("counts only nodes that the pod may have, unless told otherwise", () => {
    const there: Cast = { a: { labels: { zone: "z1", disk: "ssd" }, pods: times(1) }, b: { labels: { zone: "z2" } } };
    const selector = { disk: "ssd" };
    expect(new Stage(there, selector).verdicts(podTopologySpread, incoming(spread())).a).toBe("");
    expect(new Stage(there, selector).verdicts(podTopologySpread, incoming(spread({ honorsAffinity: false }))).a).toBe(SKEWED);
  });
});

describe("PodTopologySpread scores", () => {
  const soft = (more: Partial<SpreadConstraint> = {}): SpreadConstraint => spread({ isHard: false, ...more });
  it.each<[string, Cast, PeerFacts, Record<string, number> | undefined]>([
    ["no soft rule: not at all", zones, incoming(spread()), undefined],
    // Three zones: ln 5 = 1.609 a pod, so 2 pods are 3 and 1 pod is 2.
    ["the fewer the better; without the key nothing", zones, incoming(soft()), { a: 0, b: 33, c: 100, d: 0 }],
    ["no pods at all", { a: { labels: { zone: "z1" } }, b: { labels: { zone: "z2" } } }, incoming(soft()), { a: 100, b: 100 }],
    // ln 4 = 1.386 a pod and maxSkew - 1 = 4: sums 7 and 5.
    ["a wide skew waters it down", pair, incoming(soft({ maxSkew: 5 })), { a: 71, b: 100 }],
    [
      "by hostname each node is its own domain",
      { a: { labels: { "kubernetes.io/hostname": "a" }, pods: times(2) }, b: { labels: { "kubernetes.io/hostname": "b" } } },
      incoming(soft({ topologyKey: "kubernetes.io/hostname" })),
      { a: 0, b: 100 },
    ],
    [
      "default rules need no key",
      { a: { pods: times(1) }, b: pair.b ?? {} },
      { ...incoming(soft()), spreadNeedsAllKeys: false },
      { a: 100, b: 0 },
    ],
  ])("%s", (_, there, comes, scores) => {
    expect(new Stage(there).scores(podTopologySpread, comes)).toEqual(scores);
  });
});
