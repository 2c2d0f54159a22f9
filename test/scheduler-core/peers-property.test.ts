import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ANYWHERE, Draw, IndexCache, type PeerFacts, placeBatch, UNPLACED } from "../../scheduler-core/mod.ts";
import { type Cast, near, pod, Stage, spread } from "./plugins/neighbours.ts";

const APPS = ["web", "db", "cache"] as const;

/** A pod with any of: anti-affinity, affinity, hard spreading. */
const peer: fc.Arbitrary<PeerFacts> = fc
  .record({
    app: fc.constantFrom(...APPS),
    repels: fc.option(fc.constantFrom(...APPS), { freq: 2 }),
    wants: fc.option(fc.constantFrom(...APPS), { freq: 3 }),
    key: fc.constantFrom("zone", "host"),
    isSpread: fc.boolean(),
  })
  .map(({ app, repels, wants, key, isSpread }) =>
    pod(
      { app },
      {
        antiAffinity: repels === null ? [] : [near(repels, key)],
        affinity: wants === null ? [] : [near(wants)],
        spread: isSpread ? [spread({ labels: [{ key: "app", operator: "In", values: [app] }] })] : [],
      },
    ),
  );

interface Placed {
  readonly facts: PeerFacts;
  readonly node: string;
}

const cast = (): Cast =>
  Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`n${i}`, { labels: { zone: `z${i % 3}`, host: `n${i}` } }]));
const domain = (node: string, key: string): string => (key === "host" ? node : `z${Number(node.slice(1)) % 3}`);
const means = ({ selector }: PeerFacts["antiAffinity"][number], { labels }: PeerFacts): boolean =>
  selector.labels?.[0]?.values[0] === labels["app"];

/** What is wrong with a pod on its node, given the pods that were there before it; told without anything of scheduler-core. */
function wrongs({ facts, node }: Placed, before: readonly Placed[]): string[] {
  const wrong: string[] = [];
  const together = (other: Placed, key: string): boolean => domain(other.node, key) === domain(node, key);
  for (const term of facts.antiAffinity) {
    if (before.some((other) => means(term, other.facts) && together(other, term.topologyKey))) wrong.push("beside whom it repels");
  }
  for (const other of before) {
    for (const term of other.facts.antiAffinity)
      if (means(term, facts) && together(other, term.topologyKey)) wrong.push("beside who repels it");
  }
  for (const term of facts.affinity) {
    const wanted = before.filter((other) => means(term, other.facts));
    const isFirst = wanted.length === 0 && means(term, facts);
    if (!isFirst && !wanted.some((other) => together(other, term.topologyKey))) wrong.push("far from whom it wants");
  }
  if (facts.spread.length > 0) {
    const alike = before.filter((other) => other.facts.labels["app"] === facts.labels["app"]);
    const counts = ["z0", "z1", "z2"].map((zone) => alike.filter((other) => domain(other.node, "zone") === zone).length);
    const here = alike.filter((other) => together(other, "zone")).length;
    if (here + 1 - Math.min(...counts) > 1) wrong.push("skewed");
  }
  return wrong;
}

describe("pods that have a say in each other's places", () => {
  it("are never placed where one of them says no, and left out only when every node does", () => {
    fc.assert(
      fc.property(fc.array(peer, { minLength: 5, maxLength: 30 }), fc.integer(), (peers, seed) => {
        const stage = new Stage(cast());
        for (const facts of peers) stage.inventory.kinship(stage.peer(facts));
        const classes = peers.map((facts) => stage.ready(facts));
        const batch = { classes, pods: Int32Array.from(peers.keys()), pins: new Int32Array(peers.length).fill(ANYWHERE) };
        const { slots } = placeBatch(stage.inventory.cluster, batch, new IndexCache(), new Draw(seed));
        const before: Placed[] = [];
        peers.forEach((facts, i) => {
          const slot = slots[i] ?? UNPLACED;
          if (slot === UNPLACED) {
            for (let node = 0; node < 6; node++) expect(wrongs({ facts, node: `n${node}` }, before)).not.toEqual([]);
            return;
          }
          const placed = { facts, node: stage.inventory.nameOf(slot) };
          expect(wrongs(placed, before)).toEqual([]);
          before.push(placed);
        });
      }),
      { numRuns: 200 },
    );
  });
});
