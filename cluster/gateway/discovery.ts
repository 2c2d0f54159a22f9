import { createHash } from "node:crypto";
import type { Kind, Subresource } from "../../actors/kinds/kind.ts";
import { apiVersionOf } from "../../actors/kinds/kind.ts";
import type { DiscoveredResource } from "./discovered-resource.ts";
import { VIRTUAL_RESOURCES } from "./discovered-resource.ts";

/**
 * The discovery documents, derived from the kinds: what clients read first to learn what there is. Source: the API concepts page, "API
 * Discovery", and the documents of Kubernetes 1.34 themselves.
 */

/** Kubernetes' order of its groups, by which kubectl resolves a name that several groups have. Others follow by name. */
const GROUP_ORDER = [
  "",
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "resource.k8s.io",
  "flowcontrol.apiserver.k8s.io",
];

const STORAGE_HASH_BYTES = 8;

export interface DiscoveredVersion {
  readonly version: string;
  /** By plural. */
  readonly resources: readonly DiscoveredResource[];
}

export interface DiscoveredGroup {
  /** Empty for the core group. */
  readonly group: string;
  /** The preferred one first. */
  readonly versions: readonly DiscoveredVersion[];
}

/** Groups, versions and resources in the order in which documents list them. */
export function discover(kinds: readonly Kind[], remote: readonly DiscoveredResource[] = []): readonly DiscoveredGroup[] {
  const groups = new Map<string, Map<string, DiscoveredResource[]>>();
  const rows = [...kinds.map(discovered), ...VIRTUAL_RESOURCES, ...remote];
  for (const row of rows) {
    const versions = groups.get(row.group) ?? new Map<string, DiscoveredResource[]>();
    groups.set(row.group, versions);
    const resources = versions.get(row.version);
    if (resources === undefined) versions.set(row.version, [row]);
    else resources.push(row);
  }
  return [...groups]
    .sort(([a], [b]) => groupRank(a) - groupRank(b) || compare(a, b))
    .map(([group, versions]) => ({
      group,
      versions: [...versions]
        .sort(([a], [b]) => compareVersions(a, b))
        .map(([version, resources]) => ({ version, resources: resources.sort((a, b) => compare(a.plural, b.plural)) })),
    }));
}

/** What nobody can create is made up when asked for. */
function discovered(kind: Kind): DiscoveredResource {
  return { ...kind, stored: kind.verbs.includes("create") ? (kind.stored?.kind ?? kind) : undefined };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function groupRank(group: string): number {
  const at = GROUP_ORDER.indexOf(group);
  return at < 0 ? GROUP_ORDER.length : at;
}

const VERSION = /^v([0-9]+)(?:(alpha|beta)([0-9]+))?$/;
const STABILITY: Readonly<Record<string, number>> = { stable: 0, beta: 1, alpha: 2 };

/** Stable before beta before alpha, newer before older. Source: apimachinery's version.CompareKubeAwareVersionStrings. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [VERSION.exec(a), VERSION.exec(b)];
  if (left === null || right === null) return left === right ? compare(a, b) : left === null ? 1 : -1;
  const stability = (STABILITY[left[2] ?? "stable"] ?? 0) - (STABILITY[right[2] ?? "stable"] ?? 0);
  return stability || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0);
}

/** `GET /api`. */
export function coreVersions(serverAddress: string): object {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }] };
}

/** `GET /apis`. */
export function groupList(groups: readonly DiscoveredGroup[]): object {
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.filter(({ group }) => group !== "").map(groupEntry) };
}

/** `GET /apis/<group>`. */
export function groupDocument(group: DiscoveredGroup): object {
  return { kind: "APIGroup", apiVersion: "v1", ...groupEntry(group) };
}

