import type { Kind, Subresource } from "../../actors/kinds/kind.ts";
import type { KindTable } from "../../actors/kinds/kinds.ts";
import type { DiscoveredResource } from "./discovered-resource.ts";
import { VIRTUAL_RESOURCES } from "./discovered-resource.ts";
import type { ResourceRequest } from "./route.ts";

/** What a resource request meets in the table of kinds. */
export type Target =
  | { readonly target: "object"; readonly kind: Kind }
  | { readonly target: "subresource"; readonly kind: Kind; readonly subresource: Subresource }
  /** What is served but not stored: bindings (the old way to bind a pod), and reviews. */
  | { readonly target: "virtual"; readonly resource: DiscoveredResource }
  /** The group and version are not served at all: Kubernetes answers with a page, not a Status. */
  | { readonly target: "no-page" }
  | { readonly target: "no-resource" }
  | { readonly target: "no-method" };

const NO_RESOURCE: Target = { target: "no-resource" };
const NO_METHOD: Target = { target: "no-method" };

/** Finds what a request is about. Pure. */
export function targetOf(info: ResourceRequest, kinds: KindTable): Target {
  const { group, version, resource, subresource, verb } = info;
  const kind = kinds.byPlural(group, version, resource);
  if (kind === undefined) return withoutKind(info, kinds);
  if (!wellPlaced(info, kind)) return NO_RESOURCE;
  if (info.headOnly && kind.custom === undefined && subresource !== "proxy") return NO_METHOD;
  if (subresource !== "") {
    const found = kind.subresources.find(({ name }) => name === subresource);
    if (found === undefined || (info.rest !== "" && subresource !== "proxy")) return NO_RESOURCE;
    // What is asked of others by OPTIONS has no verb. Source: the proxyMethods of pkg/registry/core/pod/rest.
    const isTaken = found.verbs.some((known) => known === verb) || (subresource === "proxy" && info.optionsOnly);
    return isTaken ? { target: "subresource", kind, subresource: found } : NO_METHOD;
  }
  // Reading across all namespaces is all that a namespaced kind allows without one.
  if (kind.namespaced && info.namespace === "" && verb !== "list" && verb !== "watch") return NO_METHOD;
  if (info.named !== isOfOne(verb) && !(info.named && verb === "watch")) return NO_METHOD;
  return kind.verbs.some((known) => known === verb) ? { target: "object", kind } : NO_METHOD;
}

function isOfOne(verb: ResourceRequest["verb"]): boolean {
  return verb === "get" || verb === "update" || verb === "patch" || verb === "delete";
}

/** A path that names an object needs its namespace; a cluster-scoped kind is not found inside a namespace. */
function wellPlaced(info: ResourceRequest, kind: Kind): boolean {
  if (kind.namespaced) return info.namespace !== "" || !info.named;
  return info.namespace === "" || (kind.group === "" && kind.plural === "namespaces");
}

function withoutKind(info: ResourceRequest, kinds: KindTable): Target {
  const { group, version, resource, subresource, verb, named, namespace } = info;
  const virtual = VIRTUAL_RESOURCES.find((row) => row.group === group && row.version === version && row.plural === resource);
  if (virtual !== undefined && subresource === "" && virtual.namespaced === (namespace !== ""))
    return verb === "create" && !named ? { target: "virtual", resource: virtual } : NO_METHOD;
  const isKnown = (row: { readonly group: string; readonly version: string }): boolean => row.group === group && row.version === version;
  return kinds.all().some(isKnown) || VIRTUAL_RESOURCES.some(isKnown) ? NO_RESOURCE : { target: "no-page" };
}
