import { describe, expect, test } from "vitest";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { apiVersionOf, keyFor, resourceOf } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS, KindTable } from "../../../actors/kinds/kinds.ts";
import { definitionNamed } from "../../../actors/kinds/machinery/schema.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import everything from "./reference.json" with { type: "json" };

/** What is not served yet, or by no kind; docs/api-coverage.md has it all. */
const WITHOUT_KIND = new Set(["", "authentication.k8s.io", "authorization.k8s.io"]);
const served = new Set(BUILT_IN_KINDS.map(resourceOf));
const reference = everything.filter((one) => served.has(resourceOf(one)) || one.group === "events.k8s.io" || !WITHOUT_KIND.has(one.group));

describe("the facts of each kind are those of Kubernetes 1.34", () => {
  test.each(reference.map((one) => [`${one.plural}.${one.group}/${one.version}`, one] as const))("%s", (_, fact) => {
    const kind = new KindTable().byPlural(fact.group, fact.version, fact.plural);
    expect(kind).toBeDefined();
    if (kind === undefined) return;
    expect(kind.kind).toBe(fact.kind);
    expect(kind.namespaced).toBe(fact.namespaced);
    expect(kind.singular).toBe(fact.singular);
    expect(kind.verbs).toEqual(fact.verbs);
    expect(kind.shortNames).toEqual(fact.shortNames);
    expect(kind.categories).toEqual(fact.categories);
    expect(kind.columns.map(({ name, type, format, priority }) => [name, type, format ?? "", priority])).toEqual(fact.columns);
    const subresources = kind.subresources.map(({ name, verbs, gvk }) => [name, [...verbs], gvk?.kind ?? kind.kind]);
    expect(subresources).toEqual(fact.subresources);
    expect(definitionNamed(kind.schema)).toBeDefined();
  });

  test("no kind is served without a fact to hold it to", () => {
    const served = BUILT_IN_KINDS.map((kind) => `${apiVersionOf(kind)}/${kind.plural}`);
    expect(served.sort()).toEqual(reference.map((one) => `${apiVersionOf(one)}/${one.plural}`).sort());
  });
});

describe("KindTable", () => {
  test("finds a kind by path, by object and by resource", () => {
    const table = new KindTable();
    expect(table.byPlural("", "v1", "pods")?.kind).toBe("Pod");
    expect(table.byKind("apps", "v1", "Deployment")?.plural).toBe("deployments");
    expect(table.byApiVersion("apps/v1", "Deployment")?.plural).toBe("deployments");
    expect(table.byApiVersion("v1", "Pod")?.plural).toBe("pods");
    expect(table.byResource("deployments.apps")?.kind).toBe("Deployment");
    expect(table.byPlural("apps", "v1", "pods")).toBeUndefined();
    expect(table.byResource("nothings")).toBeUndefined();
  });

  test("grows and shrinks while it runs", () => {
    const table = new KindTable();
    const widget = { ...PodKind, group: "example.com", kind: "Widget", plural: "widgets" } as unknown as (typeof BUILT_IN_KINDS)[number];
    table.add(widget);
    expect(table.byApiVersion("example.com/v1", "Widget")).toBe(widget);
    expect(table.all()).toHaveLength(BUILT_IN_KINDS.length + 1);
    table.remove(widget);
    expect(table.byResource("widgets.example.com")).toBeUndefined();
    expect(table.all()).toHaveLength(BUILT_IN_KINDS.length);
  });
});

test("keys name resource, namespace and object", () => {
  expect(keyFor({ group: "", plural: "pods" }, "default", "web-1")).toBe("pods/default/web-1");
  expect(keyFor({ group: "apps", plural: "deployments" }, "default", "web")).toBe("deployments.apps/default/web");
  expect(keyFor({ group: "", plural: "nodes" }, undefined, "n1")).toBe("nodes/n1");
});

test("every kind prints a bare object and has a cell for each column", () => {
  for (const kind of BUILT_IN_KINDS) {
    const bare = { metadata: { name: "x" }, spec: {}, involvedObject: {} } as unknown as KubeObject;
    expect(kind.cells(bare, 0), kind.kind).toHaveLength(kind.columns.length);
  }
});
