import { expect, test } from "vitest";
import { BUILT_IN_KINDS } from "../../../../actors/kinds/kinds.ts";
import { openApiV2 } from "../../../../actors/kinds/machinery/openapi.ts";
import { encodeOpenApiV2 } from "../../../../actors/kinds/protobuf/openapi-v2.ts";
import { DELIMITED, FIXED64, WireReader } from "../../../../actors/kinds/protobuf/wire-reader.ts";

/** A message as its fields by number, in order; what has a length stays bytes. */
function fieldsOf(bytes: Buffer): readonly (readonly [number: number, value: Buffer | number])[] {
  const reader = new WireReader(bytes);
  const fields: [number, Buffer | number][] = [];
  while (!reader.done) {
    const number = reader.tag("test");
    fields.push([number, reader.wireType === DELIMITED ? reader.bytes() : reader.wireType === FIXED64 ? reader.double() : reader.int64()]);
  }
  return fields;
}
/** The values of a field, which must be messages or texts. */
const all = (bytes: Buffer, number: number): Buffer[] =>
  fieldsOf(bytes)
    .filter(([at]) => at === number)
    .map(([, value]) => value as Buffer);
const at = (bytes: Buffer, ...path: number[]): Buffer => path.reduce((inside, number) => all(inside, number)[0] ?? Buffer.alloc(0), bytes);
/** The value under a name in a list of gnostic's named values. */
const named = (list: readonly Buffer[], name: string): Buffer => {
  const found = list.find((one) => String(at(one, 1)) === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return at(found, 2);
};

const document = openApiV2(BUILT_IN_KINDS) as { readonly paths: object; readonly definitions: object };
const bytes = encodeOpenApiV2(document);
const definitions = all(at(bytes, 9), 1);
const paths = all(at(bytes, 8), 2);

test("every path and definition is there, in the order of the document", () => {
  expect(String(at(bytes, 1))).toBe("2.0");
  expect(definitions.map((one) => String(at(one, 1)))).toEqual(Object.keys(document.definitions));
  expect(paths.map((one) => String(at(one, 1)))).toEqual(Object.keys(document.paths));
});

test("a schema: type, required, properties, references, lists, maps and extensions", () => {
  const deployment = named(definitions, "io.k8s.api.apps.v1.DeploymentSpec");
  expect(String(at(deployment, 22, 1))).toBe("object");
  expect(all(deployment, 19).map(String)).toEqual(["selector", "template"]);
  const properties = all(at(deployment, 25), 1);
  expect(String(at(named(properties, "replicas"), 2))).toBe("int32");
  expect(String(at(named(properties, "selector"), 1))).toBe("#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector");
  const pod = all(at(named(definitions, "io.k8s.api.core.v1.PodSpec"), 25), 1);
  const containers = named(pod, "containers");
  expect(String(at(containers, 23, 1, 1))).toBe("#/definitions/io.k8s.api.core.v1.Container");
  expect(String(at(named(all(containers, 31), "x-kubernetes-patch-merge-key"), 2))).toBe('"name"\n');
  expect(String(at(named(pod, "nodeSelector"), 21, 1, 22, 1))).toBe("string");
});

test("an operation: parameters by where they stand, answers, the kind it is about", () => {
  const item = named(paths, "/apis/apps/v1/namespaces/{namespace}/deployments");
  const create = at(item, 4);
  expect(String(at(create, 5))).toBe("postApisAppsV1NamespacesNamespaceDeployments");
  const parameters = all(create, 8);
  // parameter / body parameter / schema / reference; parameter / other parameter / in the path or query / name.
  expect(String(at(parameters.at(-1) ?? Buffer.alloc(0), 1, 1, 5, 1))).toBe("#/definitions/io.k8s.api.apps.v1.Deployment");
  expect(parameters.map((one) => String(at(one, 1, 2, 4, 4))).filter(Boolean)).toEqual(["namespace"]);
  expect(parameters.map((one) => String(at(one, 1, 2, 3, 4))).filter(Boolean)).toEqual([
    "pretty",
    "dryRun",
    "fieldManager",
    "fieldValidation",
  ]);
  expect(String(at(named(all(at(create, 9), 1), "200"), 1, 2, 1, 1))).toBe("#/definitions/io.k8s.api.apps.v1.Deployment");
  expect(JSON.parse(String(at(named(all(create, 13), "x-kubernetes-group-version-kind"), 2)))).toEqual({
    group: "apps",
    kind: "Deployment",
    version: "v1",
  });
});

test("defaults, bounds and choices of custom resources", () => {
  const schema = {
    type: "object",
    properties: { stars: { type: "integer", minimum: 0, maximum: 5, default: 3, enum: [1, 3] } },
    additionalProperties: false,
  };
  const encoded = encodeOpenApiV2({ definitions: { thing: schema } });
  const thing = named(all(at(encoded, 9), 1), "thing");
  expect(fieldsOf(at(thing, 21))).toEqual([[2, 0]]);
  const stars = fieldsOf(named(all(at(thing, 25), 1), "stars"));
  expect(stars.find(([number]) => number === 7)).toEqual([7, 5]);
  expect(stars.filter(([number]) => number === 20).map(([, value]) => String(at(value as Buffer, 2)))).toEqual(["1\n", "3\n"]);
});
