import { describe, expect, test } from "vitest";
import { DeploymentKind } from "../../../../actors/kinds/apps/deployment.ts";
import { readPatched } from "../../../../actors/kinds/machinery/body.ts";
import { StatusError } from "../../../../actors/kinds/status.ts";

const DOCUMENT = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec: { replicas: 1 } };

/** What a refused patch of the spec says; the warnings of one that is not. */
function outcome(spec: object, validation: "Warn" | "Strict" = "Warn", strategic = true): string | readonly string[] {
  const body = { spec };
  const patched = { ...DOCUMENT, spec: { ...DOCUMENT.spec, ...spec } };
  try {
    return readPatched(DeploymentKind, patched, validation, strategic ? body : undefined).warnings;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return error.status.details?.causes?.[0]?.message ?? "";
  }
}

describe("a strategic merge patch that does not fit is shown as Go prints it", () => {
  test.each<[spec: object, words: string]>([
    [{ replicas: "x" }, 'map[spec:map[replicas:x]]": unrecognized type: int32'],
    [{ replicas: 1.5 }, 'map[spec:map[replicas:1.5]]": cannot convert float64 to int32'],
    [{ paused: 1 }, 'map[spec:map[paused:1]]": unrecognized type: bool'],
    [{ strategy: "x" }, 'map[spec:map[strategy:x]]": cannot restore struct from: string'],
    [{ strategy: { type: 1 } }, 'map[spec:map[strategy:map[type:1]]]": cannot convert int64 to v1.DeploymentStrategyType'],
    [{ selector: { matchLabels: [1] } }, 'map[spec:map[selector:map[matchLabels:[1]]]]": cannot restore map from slice'],
    [{ selector: { matchExpressions: {} } }, 'map[spec:map[selector:map[matchExpressions:map[]]]]": cannot restore slice from map'],
  ])("%j", (spec, words) => {
    expect(outcome(spec)).toBe(`Invalid value: "${words}`);
  });
});

test("unknown fields are warned of, or refused", () => {
  expect(outcome({ nope: 1 })).toEqual(['unknown field "spec.nope"']);
  expect(outcome({ nope: 1 }, "Strict")).toBe('Invalid value: "map[spec:map[nope:1]]": strict decoding error: unknown field "spec.nope"');
  expect(outcome({ replicas: "x" }, "Warn", false)).toMatch(/^Invalid value: "\{.*cannot unmarshal string into Go struct field/);
});
