import fc from "fast-check";
import { expect, test } from "vitest";
import { daemonSetController } from "../../../../actors/controllers/daemonset/daemonset.ts";
import { Placements } from "../../../../actors/controllers/daemonset/daemonset-placement.ts";
import { DaemonSetKind } from "../../../../actors/kinds/apps/daemon-set.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import type { DaemonSet } from "../../../../actors/kinds/generated/types.ts";
import { Transcript } from "../transcript.ts";

const KEY = "daemonsets.apps/d/ds";
const set = (disk: string, generation: number): object => ({
  metadata: { name: "ds", generation },
  spec: { selector: {}, template: { metadata: {}, spec: { nodeSelector: { disk }, containers: [] } } },
});

/** What happens between two looks: nodes get a label, come or go, or the set wants others. */
const happening = fc.record({
  what: fc.constantFrom("ssd", "hdd", "gone", "wanted"),
  node: fc.integer({ min: 0, max: 9 }),
});
const looks = fc.array(fc.array(happening, { maxLength: 4 }), { maxLength: 20 });

test("what is remembered of nodes is what is said of them when nothing is remembered", () => {
  fc.assert(
    fc.property(looks, (rounds) => {
      const transcript = new Transcript(daemonSetController()).put(DaemonSetKind, set("ssd", 1));
      const { view } = transcript;
      const remembering = new Placements();
      let generation = 1;
      for (const happenings of rounds) {
        for (const { what, node } of happenings) {
          if (what === "wanted") transcript.put(DaemonSetKind, set(node % 2 === 0 ? "ssd" : "hdd", ++generation));
          else if (what !== "gone")
            transcript.put(NodeKind, { metadata: { name: `n${node}`, labels: { disk: what } }, spec: {}, status: {} });
          else if (view.entry(`nodes/n${node}`) !== undefined) transcript.remove(NodeKind, `n${node}`);
        }
        const wanted = view.get<DaemonSet>(KEY) as DaemonSet;
        const remembered = remembering.of(view, KEY, wanted);
        expect(remembered).toEqual(new Placements().of(view, KEY, wanted));
        expect(remembered.map(({ node }) => node)).toEqual(view.list("nodes").map(({ key }) => key.slice("nodes/".length)));
      }
    }),
  );
});
