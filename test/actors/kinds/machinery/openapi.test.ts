import { describe, expect, test } from "vitest";
import { apiVersionOf } from "../../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS } from "../../../../actors/kinds/kinds.ts";
import { openApiV2, openApiV3 } from "../../../../actors/kinds/machinery/openapi.ts";

interface Document {
  readonly paths: Record<string, Record<string, Record<string, unknown>>>;
  readonly components: { readonly schemas: Record<string, Record<string, unknown>> };
  readonly definitions: Record<string, unknown>;
}

const groups = [...new Set(BUILT_IN_KINDS.map((kind) => `${kind.group}|${kind.version}`))];

describe.each(groups)("version 3 of %s", (pair) => {
  const [group = "", version = ""] = pair.split("|");
  const document = openApiV3(BUILT_IN_KINDS, group, version) as Document;

  test("every reference leads somewhere", () => {
    for (const [, name = ""] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(document.components.schemas, name).toHaveProperty([name]);
    }
  });

  test("every kind is found by its schema and by its paths", () => {
    const patchable = BUILT_IN_KINDS.filter((one) => one.verbs.includes("patch"));
    for (const kind of patchable.filter((one) => one.group === group && one.version === version)) {
      const gvk = { group, version, kind: kind.kind };
      expect(document.components.schemas[kind.schema]?.["x-kubernetes-group-version-kind"]).toEqual([gvk]);
      const base = group === "" ? "/api" : "/apis";
      const item = `${base}/${apiVersionOf(kind)}/${kind.namespaced ? "namespaces/{namespace}/" : ""}${kind.plural}/{name}`;
      expect(document.paths[item]?.patch).toMatchObject({ "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": gvk });
      const parameters = (document.paths[item]?.patch?.parameters ?? []) as readonly { readonly name: string }[];
      const names = parameters.map((parameter) => parameter.name);
      expect(names).toContain("fieldValidation");
      expect(names).toContain("dryRun");
    }
  });
});

test("fields are described as Kubernetes describes them, objects too, with the values that they may have", () => {
  const { components } = openApiV3(BUILT_IN_KINDS, "", "v1") as Document;
  const fieldOf = (definition: string, field: string): unknown =>
    (components.schemas[`io.k8s.api.core.v1.${definition}`]?.properties as Record<string, unknown> | undefined)?.[field];
  expect(fieldOf("PersistentVolume", "spec")).toEqual({
    allOf: [{ $ref: "#/components/schemas/io.k8s.api.core.v1.PersistentVolumeSpec" }],
    description:
      "spec defines a specification of a persistent volume owned by the cluster. Provisioned by an administrator. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#persistent-volumes",
  });
  expect(fieldOf("ServicePort", "protocol")).toMatchObject({
    type: "string",
    enum: ["SCTP", "TCP", "UDP"],
    description: expect.stringContaining(
      'Default is TCP.\n\nPossible enum values:\n - `"SCTP"` is the SCTP protocol.\n - `"TCP"` is the TCP protocol.\n - `"UDP"` is the UDP protocol.',
    ),
  });
  expect(fieldOf("PersistentVolumeClaimSpec", "accessModes")).toMatchObject({
    type: "array",
    items: { type: "string", enum: ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"] },
  });
});

test("lists carry what strategic merge and apply need", () => {
  const { components } = openApiV3(BUILT_IN_KINDS, "", "v1") as Document;
  const properties = components.schemas["io.k8s.api.core.v1.PodSpec"]?.properties as Record<string, Record<string, unknown>>;
  expect(properties.containers).toMatchObject({
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "x-kubernetes-patch-merge-key": "name",
    "x-kubernetes-patch-strategy": "merge",
  });
  expect(properties.volumes?.["x-kubernetes-patch-strategy"]).toBe("merge,retainKeys");
  expect(properties.containers?.description).toMatch(/^List of containers belonging to the pod/);
});

test("version 2 has everything in one", () => {
  const document = openApiV2(BUILT_IN_KINDS) as Document;
  for (const kind of BUILT_IN_KINDS) expect(document.definitions).toHaveProperty([kind.schema]);
  for (const [, name = ""] of JSON.stringify(document).matchAll(/"#\/definitions\/([^"]+)"/g)) {
    expect(document.definitions, name).toHaveProperty([name]);
  }
});

test("a custom resource has a schema that takes anything", () => {
  const [kind] = BUILT_IN_KINDS;
  if (kind === undefined) throw new Error("no kinds");
  const widget = { ...kind, group: "example.com", kind: "Widget", plural: "widgets", schema: "com.example.v1.Widget" };
  const { components } = openApiV3([widget], "example.com", "v1") as Document;
  expect(components.schemas["com.example.v1.Widget"]).toMatchObject({ type: "object", "x-kubernetes-preserve-unknown-fields": true });
});
