import type { Api } from "../api.ts";

/** A kind of objects that the API serves, as discovery has it. */
export interface ResourceType {
  /** As kubectl names it: `pods`, `deployments.apps`. */
  readonly id: string;
  readonly group: string;
  /** The version that the server prefers. */
  readonly version: string;
  /** The plural, as in paths. */
  readonly resource: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  readonly verbs: ReadonlySet<string>;
  readonly subresources: ReadonlySet<string>;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

interface DiscoveredResource {
  readonly resource: string;
  readonly responseKind: { readonly kind: string };
  readonly scope: "Namespaced" | "Cluster";
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly { readonly subresource: string }[];
}

interface DiscoveredGroups {
  readonly items: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions: readonly { readonly version: string; readonly resources: readonly DiscoveredResource[] }[];
  }[];
}

const ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const known = new WeakMap<Api, Promise<readonly ResourceType[]>>();

/** All kinds that there are, by aggregated discovery. Asked once for the page; `fresh`: asked now, as kinds may have come since. */
export function resourceTypes(api: Api, fresh = false): Promise<readonly ResourceType[]> {
  let types = known.get(api);
  if (types === undefined || fresh) {
    types = discover(api);
    known.set(api, types);
    types.catch(() => known.delete(api));
  }
  return types;
}

/** The kind that is named so, `deployments.apps`; undefined where there is none, even when asked anew. */
export async function resourceType(api: Api, id: string): Promise<ResourceType | undefined> {
  const named = (type: ResourceType): boolean => type.id === id;
  return (await resourceTypes(api)).find(named) ?? (await resourceTypes(api, true)).find(named);
}

/** The kind of an object, by what it says of itself. */
export async function resourceTypeOf(api: Api, apiVersion: string, kind: string): Promise<ResourceType | undefined> {
  const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
  const named = (type: ResourceType): boolean => type.group === group && type.kind === kind;
  return (await resourceTypes(api)).find(named) ?? (await resourceTypes(api, true)).find(named);
}

async function discover(api: Api): Promise<readonly ResourceType[]> {
  const documents = await Promise.all(["/api", "/apis"].map((path) => api.get<DiscoveredGroups>(path, { accept: ACCEPT })));
  return documents.flatMap(({ items }) => items.flatMap(({ metadata, versions }) => typesOf(metadata.name ?? "", versions)));
}

/** Versions come in the order in which the server prefers them. */
function typesOf(group: string, versions: DiscoveredGroups["items"][number]["versions"]): readonly ResourceType[] {
  const types = new Map<string, ResourceType>();
  for (const { version, resources } of versions) {
    for (const { resource, responseKind, scope, verbs, shortNames = [], categories = [], subresources = [] } of resources) {
      if (types.has(resource)) continue;
      types.set(resource, {
        id: group === "" ? resource : `${resource}.${group}`,
        group,
        version,
        resource,
        kind: responseKind.kind,
        isNamespaced: scope === "Namespaced",
        verbs: new Set(verbs),
        subresources: new Set(subresources.map(({ subresource }) => subresource)),
        shortNames,
        categories,
      });
    }
  }
  return [...types.values()];
}

/** Where the API has objects of a kind: in one namespace, or everywhere. */
export function collectionPath({ group, version, resource }: ResourceType, namespace?: string): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === undefined || namespace === ""
    ? `${root}/${resource}`
    : `${root}/namespaces/${encodeURIComponent(namespace)}/${resource}`;
}

/** Where the API has one object. */
export function objectPath(type: ResourceType, namespace: string | undefined, name: string): string {
  return `${collectionPath(type, namespace)}/${encodeURIComponent(name)}`;
}

/** A list of one object, or of none: to look for what may not be there is no mistake then. */
export function soleObjectPath(type: ResourceType, namespace: string | undefined, name: string): string {
  return `${collectionPath(type, namespace)}?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
}

/** Kinds whose objects have a view of their own. */
const OWN_VIEWS: Readonly<Record<string, string>> = { pods: "/pods", nodes: "/nodes" };

/** Where the console lists objects of a kind. */
export function listAddress(id: string): string {
  return OWN_VIEWS[id] ?? `/objects/${id}`;
}

/** Where the console shows an object. */
export function objectAddress(id: string, namespace: string | undefined, name: string): string {
  const place = namespace === undefined || namespace === "" ? "" : `/${encodeURIComponent(namespace)}`;
  return `${listAddress(id)}${place}/${encodeURIComponent(name)}`;
}
