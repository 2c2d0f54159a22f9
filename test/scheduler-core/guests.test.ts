import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ANYWHERE, Draw, explain, IndexCache, type PeerFacts, placeBatch, wordsOf } from "../../scheduler-core/mod.ts";
import { near, pod, Stage, spread } from "./plugins/neighbours.ts";

const CAST = {
  a: { labels: { zone: "z1" }, pods: [] },
  b: { labels: { zone: "z1" }, pods: [] },
  c: { labels: { zone: "z2" }, pods: [pod({ app: "db" })] },
};

/** By node why it rejects the pod while the nominees, one for each node named, are awaited. */
function rejections(cast: ConstructorParameters<typeof Stage>[0], incoming: PeerFacts, awaited: Readonly<Record<string, PeerFacts>>) {
  const stage = new Stage(cast);
  const { inventory } = stage;
  const peers = Object.entries(awaited).map(([name, facts]) => ({ slot: inventory.slotOf(name) ?? -1, peer: stage.peer(facts) }));
  for (const { peer } of peers) inventory.kinship(peer);
  const pods = stage.ready(incoming);
  const guests = peers.map(({ slot, peer }) => ({ slot, marks: inventory.raisedBy(peer) }));
  const answers = explain(inventory.cluster, pods, guests);
  const batch = { classes: [pods], pods: Int32Array.of(0), pins: Int32Array.of(ANYWHERE), guests };
  const { slots } = placeBatch(inventory.cluster, batch, new IndexCache(), new Draw(1));
  const taking = answers.filter(({ feasible }) => feasible).map(({ slot }) => slot);
  expect(taking.length === 0 ? [-1] : taking).toContain(slots[0]);
  return Object.fromEntries(
    answers.map((answer) => [
      inventory.nameOf(answer.slot),
      answer.feasible ? "" : answer.reasons.map((reason) => wordsOf(reason, [])).join(),
    ]),
  );
}

describe("pods get on with those that are awaited on their node, and only there", () => {
  it.each<[string, PeerFacts, PeerFacts, Record<string, string>]>([
    [
      "that they are to be away from",
      pod({ app: "web" }, { antiAffinity: [near("new")] }),
      pod({ app: "new" }),
      { a: "node(s) didn't match pod anti-affinity rules", b: "", c: "" },
    ],
    [
      "that want to be away from them",
      pod({ app: "web" }),
      pod({ app: "new" }, { antiAffinity: [near("web")] }),
      { a: "node(s) didn't satisfy existing pods anti-affinity rules", b: "", c: "" },
    ],
    [
      "that count as their peers, one too many",
      pod({ app: "web" }, { spread: [spread()] }),
      pod({ app: "web" }),
      { a: "node(s) didn't match pod topology spread constraints", b: "", c: "" },
    ],
    [
      "and are not near them before they are there",
      pod({ app: "web" }, { affinity: [near("new")] }),
      pod({ app: "new" }),
      {
        a: "node(s) didn't match pod affinity rules",
        b: "node(s) didn't match pod affinity rules",
        c: "node(s) didn't match pod affinity rules",
      },
    ],
  ])("%s", (_, incoming, awaited, expected) => {
    expect(rejections(CAST, incoming, { a: awaited })).toEqual(expected);
  });

  it("as if each of them were there and were not, one node after another", () => {
    const app = fc.constantFrom("web", "db");
    const terms = fc.array(
      app.map((name) => near(name, "zone")),
      { maxLength: 1 },
    );
    const facts = fc
      .record({ app, affinity: terms, antiAffinity: terms, spread: fc.array(fc.constant(spread()), { maxLength: 1 }) })
      .map(({ app: name, ...more }) => pod({ app: name }, more));
    const node = fc.record({
      zone: fc.constantFrom("z1", "z2"),
      pods: fc.array(facts, { maxLength: 2 }),
      awaited: fc.option(facts, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(node, { minLength: 1, maxLength: 4 }), facts, (nodes, incoming) => {
        const castOf = (extra: number) =>
          Object.fromEntries(
            nodes.map(({ zone, pods, awaited }, i) => [
              `n${i}`,
              { labels: { zone }, pods: extra === i && awaited !== undefined ? [...pods, awaited] : pods },
            ]),
          );
        const awaited = Object.fromEntries(nodes.flatMap(({ awaited: one }, i) => (one === undefined ? [] : [[`n${i}`, one]])));
        const without = rejections(castOf(-1), incoming, {});
        const found = rejections(castOf(-1), incoming, awaited);
        nodes.forEach((_, i) => {
          const name = `n${i}`;
          const beside = rejections(castOf(i), incoming, {})[name];
          expect(found[name]).toBe(beside === "" ? without[name] : beside);
        });
      }),
    );
  });
});
