import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonPatch } from "../../../../actors/kinds/machinery/json-patch.ts";
import { mergePatch } from "../../../../actors/kinds/machinery/merge-patch.ts";
import { patchDocument } from "../../../../actors/kinds/machinery/patch.ts";
import { strategicMergePatch } from "../../../../actors/kinds/machinery/strategic-merge.ts";
import { StatusError } from "../../../../actors/kinds/status.ts";

const DEPLOYMENT = "io.k8s.api.apps.v1.Deployment";
const inPod = (spec: object): object => ({ spec: { template: { spec } } });

interface Case {
  readonly name: string;
  readonly before: object;
  readonly patch: object;
  readonly after: object;
}

const CONTAINERS = [
  { name: "c", image: "a", env: [{ name: "A", value: "1" }], ports: [{ containerPort: 80 }] },
  { name: "d", image: "b" },
];

const STRATEGIC: readonly Case[] = [
  {
    name: "items merge by their key, new ones go first",
    before: inPod({ containers: CONTAINERS }),
    patch: inPod({ containers: [{ name: "c", image: "z", env: [{ name: "B", value: "2" }] }] }),
    after: inPod({
      containers: [
        {
          ...CONTAINERS[0],
          image: "z",
          env: [
            { name: "B", value: "2" },
            { name: "A", value: "1" },
          ],
        },
        CONTAINERS[1] ?? {},
      ],
    }),
  },
  {
    name: "$patch: delete removes an item",
    before: inPod({ containers: CONTAINERS }),
    patch: inPod({ containers: [{ name: "d", $patch: "delete" }] }),
    after: inPod({ containers: [CONTAINERS[0]] }),
  },
  {
    name: "$patch: replace replaces a list",
    before: inPod({ containers: CONTAINERS }),
    patch: inPod({ containers: [{ name: "c", ports: [{ $patch: "replace" }, { containerPort: 81 }] }] }),
    after: inPod({ containers: [{ ...CONTAINERS[0], ports: [{ containerPort: 81 }] }, CONTAINERS[1]] }),
  },
  {
    name: "$patch: replace replaces a map",
    before: { metadata: { labels: { a: "1", b: "2" } } },
    patch: { metadata: { labels: { $patch: "replace", c: "3" } } },
    after: { metadata: { labels: { c: "3" } } },
  },
  {
    name: "$setElementOrder orders a list without changing its items",
    before: inPod({ containers: CONTAINERS }),
    patch: inPod({ "$setElementOrder/containers": [{ name: "d" }, { name: "c" }] }),
    after: inPod({ containers: [CONTAINERS[1], CONTAINERS[0]] }),
  },
  {
    name: "$setElementOrder leaves the server's own items where they were",
    before: inPod({ containers: [{ name: "a" }, { name: "injected" }, { name: "b" }] }),
    patch: inPod({ "$setElementOrder/containers": [{ name: "a" }, { name: "b" }, { name: "n" }], containers: [{ name: "n" }] }),
    after: inPod({ containers: [{ name: "a" }, { name: "injected" }, { name: "b" }, { name: "n" }] }),
  },
  {
    name: "$retainKeys clears what it does not name",
    before: { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } },
    patch: { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } },
    after: { spec: { strategy: { type: "Recreate" } } },
  },
  {
    name: "$deleteFromPrimitiveList takes scalars away, and lists of scalars unite",
    before: { metadata: { finalizers: ["a", "b"] } },
    patch: { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"], finalizers: ["c"] } },
    after: { metadata: { finalizers: ["c", "b"] } },
  },
  {
    name: "atomic lists are replaced",
    before: inPod({ tolerations: [{ key: "a" }] }),
    patch: inPod({ tolerations: [{ key: "b" }] }),
    after: inPod({ tolerations: [{ key: "b" }] }),
  },
  {
    name: "null removes, also inside what is new",
    before: { spec: { replicas: 3 } },
    patch: { spec: { replicas: null, strategy: { type: "Recreate", rollingUpdate: null } } },
    after: { spec: { strategy: { type: "Recreate" } } },
  },
];

describe("strategic merge", () => {
  test.each(STRATEGIC.map((one) => [one.name, one] as const))("%s", (_, { before, patch, after }) => {
    const [documentCopy, patchCopy] = [structuredClone(before), structuredClone(patch)];
    expect(strategicMergePatch(DEPLOYMENT, before, patch)).toEqual(after);
    expect(before).toEqual(documentCopy);
    expect(patch).toEqual(patchCopy);
  });

  test.each([
    [inPod({ $setElementOrder: 1 }), 500, "expected a []interface {}, but received a int64"],
    [inPod({ containers: [{ image: "x" }] }), 500, "map: map[image:x] does not contain declared merge key: name"],
    [{ spec: { $retainKeys: ["a"], replicas: 1 } }, 400, "invalid patch format of retainKeys"],
    [{ spec: { $patch: "odd" } }, 500, "unknown patch type: odd in map: map[$patch:odd]"],
  ])("%j is refused", (patch, code, message) => {
    expect(() => strategicMergePatch(DEPLOYMENT, inPod({ containers: CONTAINERS }), patch)).toThrow(
      expect.objectContaining({ code, message }),
    );
  });

  test("an empty patch changes nothing", () => {
    expect(strategicMergePatch(DEPLOYMENT, inPod({ containers: CONTAINERS }), {})).toEqual(inPod({ containers: CONTAINERS }));
  });
});

