import { expect, test } from "vitest";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import type { ConfigMap } from "../../../actors/kinds/generated/types.ts";
import { KindTable } from "../../../actors/kinds/kinds.ts";
import { StatusError } from "../../../actors/kinds/status.ts";
import { checkBody } from "../../../actors/registry/check-body.ts";

const kinds = new KindTable();
const isKnown = (group: string, version: string, kind: string): boolean => kinds.byKind(group, version, kind) !== undefined;

/** As Kubernetes 1.34.9 answered. */
test.each([
  [
    "another kind",
    '{"apiVersion":"v1","kind":"Secret"}',
    'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
  ],
  [
    "another version",
    '{"apiVersion":"v2","kind":"ConfigMap"}',
    'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
  ],
  [
    "no JSON",
    "{nope",
    "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: invalid character 'n' looking for beginning of object key string ({nope)",
  ],
  [
    "a wrong type",
    '{"data":{"a":1}}',
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
  ],
  [
    "a repeated field",
    '{"data":{"a":"1","a":"2"}}',
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a"',
  ],
  [
    "an unknown field",
    '{"nope":1}',
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "nope"',
  ],
])("a body that is, or has, %s is refused", (_what, text, message) => {
  try {
    expect.fail(JSON.stringify(checkBody(ConfigMapKind, text, { isKnown, fieldValidation: "Strict" })));
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    expect(error.status).toMatchObject({ code: 400, reason: "BadRequest", message });
  }
});

test("by default what is unknown is said and left out", () => {
  const checked = checkBody<ConfigMap>(ConfigMapKind, '{"nope":1,"metadata":{"name":"d"},"data":{"a":"1","a":"2"}}');
  expect(checked).toEqual({
    object: { metadata: { name: "d" }, data: { a: "2" } },
    warnings: ['unknown field "nope"', 'duplicate field "data.a"'],
  });
});
