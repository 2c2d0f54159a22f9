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

/** A question that is asked by creating it, and answered in its status. */
function review(group: string, kind: string, namespaced = false): DiscoveredResource {
  const singular = kind.toLowerCase();
  const none = { shortNames: [], categories: [], subresources: [] };
  return { group, version: "v1", plural: `${singular}s`, singular, kind, namespaced, verbs: ["create"], ...none, stored: undefined };
}

/** Resources that are served but not stored, so no kind in the table stands behind them. */
export const VIRTUAL_RESOURCES: readonly DiscoveredResource[] = [
  review("authentication.k8s.io", "SelfSubjectReview"),
  review("authentication.k8s.io", "TokenReview"),
  review("authorization.k8s.io", "LocalSubjectAccessReview", true),
  review("authorization.k8s.io", "SelfSubjectAccessReview"),
  review("authorization.k8s.io", "SelfSubjectRulesReview"),
  review("authorization.k8s.io", "SubjectAccessReview"),
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
