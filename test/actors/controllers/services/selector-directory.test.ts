import fc from "fast-check";
import { expect, test } from "vitest";
import { SelectorDirectory } from "../../../../actors/controllers/services/selector-directory.ts";
import type { LabelSelector, LabelSelectorRequirement } from "../../../../actors/kinds/generated/types.ts";
import { matchesLabels, selectorOf } from "../../../../actors/kinds/machinery/label-selector.ts";
import type { KubeObject } from "../../../../actors/kinds/object.ts";
import { encodeObject } from "../../../../actors/kinds/text.ts";
import { Replica } from "../../../../actors/store/replica.ts";
import { silentLogger, virtualClock } from "../../../../runtime/mod.ts";

type Selecting = KubeObject & { readonly selector?: LabelSelector };

const label = fc.dictionary(fc.constantFrom("app", "tier"), fc.constantFrom("a", "b"), { maxKeys: 2 });
const expression = fc.constantFrom<LabelSelectorRequirement>(
  { key: "tier", operator: "In", values: ["a"] },
  { key: "tier", operator: "In", values: ["a", "b"] },
  { key: "app", operator: "Exists" },
  { key: "app", operator: "NotIn", values: ["a"] },
);
const selector = fc.record({ matchLabels: label, matchExpressions: fc.array(expression, { maxLength: 2 }) });
const step = fc.oneof(
  fc.record({ key: fc.constantFrom("pods/d/x", "pods/d/y", "pods/e/x"), labels: fc.option(label) }),
  fc.record({
    key: fc.constantFrom("services/d/s", "services/d/t", "services/e/s"),
    selector: fc.option(fc.option(selector), { freq: 3 }),
  }),
);

/** Each step puts an object in its place, or takes away what is there. */
test("those that select a pod are found by what it is and by what it was, as if all were asked", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const replica = new Replica({ clock: virtualClock(), log: silentLogger });
      const directory = new SelectorDirectory<Selecting>((object) =>
        object.selector === undefined ? undefined : selectorOf(object.selector),
      );
      const services = new Map<string, LabelSelector | null>();
      const pods = new Map<string, Record<string, string>>();
      const selects = (service: string, pod: string): boolean => {
        const [wanted, labels] = [services.get(service), pods.get(pod)];
        return service[9] === pod[5] && wanted != null && labels !== undefined && matchesLabels(selectorOf(wanted), labels);
      };
      let told: readonly string[] = [];
      replica.watch("services", 0, (change) => directory.followSelecting(change, replica));
      replica.watch("pods", 0, (change) => {
        told = directory.followPod(change);
      });
      for (const one of steps) {
        const { key } = one;
        const before = [...services.keys()].filter((service) => selects(service, key));
        const existed = replica.entry(key) !== undefined;
        const content = "labels" in one ? one.labels : one.selector;
        if (content === null && !existed) continue;
        if ("labels" in one) content === null ? pods.delete(key) : pods.set(key, one.labels ?? {});
        else if (one.selector === null) services.delete(key);
        else services.set(key, one.selector);
        const metadata = { name: "n", uid: "u", creationTimestamp: "", ...("labels" in one ? { labels: one.labels ?? {} } : {}) };
        const object = { metadata, ...("labels" in one ? {} : { selector: one.selector ?? undefined }) } as Selecting;
        const revision = replica.revision + 1;
        const op = content === null ? "delete" : existed ? "update" : "create";
        const stored = op === "delete" ? undefined : { text: encodeObject(object) };
        replica.apply(replica.sequence + 1, {
          firstRevision: revision,
          lastRevision: revision,
          records: [{ op, key, revision, stored, request: undefined }],
        });
        const after = [...services.keys()].filter((service) => selects(service, key));
        if ("labels" in one) expect(new Set(told)).toEqual(new Set([...before, ...after]));
        for (const service of services.keys()) {
          const found = directory.podsOf(replica, service).map((entry) => entry.key);
          expect(found).toEqual([...pods.keys()].filter((pod) => selects(service, pod)).sort());
        }
      }
    }),
  );
});