function groupEntry({ group, versions }: DiscoveredGroup): object {
  const entries = versions.map(({ version }) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
}

/** `GET /api/v1` and `GET /apis/<group>/<version>`. */
export function resourceList(group: string, { version, resources }: DiscoveredVersion): object {
  const head = group === "" ? {} : { apiVersion: "v1" };
  const rowsOf = (resource: DiscoveredResource): ResourceRow[] => [
    resourceRow(resource),
    ...resource.subresources.map((sub) => subresourceRow(resource, sub)),
  ];
  const rows = resources.flatMap(rowsOf);
  if (resources.every(({ custom }) => custom === undefined)) rows.sort((a, b) => compare(a.name, b.name));
  return { kind: "APIResourceList", ...head, groupVersion: apiVersionOf({ group, version }), resources: rows };
}

/** A metav1.APIResource. */
interface ResourceRow {
  readonly name: string;
  readonly [field: string]: unknown;
}

function resourceRow(resource: DiscoveredResource): ResourceRow {
  const { plural, singular, namespaced, kind, verbs, stored } = resource;
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: resource.custom === undefined ? [...verbs].sort() : verbs,
    ...names(resource),
    ...(stored === undefined ? {} : { storageVersionHash: storageVersionHash(stored) }),
  };
}

function subresourceRow(resource: DiscoveredResource, sub: Subresource): ResourceRow {
  const foreign = foreignKind(resource, sub);
  return {
    name: `${resource.plural}/${sub.name}`,
    singularName: "",
    namespaced: resource.namespaced,
    ...(foreign === undefined ? {} : { group: foreign.group, version: foreign.version }),
    kind: sub.gvk?.kind ?? resource.kind,
    verbs: [...sub.verbs].sort(),
  };
}

/** The group and version of what a subresource speaks, where they are not its parent's. */
function foreignKind(resource: DiscoveredResource, { gvk }: Subresource): Subresource["gvk"] {
  return gvk === undefined || (gvk.group === resource.group && gvk.version === resource.version) ? undefined : gvk;
}

function names({ shortNames, categories }: DiscoveredResource): object {
  return { ...(shortNames.length > 0 ? { shortNames } : {}), ...(categories.length > 0 ? { categories } : {}) };
}

/** What tells clients that the stored form of a resource has moved. Source: apiserver's discovery.StorageVersionHash. */
export function storageVersionHash({ group, version, kind }: Pick<Kind, "group" | "version" | "kind">): string {
  return createHash("sha256").update(`${group}/${version}/${kind}`).digest().subarray(0, STORAGE_HASH_BYTES).toString("base64");
}

/** The aggregated document: all groups and resources in one answer. `/api` has the core group, `/apis` the others. */
export function aggregatedDocument(groups: readonly DiscoveredGroup[], core: boolean, documentVersion: "v2" | "v2beta1"): object {
  const items = groups
    .filter(({ group }) => (group === "") === core)
    .map(({ group, versions }) => ({
      metadata: group === "" ? {} : { name: group },
      versions: versions.map(({ version, resources }) => ({ version, resources: resources.map(aggregatedRow), freshness: "Current" })),
    }));
  return { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${documentVersion}`, metadata: {}, items };
}

function aggregatedRow(resource: DiscoveredResource): object {
  const subresources = resource.subresources
    .map((sub) => {
      const foreign = foreignKind(resource, sub);
      const responseKind = { group: foreign?.group ?? "", version: foreign?.version ?? "", kind: sub.gvk?.kind ?? resource.kind };
      return { subresource: sub.name, responseKind, verbs: [...sub.verbs].sort() };
    })
    .sort((a, b) => (resource.custom === undefined ? compare(a.subresource, b.subresource) : 0));
  const responseKind = { kind: resource.kind };
  return {
    resource: resource.plural,
    responseKind:
      resource.custom === undefined
        ? { group: "", version: "", ...responseKind }
        : { group: resource.group, version: resource.version, ...responseKind },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: resource.custom === undefined ? [...resource.verbs].sort() : resource.verbs,
    ...names(resource),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}
