import type { Kind } from "../../actors/mod.ts";

type Resource = Pick<Kind, "group" | "version" | "plural">;

/** Of all objects of a kind, everywhere or in one namespace. */
export function collectionPath({ group, version, plural }: Resource, namespace?: string): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespace === undefined || namespace === "" ? "" : `/namespaces/${namespace}`}/${plural}`;
}

/** Of one object, or of a part of it. */
export function objectPath(kind: Resource, namespace: string | undefined, name: string, subresource?: string): string {
  return `${collectionPath(kind, namespace)}/${name}${subresource === undefined ? "" : `/${subresource}`}`;
}
