import { expect, test } from "vitest";
import { mergedSwagger } from "../../../cluster/gateway/merged-openapi.ts";

const reference = (name: string): object => ({ schema: { $ref: `#/definitions/${name}` } });

test("of two for one path the first counts; definitions are renamed where they differ, and shared where they do not", () => {
  const own = { swagger: "2.0", paths: { "/apis/a/v1/x": reference("X") }, definitions: { X: { type: "string" }, Same: { a: 1 } } };
  const one = {
    paths: { "/apis/a/v1/x": reference("Y"), "/apis/b/v1/y": [reference("X"), reference("Same")] },
    definitions: { X: reference("Z"), Y: {}, Z: { type: "object" }, Same: { a: 1, "x-kubernetes-group-version-kind": [] } },
  };
  const two = { paths: { "/apis/c/v1/z": reference("X") }, definitions: { X: { type: "integer" } } };
  expect(mergedSwagger(own, [one, two])).toEqual({
    swagger: "2.0",
    paths: {
      "/apis/a/v1/x": reference("X"),
      "/apis/b/v1/y": [reference("X_v2"), reference("Same")],
      "/apis/c/v1/z": reference("X_v3"),
    },
    definitions: {
      X: { type: "string" },
      Same: { a: 1, "x-kubernetes-group-version-kind": [] },
      X_v2: reference("Z"),
      Z: { type: "object" },
      X_v3: { type: "integer" },
    },
  });
});

test("odd documents break nothing", () => {
  const odd = JSON.parse(
    '{"paths":{"/apis/a/v1/x":{"$ref":"#/definitions/__proto__"},"/apis/__proto__":null},"definitions":{"__proto__":{"a":1}}}',
  );
  const { definitions, paths } = mergedSwagger({}, [odd, {}]);
  expect(Object.hasOwn(definitions ?? {}, "__proto__")).toBe(true);
  expect(Object.keys(paths ?? {})).toHaveLength(2);
});
