import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { celReader } from "../../../actors/stages/expression.ts";
import { chosen, type Stage, stageOf } from "../../../actors/stages/stage.ts";
import { COMMON_FUNCTIONS } from "../../../actors/stages/template/functions.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const cel = celReader({ now_ms: () => NOW_MS, chance: () => 0.5 });
const read = (spec: object, name = "s"): Stage =>
  stageOf(
    {
      apiVersion: "kwok.x-k8s.io/v1alpha1",
      kind: "Stage",
      metadata: { name },
      spec: { resourceRef: { apiGroup: "v1", kind: "Pod" }, ...spec },
    },
    cel,
  );
const pod = (rest: object = {}): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "d", uid: "u", creationTimestamp: "2026-01-01T00:00:00Z" },
    ...rest,
  }) as KubeObject;
const withAnnotation = (value: string): KubeObject => ({ ...pod(), metadata: { ...pod().metadata, annotations: { delay: value } } });

describe("selectors", () => {
  const matches = (selector: object | undefined, object: KubeObject): boolean =>
    read(selector === undefined ? {} : { selector }).matches(object);

  test("one that is left out selects nothing, an empty one everything", () => {
    expect(matches(undefined, pod())).toBe(false);
    expect(matches({}, pod())).toBe(true);
  });

  test.each([
    [{ key: ".status.phase", operator: "In", values: ["Running", "Pending"] }, { status: { phase: "Pending" } }, true],
    [{ key: ".status.phase", operator: "In", values: ["Running"] }, {}, false],
    [{ key: ".status.phase", operator: "NotIn", values: ["Running"] }, {}, true],
    [{ key: ".status.ready", operator: "In", values: ["true"] }, { status: { ready: true } }, true],
    [{ key: ".metadata.deletionTimestamp", operator: "DoesNotExist" }, {}, true],
    [{ key: ".metadata.name", operator: "Exists" }, {}, true],
    [{ key: ".status.conditions.[].x", operator: "DoesNotExist" }, {}, true],
    [{ jq: { key: ".status.phase", operator: "Exists" } }, {}, false],
    [{ cel: { expression: "self.metadata.name == 'web'" } }, {}, true],
    [{ cel: { expression: "!has(self.metadata.deletionTimestamp)" } }, {}, true],
    [{ cel: { expression: "self.status.phase == 'Running'" } }, {}, false],
    [{ cel: { expression: "SinceSecond(self) >= 0.0 && Now() > timestamp('2025-01-01T00:00:00Z') && Rand() == 0.5" } }, {}, true],
  ])("%o of %o: %s", (expression, rest, holds) => {
    expect(matches({ matchExpressions: [expression] }, pod(rest))).toBe(holds);
  });

  test("labels and annotations all have to be there", () => {
    const object = { ...pod(), metadata: { ...pod().metadata, labels: { a: "1", b: "2" } } };
    expect(matches({ matchLabels: { a: "1", b: "2" } }, object)).toBe(true);
    expect(matches({ matchLabels: { a: "1", c: "2" } }, object)).toBe(false);
    expect(matches({ matchAnnotations: { a: "1" } }, object)).toBe(false);
  });
});

describe("delays", () => {
  test.each([
    [{}, pod(), [0, 0]],
    [{ durationMilliseconds: 100 }, pod(), [100, 100]],
    [{ durationMilliseconds: 100, jitterDurationMilliseconds: 300 }, pod(), [100, 300]],
    [{ durationMilliseconds: 100, jitterDurationMilliseconds: 50 }, pod(), [50, 50]],
    [
      { durationMilliseconds: 100, durationFrom: { expressionFrom: ".metadata.annotations.delay" } },
      withAnnotation("1m"),
      [60_000, 60_000],
    ],
    [{ durationMilliseconds: 100, durationFrom: { jq: { expression: ".metadata.annotations.delay" } } }, pod(), [100, 100]],
    [
      { durationMilliseconds: 100, durationFrom: { expressionFrom: ".metadata.annotations.delay" } },
      withAnnotation("gibberish"),
      [100, 100],
    ],
    [{ durationMilliseconds: 100, durationFrom: { expressionFrom: ".metadata.annotations.delay" } }, withAnnotation(""), [0, 0]],
    [{ durationFrom: { expressionFrom: ".metadata.annotations.delay" } }, withAnnotation("2026-01-01T00:00:05Z"), [5_000, 5_000]],
    [{ durationFrom: { cel: { expression: "duration('3s')" } } }, pod(), [3_000, 3_000]],
    [
      { durationMilliseconds: 1000, jitterDurationFrom: { expressionFrom: ".metadata.annotations.delay" } },
      withAnnotation("2025-12-31T00:00:00Z"),
      [0, 0],
    ],
  ])("%o", (delay, object, [least, most]) => {
    const stage = read({ delay });
    expect(stage.delay_ms(object, NOW_MS, 0)).toBe(least);
    expect(stage.delay_ms(object, NOW_MS, 0.999999)).toBeCloseTo(most ?? 0, 0);
  });
});