describe("merge patch (the cases of RFC 7386)", () => {
  test.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j with %j is %j", (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  test("no patch reaches the prototype", () => {
    const patched = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}')) as object;
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
    expect("polluted" in {}).toBe(false);
  });

  test("applying a patch twice is applying it once", () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (target, patch) => {
        const once = mergePatch(JSON.parse(target), JSON.parse(patch));
        expect(mergePatch(once, JSON.parse(patch))).toEqual(once);
      }),
    );
  });
});

describe("JSON patch", () => {
  const add = (path: string, value: unknown): object => ({ op: "add", path, value });
  test.each([
    [{ a: [1, 2] }, [add("/a/-", 3), add("/a/0", 0)], { a: [0, 1, 2, 3] }],
    [
      { a: 1 },
      [
        { op: "replace", path: "/a", value: 2 },
        { op: "test", path: "/a", value: 2 },
      ],
      { a: 2 },
    ],
    [{ a: { b: 1 } }, [{ op: "move", from: "/a/b", path: "/c" }], { a: {}, c: 1 }],
    [
      { a: [1] },
      [
        { op: "copy", from: "/a", path: "/b" },
        { op: "remove", path: "/a/0" },
      ],
      { a: [], b: [1] },
    ],
    [{ "a/b": { "c~d": 1 } }, [{ op: "replace", path: "/a~1b/c~0d", value: 2 }], { "a/b": { "c~d": 2 } }],
    [{ a: 1 }, [{ op: "replace", path: "", value: { b: 2 } }], { b: 2 }],
  ])("%j with %j is %j", (document, patch, result) => {
    const copy = structuredClone(document);
    expect(jsonPatch(document, patch)).toEqual(result);
    expect(document).toEqual(copy);
  });

  test("copies that double a document end where Kubernetes ends them", () => {
    const doubling = Array.from({ length: 60 }, (_none, index) => ({ op: "copy", from: "/a", path: `/a/x${index}` }));
    expect(() => jsonPatch({ a: { b: "c" } }, doubling)).toThrow(
      /^Unable to complete the copy, the accumulated size .* exceeding the limit 3145728$/,
    );
  });

  test("operations put nothing so deep into one another that it could not be printed", () => {
    const nested = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`);
    const deep = Array.from({ length: 30 }, (_none, index) => ({ op: "add", path: `/z${"/a".repeat(900 * index)}`, value: nested(900) }));
    expect(() => jsonPatch({}, deep)).toThrow("exceeded max depth");
    expect(() => jsonPatch({}, deep.slice(0, 1))).not.toThrow();
    const growing = Array.from({ length: 40 }, () => ({ op: "copy", from: "/z", path: `/z${"/a".repeat(899)}` }));
    expect(() => jsonPatch({ z: nested(900) }, growing)).toThrow("exceeded max depth");
  });

  test.each([
    [[{ op: "test", path: "/a", value: 2 }]],
    [[{ op: "remove", path: "/z" }]],
    [[{ op: "replace", path: "/z", value: 1 }]],
    [[{ op: "add", path: "/l/9", value: 1 }]],
    [[{ op: "add", path: "/l/01", value: 1 }]],
    [[{ op: "move", from: "/o", path: "/o/x" }]],
    [[{ op: "add", path: "a", value: 1 }]],
    [[{ op: "odd", path: "/a" }]],
    [[{ op: "add", path: "/toString/x", value: 1 }]],
  ])("%j does not fit", (patch) => {
    expect(() => jsonPatch({ a: 1, l: [], o: {} }, patch)).toThrow(expect.objectContaining({ code: 422 }));
  });

  test("what is no operation", () => {
    expect(() => jsonPatch({}, [null])).toThrow(expect.objectContaining({ code: 422 }));
    expect(() => jsonPatch({}, ["add"])).toThrow(
      expect.objectContaining({
        code: 400,
        message: "error decoding patch: json: cannot unmarshal string into Go value of type jsonpatch.Operation",
      }),
    );
  });
});

describe("refusals as clients see them", () => {
  test.each([
    [{ type: "json", body: [{ op: "remove", path: "/z" }] }, 422, "the server rejected our request due to an error in our request"],
    [{ type: "json", body: {} }, 400, "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch"],
    [{ type: "strategic", body: inPod({ $setElementOrder: 1 }) }, 500, "expected a []interface {}, but received a int64"],
    [{ type: "merge", body: [] }, 400, "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"],
  ] as const)("%j", (patch, code, message) => {
    let error: unknown;
    try {
      patchDocument(DEPLOYMENT, inPod({}), patch);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(StatusError);
    expect((error as StatusError).status).toMatchObject({ code, message });
  });
});
