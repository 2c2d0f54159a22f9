import { describe, expect, it } from "vitest";
import { bestNodes, type Explanation, explain, type Inventory, type PeerFacts } from "../../scheduler-core/mod.ts";
import { near, pod, Stage } from "./plugins/neighbours.ts";

/** The best nodes for a pod by name. */
function best(stage: Stage, incoming: PeerFacts): string[] {
  // Making a class ready may put larger arrays in the place of the cluster's.
  const pods = stage.ready(incoming);
  return bestNodes(stage.inventory.cluster, pods).map((slot) => stage.inventory.nameOf(slot));
}

function accounts(stage: Stage, incoming: PeerFacts): Explanation[] {
  const pods = stage.ready(incoming);
  return explain(stage.inventory.cluster, pods);
}

const widthOf = ({ cluster }: Inventory): number => cluster.markColumns;

describe("Inventory.tidy", () => {
  it("gives up the marks of terms that nobody has any more, and decides afterwards as before", () => {
    const stage = new Stage({
      n1: { labels: { zone: "a", host: "n1" }, pods: [pod({ app: "db" }, { antiAffinity: [near("web")] })] },
      n2: { labels: { zone: "b", host: "n2" }, pods: [pod({ app: "cache" })] },
    });
    const { inventory } = stage;
    const incoming = pod({ app: "web" }, { preferred: [{ weight: 7, term: near("cache") }] });
    const before = accounts(stage, incoming);
    expect(inventory.tidy()).toBe(false);
    for (let revision = 0; revision < 1_500; revision++)
      stage.ready(pod({ revision: `${revision}` }, { antiAffinity: [near(`r${revision}`)] }));
    expect(widthOf(inventory)).toBeGreaterThan(1_500);
    expect(inventory.tidy()).toBe(true);
    expect(widthOf(inventory)).toBeLessThan(16);
    expect(accounts(stage, incoming)).toEqual(before);
    expect(best(stage, incoming)).toEqual(["n2"]);
    expect(inventory.tidy()).toBe(false);
  });

  it("counts pods that come and go afterwards with the marks as they are then", () => {
    const stage = new Stage({ n1: { labels: { zone: "a" }, pods: [pod({ app: "db" })] }, n2: { labels: { zone: "b" } } });
    const { inventory, handle } = stage;
    const loner = pod({ app: "x" }, { antiAffinity: [near("db")] });
    for (let revision = 0; revision < 1_500; revision++) stage.ready(pod({}, { antiAffinity: [near(`r${revision}`)] }));
    inventory.tidy();
    expect(best(stage, loner)).toEqual(["n2"]);
    inventory.leave(0, handle.usage, stage.peer(pod({ app: "db" })));
    expect(best(stage, loner)).toHaveLength(2);
    expect([...inventory.cluster.markTotals].every((total) => total === 0)).toBe(true);
  });
});
