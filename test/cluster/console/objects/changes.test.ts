import fc from "fast-check";
import { expect, test } from "vitest";
import { type Change, changesBetween, concernTheSame, pathWords, stepsOf } from "../../../../cluster/console/web/objects/changes.ts";
import { withChanges } from "../../../../cluster/console/web/objects/yaml/merge.ts";

const before = {
  spec: { replicas: 1, template: { containers: [{ image: "a:1" }, { image: "b:1" }] } },
  metadata: { labels: { "a/b": "x" } },
};

test("what differs is told field by field, in Kubernetes' words for where", () => {
  const after = {
    spec: { replicas: 2, template: { containers: [{ image: "a:2" }] } },
    metadata: { labels: { "a/b": "x", tier: "front" } },
  };
  expect(changesBetween(before, after).map(({ path, before, after }) => [pathWords(path), before, after])).toEqual([
    ["spec.replicas", 1, 2],
    ["spec.template.containers[0].image", "a:1", "a:2"],
    ["spec.template.containers[1]", { image: "b:1" }, undefined],
    ["metadata.labels.tier", undefined, "front"],
  ]);
});

test("two changes concern the same where one is about the other, or a part of it", () => {
  const at = (...path: readonly (string | number)[]): Change => ({ path, before: 0, after: 1 });
  const [containers, image, replicas] = [at("spec", "containers"), at("spec", "containers", 0, "image"), at("spec", "replicas")] as const;
  expect([concernTheSame(containers, image), concernTheSame(image, containers), concernTheSame(image, replicas)]).toEqual([
    true,
    true,
    false,
  ]);
});

test("changes are made to what has changed elsewhere meanwhile, too", () => {
  const mine = changesBetween(before, { ...before, spec: { ...before.spec, replicas: 5 } });
  const theirs = { ...before, metadata: { labels: { "a/b": "y" } } };
  expect(withChanges(theirs, mine)).toEqual({ ...theirs, spec: { ...before.spec, replicas: 5 } });
});

test("the changes between two states make the one of the other", () => {
  const state = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(state, state, (a, b) => {
      expect(withChanges(a, changesBetween(a, b))).toEqual(b);
    }),
  );
});

test("the server's words for a field are read as steps", () => {
  expect(stepsOf("spec.template.spec.containers[1].ports[0].containerPort")).toEqual([
    "spec",
    "template",
    "spec",
    "containers",
    1,
    "ports",
    0,
    "containerPort",
  ]);
  expect(stepsOf("metadata.labels[app.kubernetes.io/name]")).toEqual(["metadata", "labels", "app.kubernetes.io/name"]);
});