describe("the choice among stages that match", () => {
  const choices = (weights: readonly object[], object = pod()): readonly (string | undefined)[] => {
    const stages = weights.map((weight, index) => read(weight, String(index)));
    return [0, 0.3, 0.6, 0.99].map((chance) => chosen(stages, object, chance)?.name);
  };
  test("is by weight", () => expect(choices([{ weight: 1 }, { weight: 1 }])).toEqual(["0", "0", "1", "1"]));
  test("leaves out those of weight 0 where others have one", () =>
    expect(choices([{ weight: 0 }, { weight: 5 }])).toEqual(["1", "1", "1", "1"]));
  test("is even where none has one", () => expect(choices([{}, {}])).toEqual(["0", "0", "1", "1"]));
  test("takes the weight from the object", () => {
    const from = { weight: 0, weightFrom: { expressionFrom: ".metadata.annotations.delay" } };
    expect(choices([{ weight: 1 }, from], withAnnotation("3"))).toEqual(["0", "1", "1", "1"]);
    expect(choices([{ weight: 0 }, from], withAnnotation("x"))).toEqual(["0", "0", "0", "0"]);
  });
});

describe("steps", () => {
  const actions = (spec: object, object = pod()): unknown => read(spec).steps.flatMap((step) => step(object, COMMON_FUNCTIONS));

  test("a status template patches the status, strategically", () => {
    expect(actions({ next: { statusTemplate: "phase: {{ .metadata.name }}\n" } })).toEqual([
      { type: "patch", patch: { type: "strategic", body: { status: { phase: "web" } } }, subresource: "status", user: undefined },
    ]);
  });

  test("of next, what is older: event, finalizers, patches, deletion, in this order", () => {
    const next = {
      delete: true,
      patches: [{ root: "metadata", type: "json", template: "- {op: add, path: /labels, value: {}}", impersonation: { username: "u" } }],
      finalizers: { add: [{ value: "x/f" }], remove: [{ value: "x/g" }] },
      event: { type: "Warning", reason: "R", message: "m" },
    };
    const object = { ...pod(), metadata: { ...pod().metadata, finalizers: ["x/g", "x/h"] } };
    expect(actions({ next }, object)).toEqual([
      { type: "event", severity: "Warning", reason: "R", message: "m" },
      { type: "patch", patch: { type: "merge", body: { metadata: { finalizers: ["x/h", "x/f"] } } }, subresource: "", user: undefined },
      { type: "patch", patch: { type: "json", body: [{ op: "add", path: "/metadata/labels", value: {} }] }, subresource: "", user: "u" },
      { type: "delete" },
    ]);
    expect(actions({ next: { finalizers: { empty: true } } }, object)).toMatchObject([
      { patch: { body: { metadata: { finalizers: null } } } },
    ]);
    expect(actions({ next: { finalizers: { empty: true } } })).toEqual([]);
  });

  test("what is applied is another object", () => {
    const template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c-{{ .metadata.uid }}}\n";
    expect(actions({ steps: [{ apply: { template, type: "merge" } }] })).toEqual([
      {
        type: "apply",
        how: "merge",
        subresource: "",
        user: undefined,
        object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c-u" } },
      },
    ]);
    expect(() => actions({ steps: [{ apply: { template: "kind: x" } }] })).toThrow(
      "what is applied should have apiVersion, kind and metadata.name",
    );
  });
});

describe("what is wrong with a document is said with its path", () => {
  test.each([
    [
      { selektor: {} },
      "spec.selektor is unknown; known are resourceRef, selector, weight, weightFrom, delay, next, steps, immediateNextStage",
    ],
    [{ weight: -1 }, "spec.weight should be a whole number from 0"],
    [{ resourceRef: {} }, "spec.resourceRef.kind is missing"],
    [
      { selector: { matchExpressions: [{ key: ".a", operator: "Is", values: ["x"] }] } },
      /^spec.selector.matchExpressions\[0\].operator is "Is", and should be one of In, NotIn, Exists, DoesNotExist/,
    ],
    [
      { selector: { matchExpressions: [{ key: ".a", operator: "In" }] } },
      "spec.selector.matchExpressions[0].values should not be empty with In",
    ],
    [
      { selector: { matchExpressions: [{ key: "a b", operator: "Exists" }] } },
      /^spec.selector.matchExpressions\[0\].key is not understood: "a b" .*understood of jq are/,
    ],
    [
      { selector: { matchExpressions: [{ cel: { expression: "self." } }] } },
      /^spec.selector.matchExpressions\[0\].cel.expression is not understood: /,
    ],
    [{ selector: { matchLabels: { a: 1 } } }, "spec.selector.matchLabels should be an object of texts"],
    [{ delay: { durationFrom: { expressionFrom: "x" } } }, /^spec.delay.durationFrom.expressionFrom is not understood/],
    [{ next: { statusTemplate: "{{ Frob }}" } }, /^spec.next.statusTemplate is not understood: line 1: .*there is no function Frob/],
    [
      { steps: [{ patch: { type: "apply", template: "" } }] },
      'spec.steps[0].patch.type is "apply", and should be one of json, merge, strategic',
    ],
    [{ steps: [{ event: { type: "Bad" } }] }, 'spec.steps[0].event.type is "Bad", and should be one of Normal, Warning'],
    [{ immediateNextStage: "yes" }, "spec.immediateNextStage should be true or false"],
  ])("%o", (spec, complaint) => expect(() => read(spec)).toThrow(complaint));

  test("another kind of document", () => {
    expect(() => stageOf({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } }, cel)).toThrow(
      "it is v1 ConfigMap, and should be kwok.x-k8s.io/v1alpha1 Stage",
    );
    expect(() => stageOf("text", cel)).toThrow(/of no version/);
  });
});
