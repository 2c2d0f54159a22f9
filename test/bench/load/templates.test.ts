import { expect, test } from "vitest";
import { clusterWorkload } from "../../../bench/load/cluster-workload.ts";
import { BUILT_IN_TEMPLATES, fill, podsAskedFor, type Template } from "../../../bench/load/templates.ts";

const filling = { name: "web-0", namespace: "ns-1", replicas: 7, run: "abc" };

test("placeholders are filled in, and pods bear the label of the run", () => {
  const manifest = fill(BUILT_IN_TEMPLATES.deployment as Template, filling);
  expect(manifest).toMatchObject({
    metadata: { name: "web-0", namespace: "ns-1", labels: { "troupe-load": "abc" } },
    spec: {
      replicas: 7,
      selector: { matchLabels: { app: "web-0" } },
      template: { metadata: { labels: { app: "web-0", "troupe-load": "abc" } } },
    },
  });
  expect(JSON.stringify(manifest)).not.toContain("$(");
});

test("what a template has of its own stays", () => {
  const template = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { labels: { a: "b" }, annotations: { c: "$(namespace)/$(name)" } },
    spec: { x: ["$(run)"] },
  };
  expect(fill(template, filling)).toEqual({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-0", namespace: "ns-1", labels: { a: "b", "troupe-load": "abc" }, annotations: { c: "ns-1/web-0" } },
    spec: { x: ["abc"] },
  });
});

test.each([
  ["deployment", 7],
  ["statefulset", 7],
  ["job", 7],
  ["daemonset", 40],
  ["service", 0],
])("a %s asks for %i pods", (name, pods) => {
  expect(podsAskedFor(fill(BUILT_IN_TEMPLATES[name] as Template, filling), 40)).toBe(pods);
});

test.each([
  [5_000, 150_000],
  [2_000, 40_000],
  [500, 5_000],
  [100, 1_000],
])("the full cluster of %i nodes and %i pods", (nodes, pods) => {
  const { namespaces, phases } = clusterWorkload(nodes, pods, 1);
  const asked = (phases[0]?.steps ?? []).map((step) => {
    if (step.do !== "create") return 0;
    const manifest = fill(BUILT_IN_TEMPLATES[step.template] as Template, { ...filling, replicas: step.replicas });
    return podsAskedFor(manifest, nodes) * step.count * Math.min(step.namespaces, namespaces);
  });
  const sum = asked.reduce((a, b) => a + b, 0);
  expect(Math.abs(sum - pods) / pods).toBeLessThan(0.02);
});
