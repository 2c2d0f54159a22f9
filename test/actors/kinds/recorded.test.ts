/** What Kubernetes 1.34.9 answered, held against the kinds alone: shape, defaults, preparation, validation, cells. */
import { describe, expect, test } from "vitest";
import { invalid } from "../../../actors/kinds/errors.ts";
import type { Cell, Kind } from "../../../actors/kinds/kind.ts";
import { apiVersionOf } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS, KindTable } from "../../../actors/kinds/kinds.ts";
import { readObjectBody } from "../../../actors/kinds/machinery/body.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { errorsInNew } from "../../../actors/kinds/object-rules.ts";
import type { Status } from "../../../actors/kinds/status.ts";
import { StatusError } from "../../../actors/kinds/status.ts";
import recorded from "./recorded.json" with { type: "json" };

const table = new KindTable();

function kindOf(resource: string): Kind {
  const kind = BUILT_IN_KINDS.find((one) => one.plural === resource);
  if (kind === undefined) throw new Error(`no kind of ${resource}`);
  return kind;
}

/** What a server does with a new object, but for admission. */
function create(kind: Kind, body: string): KubeObject {
  const { object } = readObjectBody<KubeObject>(
    kind,
    body,
    "Warn",
    (apiVersion, name) => table.byApiVersion(apiVersion, name) !== undefined,
  );
  if (kind.namespaced) Object.assign(object.metadata, { namespace: "ns" });
  // Jobs select their pods by it.
  Object.assign(object.metadata, { uid: "u" });
  kind.applyDefaults?.(object);
  kind.prepareForCreate?.(object, { now_ms: 0 });
  const errors = errorsInNew(kind, object);
  if (errors.length > 0) throw invalid(kind, object.metadata.name ?? "", errors);
  const { uid: _uid, ...metadata } = object.metadata;
  return { ...object, metadata, kind: kind.kind, apiVersion: apiVersionOf(kind) } as KubeObject;
}

describe("objects as created", () => {
  test.each(recorded.created.map((one) => [`${one.name} ${one.resource}`, one] as const))("%s", (_, { resource, body, object }) => {
    expect(JSON.parse(JSON.stringify(create(kindOf(resource), body)))).toEqual(object);
  });
});

describe("objects as refused", () => {
  test.each(recorded.refused.map((one) => [one.name, one] as const))("%s", (_, { resource, body, status }) => {
    let answer: Status | undefined;
    try {
      create(kindOf(resource), body);
    } catch (error) {
      answer = error instanceof StatusError ? error.status : undefined;
    }
    expect(answer).toEqual(status);
  });
});

describe("rows as printed", () => {
  // Every object was printed within its first second.
  const born = "2026-01-01T00:00:00Z";
  test.each(recorded.cells.map((one) => [one.resource, one] as const))("%s", (_, { resource, object, cells }) => {
    const kind = kindOf(resource);
    const stored = { ...object, metadata: { ...object.metadata, creationTimestamp: born } } as unknown as KubeObject;
    const printed: readonly Cell[] = kind.cells(stored, Date.parse(born));
    const allocated = resource === "services" ? cells.map((cell) => (/^10\.|^<ip>$/.test(String(cell)) ? "<none>" : cell)) : cells;
    const timed = allocated.map((cell) => (cell === "<time>" ? born : cell));
    expect(printed).toEqual(timed);
  });
});
