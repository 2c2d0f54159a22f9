import type { Kind } from "./kind.ts";
import type { KubeObject } from "./object.ts";
import { ALL_VERBS } from "./verbs.ts";

/** What most kinds have alike. */
type Usual = "version" | "singular" | "shortNames" | "categories" | "verbs" | "subresources" | "schema" | "selectableFields";

export type KindFacts<T extends KubeObject> = Omit<Kind<T>, Usual> & Partial<Pick<Kind<T>, Usual>>;

/** A kind that says only what is special about it: version 1 of its API, all verbs, no other names, no subresources. */
export function defineKind<T extends KubeObject>(facts: KindFacts<T>): Kind<T> {
  const { group, kind, version = "v1" } = facts;
  return {
    version,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    verbs: ALL_VERBS,
    subresources: [],
    schema: `io.k8s.api.${group === "" ? "core" : group.split(".")[0]}.${version}.${kind}`,
    selectableFields: {},
    ...facts,
  };
}

/** The strategy of kinds whose status has a door of its own: a new object has none, and an update of the rest leaves it alone. */
export function statusApart<T extends KubeObject & { status?: unknown }>(
  empty: () => NonNullable<T["status"]>,
): Pick<Kind<T>, "prepareForCreate" | "prepareForUpdate"> {
  return {
    prepareForCreate: (object) => {
      object.status = empty();
    },
    prepareForUpdate: (next, current) => {
      next.status = current.status ?? empty();
    },
  };
}
