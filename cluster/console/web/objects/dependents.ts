import type { KubeList, KubeObject } from "../api.ts";
import type { ViewContext } from "../view.ts";
import { collectionPath, type ResourceType, resourceTypes } from "./resource-types.ts";
import type { AnyObject, Subject } from "./subject.ts";

/** Objects of a kind that are looked through for what belongs to another. */
const LOOKED_THROUGH_MAX = 2_000;
const METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

/** Objects of a kind that go with another. */
export interface Dependents {
  readonly type: ResourceType;
  readonly names: readonly string[];
  /** How many there are, where not all were looked at. */
  readonly isMore: boolean;
}

/** Which kinds own which, by Kubernetes' own controllers. */
const OWNED: Readonly<Record<string, readonly string[]>> = {
  "deployments.apps": ["replicasets.apps", "pods"],
  "replicasets.apps": ["pods"],
  "statefulsets.apps": ["controllerrevisions.apps", "pods"],
  "daemonsets.apps": ["controllerrevisions.apps", "pods"],
  "cronjobs.batch": ["jobs.batch", "pods"],
  "jobs.batch": ["pods"],
  services: ["endpointslices.discovery.k8s.io"],
};

/** What the garbage collector would take with the object: its own, and what those own. Kinds that the user may not list are left out. */
export async function dependentsOf(
  { type, object }: Subject,
  context: Pick<ViewContext, "api" | "signal">,
): Promise<readonly Dependents[]> {
  const types = await resourceTypes(context.api);
  const namespace = object.metadata.namespace;
  const owners = new Set([object.metadata.uid]);
  const found: Dependents[] = [];
  for (const id of OWNED[type.id] ?? []) {
    const owned = types.find((each) => each.id === id);
    if (owned === undefined || !(await mayList(context, owned, namespace))) continue;
    const { items, metadata } = await listed(context, collectionPath(owned, namespace), LOOKED_THROUGH_MAX);
    const mine = items.filter((each) => (each as AnyObject).metadata.ownerReferences?.some(({ uid }) => owners.has(uid)));
    for (const each of mine) owners.add(each.metadata.uid);
    if (mine.length > 0)
      found.push({ type: owned, names: mine.map((each) => each.metadata.name), isMore: metadata.continue !== undefined });
  }
  return found;
}

/** How many objects of each kind a namespace has. */
export async function contentsOf(
  namespace: string,
  context: Pick<ViewContext, "api" | "signal">,
): Promise<readonly { type: ResourceType; count: number }[]> {
  const types = (await resourceTypes(context.api)).filter(
    ({ isNamespaced, verbs, id }) =>
      isNamespaced && verbs.has("list") && verbs.has("delete") && !id.startsWith("events") && !id.endsWith("metrics.k8s.io"),
  );
  const counts = await Promise.all(
    types.map(async (type) => {
      if (!(await mayList(context, type, namespace))) return { type, count: 0 };
      const { items, metadata } = await listed(context, collectionPath(type, namespace), 1).catch(() => ({
        items: [],
        metadata: undefined,
      }));
      return { type, count: items.length + (metadata?.remainingItemCount ?? 0) };
    }),
  );
  return counts.filter(({ count }) => count > 0);
}

function listed({ api, signal }: Pick<ViewContext, "api" | "signal">, path: string, limit: number): Promise<KubeList<KubeObject>> {
  return api.get<KubeList<KubeObject>>(`${path}?limit=${limit}`, { signal, accept: METADATA });
}

function mayList({ api }: Pick<ViewContext, "api">, { group, resource }: ResourceType, namespace: string | undefined): Promise<boolean> {
  return api.may({ verb: "list", group, resource, ...(namespace === undefined ? {} : { namespace }) });
}
