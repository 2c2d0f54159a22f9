import { expect, test } from "vitest";
import { query } from "../../../actors/stages/query/query.ts";

const pod = {
  metadata: { name: "web", annotations: { "a.b/c": "5s" }, finalizers: [], ownerReferences: [{ kind: "Job" }, { kind: "Node" }] },
  status: {
    phase: "Running",
    ready: true,
    count: 3,
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Initialized", status: "False" },
    ],
    containerStatuses: [{ state: { running: { startedAt: "t" } } }, { state: {} }],
  },
};

test.each([
  [".metadata.name", ["web"]],
  [".metadata.nothing", []],
  [".metadata.nothing.at.all", []],
  ['.metadata.annotations["a.b/c"]', ["5s"]],
  ['.metadata.annotations."a.b/c"', ["5s"]],
  [".metadata.ownerReferences.[].kind", ["Job", "Node"]],
  [".metadata.ownerReferences[].kind", ["Job", "Node"]],
  [".metadata.ownerReferences[-1].kind", ["Node"]],
  ['.status.conditions.[] | select( .type == "Ready" ) | .status', ["True"]],
  ['.status.conditions[] | select(.type == "Ready" and .status != "True")', []],
  [".status.containerStatuses.[].state.running.startedAt", ["t"]],
  [".metadata.labels.[].x", undefined],
  [".metadata.name.first", undefined],
  [".metadata.name.first?", []],
  ['.metadata.missing // "otherwise"', ["otherwise"]],
  [".status.count > 2", [true]],
  ['.metadata.annotations | has("a.b/c")', [true]],
  [".status.conditions | length", [2]],
  ["[.status.phase] | .[0]", "refused"],
  [".status.conditions | map(.type) | .[0]", ["Ready"]],
  ['.status.conditions | any(.status == "False")', [true]],
  [".", [pod]],
] as const)("%s", (text, values) => {
  if (values === "refused") expect(() => query(text)).toThrow(/is not understood from character 1 on \(\[\); understood of jq are paths/);
  else expect(query(text)(pod)).toEqual(values);
});

test.each([
  ["", /ends too early/],
  [".a |", /ends too early/],
  [".a[", /ends too early/],
  [".a | ascii_upcase", /is not understood from character 6 on \(ascii_upcase\)/],
  [".a && .b", /is not understood from character 4 on \(&& .b\)/],
  ["select(.a", /ends too early/],
])("%s is refused", (text, why) => expect(() => query(text)).toThrow(why));
