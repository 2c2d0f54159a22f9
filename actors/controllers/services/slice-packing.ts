import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Service } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";

/** Source: --max-endpoints-per-slice. */
const ENDPOINTS_PER_SLICE = 100;

/** Endpoints that listen on the same ports, which go into slices together. */
export interface Group {
  readonly ports: readonly DiscoveryEndpointPort[];
  /** By the uid of the pod. */
  readonly endpoints: Map<string, Endpoint>;
}

/** What a slice holds. */
export interface Content {
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly DiscoveryEndpointPort[];
}

/** What becomes of the slices of a service that are of one family of addresses. */
export interface Packing {
  /** What they hold from now on, changed or not. */
  readonly kept: ReadonlyMap<EndpointSlice, Content>;
  /** Those that would go and become new ones in place of it: watchers see one change and not two. */
  readonly reused: ReadonlyMap<EndpointSlice, Content>;
  readonly created: readonly Content[];
  readonly deleted: readonly EndpointSlice[];
}

const EMPTY: Content = { endpoints: [], ports: [] };

/**
 * Puts endpoints into slices: each stays where it is, new ones go where something changes already, what is left where it just fits, and the rest into new slices. A
 * service always has a slice, if an empty one; slices that are another's by their owners go. Source: reconcileByAddressType of k8s.io/endpointslice.
 */
export function pack(
  slices: readonly EndpointSlice[],
  groups: readonly Group[],
  service: Service,
  labels: Readonly<Record<string, string>>,
): Packing {
  const kept = new Map<EndpointSlice, Content>();
  const created: Content[] = [];
  let deleted = slices.filter((slice) => !isOf(service, slice));
  let others = slices.filter((slice) => isOf(service, slice));
  for (const group of groups) {
    const fitting = others.filter(({ ports }) => semanticEqual(ports ?? [], group.ports));
    others = others.filter((slice) => !fitting.includes(slice));
    const left = fill(group, fitting, labels);
    for (const { slice, endpoints } of left.slices) kept.set(slice, { endpoints, ports: group.ports });
    deleted.push(...left.emptied);
    created.push(...left.created.map((endpoints) => ({ endpoints, ports: group.ports })));
  }
  deleted.push(...others);
  if (kept.size === 0 && created.length === 0) {
    const [only] = deleted;
    if (deleted.length === 1 && only !== undefined && isEmpty(only, labels))
      return { kept: new Map([[only, EMPTY]]), reused: new Map(), created, deleted: [] };
    created.push(EMPTY);
  }
  const reused = new Map<EndpointSlice, Content>();
  for (const slice of deleted) {
    const next = isOf(service, slice) ? created.pop() : undefined;
    if (next !== undefined) reused.set(slice, next);
  }
  deleted = deleted.filter((slice) => !reused.has(slice));
  return { kept, reused, created, deleted };
}

function isOf({ metadata: { uid } }: Service, { metadata: { ownerReferences = [] } }: EndpointSlice): boolean {
  return ownerReferences.some((owner) => owner.uid === uid && owner.kind === "Service" && owner.apiVersion === "v1");
}

function isEmpty({ endpoints, ports, metadata }: EndpointSlice, labels: Readonly<Record<string, string>>): boolean {
  return (endpoints ?? []).length === 0 && (ports ?? []).length === 0 && semanticEqual(metadata.labels, labels);
}

interface Filled {
  readonly slice: EndpointSlice;
  readonly endpoints: Endpoint[];
}

/** The endpoints of one group in slices of the same ports. */
function fill(
  group: Group,
  slices: readonly EndpointSlice[],
  labels: Readonly<Record<string, string>>,
): { readonly slices: readonly Filled[]; readonly emptied: readonly EndpointSlice[]; readonly created: readonly (readonly Endpoint[])[] } {
  const left = new Map(group.endpoints);
  const emptied: EndpointSlice[] = [];
  const [changing, same]: [Filled[], Filled[]] = [[], []];
  for (const slice of slices) {
    const before = slice.endpoints ?? [];
    const endpoints: Endpoint[] = [];
    for (const { targetRef } of before) {
      const endpoint = left.get(targetRef?.uid ?? "");
      if (endpoint !== undefined) endpoints.push(endpoint);
      left.delete(targetRef?.uid ?? "");
    }
    if (semanticEqual(before, endpoints) && semanticEqual(slice.metadata.labels, labels)) same.push({ slice, endpoints });
    else if (endpoints.length === 0 && before.length > 0) emptied.push(slice);
    else changing.push({ slice, endpoints });
  }
  const added = [...left.values()];
  for (const { endpoints } of changing.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) {
    endpoints.push(...added.splice(0, ENDPOINTS_PER_SLICE - endpoints.length));
  }
  const created: (readonly Endpoint[])[] = [];
  while (added.length > 0) {
    const room = added.length < ENDPOINTS_PER_SLICE ? tightest(same, added.length) : undefined;
    if (room !== undefined) room.endpoints.push(...added.splice(0));
    else created.push(added.splice(0, ENDPOINTS_PER_SLICE));
  }
  return { slices: [...changing, ...same], emptied, created };
}

/** The one that is fullest with so many more; undefined: none has room for them. */
function tightest(slices: readonly Filled[], count: number): Filled | undefined {
  const fitting = slices.filter(({ endpoints }) => endpoints.length + count <= ENDPOINTS_PER_SLICE);
  return fitting.toSorted((a, b) => b.endpoints.length - a.endpoints.length)[0];
}
