import type { Kind, Subresource, Verb } from "../../actors/kinds/kind.ts";

/** One row of discovery: a resource, whether a kind stands behind it or not. */
export interface DiscoveredResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly Subresource[];
  /** Custom resources are listed in an order of their own. */
  readonly custom?: object;
  /** The version in which its objects are stored; undefined when they are not. */
  readonly stored: Pick<Kind, "group" | "version" | "kind"> | undefined;
}

/** Resources that are served but not stored, so no kind in the table stands behind them. */
export const VIRTUAL_RESOURCES: readonly DiscoveredResource[] = [
  {
    group: "",
    version: "v1",
    plural: "bindings",
    singular: "binding",
    kind: "Binding",
    namespaced: true,
    verbs: ["create"],
    shortNames: [],
    categories: [],
    subresources: [],
    stored: undefined,
  },
];
