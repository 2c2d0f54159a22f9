import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { duplicateKeys } from "../../../../actors/kinds/machinery/duplicate-keys.ts";
import { goSyntaxError } from "../../../../actors/kinds/machinery/go-json.ts";
import { ShapeError, shape } from "../../../../actors/kinds/machinery/shape.ts";

const POD = "io.k8s.api.core.v1.Pod";
const NODE = "io.k8s.api.core.v1.Node";
const CONFIG_MAP = "io.k8s.api.core.v1.ConfigMap";
const DEPLOYMENT = "io.k8s.api.apps.v1.Deployment";

describe("wrong types are refused as Go's decoder does", () => {
  test.each([
    [CONFIG_MAP, { data: { a: 1 } }, "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"],
    [
      CONFIG_MAP,
      { metadata: { labels: { a: true } } },
      "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string",
    ],
    [
      DEPLOYMENT,
      { spec: { replicas: "3" } },
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      DEPLOYMENT,
      { spec: { replicas: 1.5 } },
      "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      POD,
      { spec: { containers: "x" } },
      "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
    ],
    [
      POD,
      { spec: { containers: [{ env: [{ value: 1 }] }] } },
      "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string",
    ],
    [
      POD,
      { spec: { restartPolicy: 1 } },
      "json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
    ],
    [POD, { spec: [] }, "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec"],
    ["io.k8s.api.core.v1.Secret", { data: { a: "***" } }, "illegal base64 data at input byte 0"],
    [
      POD,
      { metadata: { creationTimestamp: "yesterday" } },
      'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
    ],
  ])("%s %j", (schema, body, words) => {
    expect(() => shape(schema, body)).toThrow(new ShapeError(words));
  });
});

describe("bodies in shape", () => {
  test("unknown fields are dropped and named with their places", () => {
    const { object, unknown } = shape(POD, { nope: 1, spec: { containers: [{ name: "c", nope: { a: 1 } }], nope: 2 } });
    expect(unknown).toEqual(["nope", "spec.containers[0].nope", "spec.nope"]);
    expect(object).toEqual({ metadata: {}, spec: { containers: [{ name: "c", resources: {} }] }, status: {} });
  });

  test("nulls and empty values are dropped where Go drops them", () => {
    const { object } = shape(POD, { spec: { hostNetwork: false, nodeName: null, volumes: [], nodeSelector: {}, securityContext: {} } });
    expect(object.spec).toEqual({ securityContext: {} });
  });

  test("zero is a value where Go has a pointer", () => {
    expect(shape(DEPLOYMENT, { spec: { replicas: 0, paused: false } }).object.spec).toEqual({
      replicas: 0,
      strategy: {},
      template: { metadata: {}, spec: {} },
    });
  });

  test("what Go always prints is there", () => {
    expect(shape(NODE, {}).object).toMatchObject({
      spec: {},
      status: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: { osImage: "" } },
    });
    const conditions = [{ type: "Ready", status: "True" }];
    expect(shape(POD, { status: { conditions } }).object.status).toEqual({
      conditions: [{ type: "Ready", status: "True", lastProbeTime: null, lastTransitionTime: null }],
    });
  });

  test("quantities and times get their canonical form", () => {
    const { object } = shape(POD, {
      metadata: { creationTimestamp: "2026-01-01T02:00:00.5+02:00" },
      spec: { containers: [{ resources: { limits: { cpu: 0.5, memory: "1024Mi" } } }] },
    });
    expect(object.metadata).toEqual({ creationTimestamp: "2026-01-01T00:00:00Z" });
    expect(object.spec).toMatchObject({ containers: [{ resources: { limits: { cpu: "500m", memory: "1Gi" } } }] });
    const lease = shape("io.k8s.api.coordination.v1.Lease", { spec: { renewTime: "2026-01-01T00:00:00.1234567Z" } });
    expect(lease.object.spec).toEqual({ renewTime: "2026-01-01T00:00:00.123456Z" });
  });

  test("maps take null as their zero value", () => {
    expect(shape(CONFIG_MAP, { data: { a: null } }).object).toEqual({ metadata: {}, data: { a: "" } });
  });

  test("a definition that is not known lets everything through", () => {
    expect(shape("com.example.v1.Widget", { spec: { any: [null] } })).toEqual({ object: { spec: { any: [null] } }, unknown: [] });
  });
});

test("a schema keeps that others may be nothing, which Go holds by pointer", () => {
  const openAPIV3Schema = { type: "object", additionalProperties: false, items: {}, default: false };
  const body = { metadata: { name: "m" }, spec: { versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema } }] } };
  const { object } = shape("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition", structuredClone(body));
  expect(object).toMatchObject({ spec: { versions: [{ schema: { openAPIV3Schema } }] } });
});

describe("properties", () => {
  const known = fc.constantFrom(
    "metadata",
    "spec",
    "status",
    "containers",
    "name",
    "image",
    "labels",
    "env",
    "ports",
    "resources",
    "limits",
    "x",
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(known, tie("tree"), { maxKeys: 4 }),
    ),
  }));

  test("any body is shaped or refused, and a shape stays as it is", () => {
    fc.assert(
      fc.property(fc.dictionary(known, tree, { maxKeys: 4 }), (body) => {
        let first: unknown;
        try {
          first = shape(POD, structuredClone(body)).object;
        } catch (error) {
          expect(error).toBeInstanceOf(ShapeError);
          return;
        }
        const again = shape(POD, structuredClone(first));
        expect(again.object).toEqual(first);
        expect(again.unknown).toEqual([]);
      }),
    );
  });

  test("JSON.parse and the scanner agree on what is JSON", () => {
    const almost = fc
      .tuple(fc.json(), fc.nat(60), fc.constantFrom("", "{", "}", ",", '"', "x", ":"))
      .map(([text, at, junk]) => text.slice(0, at) + junk + text.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(fc.json(), almost), (text) => {
        let parses = true;
        try {
          JSON.parse(text);
        } catch {
          parses = false;
        }
        expect(goSyntaxError(text) === undefined).toBe(parses);
      }),
    );
  });
});

test.each([
  ["{nope", "invalid character 'n' looking for beginning of object key string"],
  ["", "unexpected end of JSON input"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
  ["[1 2]", "invalid character '2' after array element"],
  ["{} x", "invalid character 'x' after top-level value"],
  ["nulL", "invalid character 'L' in literal null (expecting 'l')"],
  ["01", "invalid character '1' after top-level value"],
])("%j: %s", (text, words) => {
  expect(goSyntaxError(text)).toBe(words);
});

test.each([
  ['{"a":1}', []],
  ['{"a":1,"a":2,"a":3}', ["a"]],
  ['{"data":{"a":"1","a":"2"}}', ["data.a"]],
  ['{"l":[{"x":1},{"x":1,"x":2}]}', ["l[1].x"]],
  ['{"a":"\\"a\\":","b":{"a":1},"b":1}', ["b"]],
  ['[{"\\u0061":1,"a":2}]', ["[0].a"]],
  ['{ "a":1, "a":1 }\n', ["a"]],
  ['{"b":1,"1":2}', []],
])("repeated keys of %s", (text, paths) => {
  expect(duplicateKeys(text, JSON.parse(text))).toEqual(paths);
});
