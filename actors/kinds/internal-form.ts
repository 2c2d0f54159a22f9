/**
 * Objects as Kubernetes prints its internal types: all fields, under the names and in the order of the Go structs. Refusals of an update
 * show two of them side by side. `generate.ts` wrote the table.
 */

import table from "./generated/internal.json" with { type: "json" };
import type { PodSpec } from "./generated/types.ts";
import { unifiedDiff } from "./machinery/unified-diff.ts";

/**
 * One field: its name; the field, or the path of fields, of the versioned object that it comes from; what is printed when nobody set it (`omitted`: nothing);
 * and the definition of what is in it, where that is a struct, or a list or map of them.
 */
export type InternalField = readonly [name: string, source: string, zero: string | number | boolean | null, definition?: string];

const TABLE = table as unknown as Readonly<Record<string, readonly InternalField[]>>;

type Fields = Readonly<Record<string, unknown>>;

function sorted(map: object): object {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function fieldForm(value: unknown, zero: InternalField[2], definition: string | undefined): unknown {
  if (definition === undefined) {
    if (value === undefined || value === null) return zero;
    return typeof value === "object" && !Array.isArray(value) ? sorted(value) : value;
  }
  if (value === undefined && zero === null) return null;
  return internalForm(definition, value ?? {});
}

function valueAt(value: Fields, path: string): unknown {
  const dot = path.indexOf(".");
  if (dot < 0) return value[path];
  return valueAt((value[path.slice(0, dot)] ?? {}) as Fields, path.slice(dot + 1));
}

/** What Go's `omitempty` leaves out. */
function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === "" || value === 0 || value === false;
}

/** What concerns the node's own namespaces stands in the security context of the internal type. */
function withNamespaces(spec: Partial<PodSpec>): object {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = spec;
  return { ...spec, securityContext: { ...spec.securityContext, hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } };
}

/** An object, or a list of objects, of this definition. */
export function internalForm(definition: string, value: object): object {
  if (Array.isArray(value)) return value.map((item: object) => internalForm(definition, item));
  const object = (definition === "PodSpec" ? withNamespaces(value) : value) as Fields;
  const printed: Record<string, unknown> = {};
  for (const [name, source, zero, inner] of TABLE[definition] ?? []) {
    const given = valueAt(object, source);
    if (zero !== "omitted") printed[name] = fieldForm(given, zero, inner);
    else if (!isEmpty(given)) printed[name] = fieldForm(given, null, inner);
  }
  return printed;
}

/** As encoding/json prints what has characters that matter in HTML. */
function printGo(value: unknown): string {
  return JSON.stringify(value, null, 1).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What of a definition's objects, or lists of objects, is not the same any more. Source: k8s.io/apimachinery/pkg/util/diff. */
export function internalDiff(definition: string, current: object, next: object): string {
  const print = (value: object): string => printGo(internalForm(definition, value));
  return unifiedDiff(print(current), print(next));
}
