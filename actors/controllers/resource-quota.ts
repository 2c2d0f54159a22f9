import { isTerminal, isTerminalPhase } from "../kinds/core/pod-phase.ts";
import { ResourceQuotaKind } from "../kinds/core/resource-quota.ts";
import type { ContainerStatus, Pod, ResourceQuota, Service } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import { partsOf, resourceOf } from "../kinds/kind.ts";
import { semanticEqual } from "../kinds/machinery/equal.ts";
import { addQuantities, formatQuantity, parseQuantity, type Quantity } from "../kinds/machinery/quantity.ts";
import { phaseOf } from "../kinds/metadata-text.ts";
import { hasScopes, isTerminating, quotaMatches } from "../registry/admission/quota-scopes.ts";
import { countedResource, isQuotable, usageOf } from "../registry/admission/quota-usage.ts";
import type { Change, Entry, View } from "../store/view.ts";
import { anyKind, updateStatus } from "./actions.ts";
import { type Action, type Controller, type HearOfCustom, NO_KEYS, NOTHING, type Watch } from "./controller.ts";

const QUOTAS = resourceOf(ResourceQuotaKind);
/** Everything is counted anew so often, whatever was heard. Source: --resource-quota-sync-period. */
const RESYNC_MS = 300_000;
/** What was on its way into the store when a spec was taken up, and was not charged for it, is counted so much later. */
const LOOK_AGAIN_MS = 1_000;
const MS_PER_S = 1_000;
const ZERO = parseQuantity("0");

/** Resources of which an update may need less than before. */
const SHRINKING: ReadonlySet<string> = new Set(["persistentvolumeclaims", "pods", "services"]);

/**
 * Keeps what quotas say is used: takes up what their specs allow, and gives back what is gone. What is new, admission has charged. Source:
 * pkg/controller/resourcequota, and pkg/quota/v1.
 */
export function resourceQuotaController(kinds: readonly Kind[], hearOfCustom?: HearOfCustom): Controller {
  const watched = new Set<string>([QUOTAS]);
  const watchOf = (resource: string): Watch => {
    watched.add(resource);
    return { resource, keys: (change, view) => keysOf(resource, change, view) };
  };
  const resources = kinds
    .filter(({ namespaced }) => namespaced)
    .map(resourceOf)
    .filter(isQuotable);
  return {
    name: "resource-quota",
    component: "resourcequota-controller",
    kind: anyKind(ResourceQuotaKind),
    watches: resources
      .filter((resource) => resource !== QUOTAS)
      .map(watchOf)
      .concat([{ resource: QUOTAS, keys: keysOfQuota }]),
    ...(hearOfCustom === undefined
      ? {}
      : {
          more: (watch) =>
            hearOfCustom((kind) => {
              const resource = resourceOf(kind);
              if (kind.namespaced && !watched.has(resource)) watch(watchOf(resource), []);
            }),
        }),
    reconcile: (view, key, now_ms) => reconcile(watched, view, key, now_ms),
    resync: { period_ms: RESYNC_MS, keys: (view) => view.list(QUOTAS).map(({ key }) => key) },
  };
}

/** Most changes are of no namespace that has a quota, and what is new is charged already. Source: DefaultUpdateFilter and replenishQuota. */
function keysOf(resource: string, { now, before }: Change, view: View): readonly string[] {
  if (before === undefined || view.count(QUOTAS) === 0) return NO_KEYS;
  const { namespace } = partsOf(before.key);
  if (view.count(QUOTAS, namespace) === 0) return NO_KEYS;
  if (now !== undefined && !(SHRINKING.has(resource) && mayNeedLess(resource, before, now, view))) return NO_KEYS;
  return keysThatCount(resource, namespace, view);
}

/** The quotas that count such objects. */
function keysThatCount(resource: string, namespace: string, view: View): readonly string[] {
  const counts = (entry: Entry): boolean =>
    Object.keys(view.decode<ResourceQuota>(entry).status?.hard ?? {}).some((name) => countedResource(name) === resource);
  return view
    .list(QUOTAS, namespace)
    .filter(counts)
    .map(({ key }) => key);
}

function mayNeedLess(resource: string, before: Entry, now: Entry, view: View): boolean {
  if (resource === "persistentvolumeclaims") return true;
  if (resource === "services") return portsTypeOf(view.decode<Service>(before)) !== portsTypeOf(view.decode<Service>(now));
  // What has run to its end needs nothing any more.
  if (!isTerminalPhase(phaseOf(before.text)) && isTerminalPhase(phaseOf(now.text))) return true;
  const [was, is] = [view.decode<Pod>(before), view.decode<Pod>(now)];
  return isTerminating(was) !== isTerminating(is) || isResized(was, is);
}

/** Whether a container has got something else than it had. Source: hasResourcesChanged. */
function isResized(was: Pod, is: Pod): boolean {
  const containers = ({ status }: Pod): readonly ContainerStatus[] => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ];
  const now = containers(is);
  return containers(was).some(({ name, resources }) => {
    const next = now.find((one) => one.name === name);
    return next !== undefined && !semanticEqual(resources ?? null, next.resources ?? null);
  });
}

/** What there is a quota for of services of this type: only another type gives something back at once. */
function portsTypeOf({ spec }: Service): string {
  return spec.type === "NodePort" || spec.type === "LoadBalancer" ? spec.type : "";
}

/** A quota is looked at when it is made, when its spec changes, and when another takes it for one of its objects. */
function keysOfQuota({ now, before }: Change, view: View): readonly string[] {
  if (now === undefined) return before === undefined ? NO_KEYS : keysThatCount(QUOTAS, partsOf(before.key).namespace, view);
  const { spec, status } = view.decode<ResourceQuota>(now);
  return semanticEqual(spec?.hard ?? {}, status?.hard ?? null) ? NO_KEYS : [now.key];
}

function reconcile(known: ReadonlySet<string>, view: View, key: string, now_ms: number): readonly Action[] {
  const quota = view.get<ResourceQuota>(key);
  if (quota === undefined) return NOTHING;
  const hard = quota.spec?.hard ?? {};
  const before = quota.status?.used ?? {};
  const used = usedOf(known, view, quota, now_ms);
  const takesUp = !semanticEqual(quota.status?.hard ?? null, hard);
  if (!takesUp && semanticEqual(before, used)) return NOTHING;
  const write = updateStatus(ResourceQuotaKind, quota, { ...quota.status, hard, used });
  return takesUp ? [write, { do: "requeue", after_ms: LOOK_AGAIN_MS }] : [write];
}

/** What there is of everything that the quota limits, by name; what nobody counts stays as it was. `known`: the resources that are counted. */
function usedOf(known: ReadonlySet<string>, view: View, quota: ResourceQuota, now_ms: number): Readonly<Record<string, string>> {
  const names = Object.keys(quota.spec?.hard ?? {});
  const { namespace } = quota.metadata;
  const used: Record<string, string> = { ...quota.status?.used };
  for (const [resource, counted] of Map.groupBy(names, countedResource)) {
    if (resource === undefined || !known.has(resource)) continue;
    const sums = sumsOf(view, quota, resource, counted, namespace, now_ms);
    for (const name of counted) used[name] = formatQuantity(sums.get(name) ?? ZERO);
  }
  // In the order in which they are limited.
  return Object.fromEntries(names.flatMap((name) => (used[name] === undefined ? [] : [[name, used[name]]])));
}

function sumsOf(
  view: View,
  quota: ResourceQuota,
  resource: string,
  names: readonly string[],
  namespace: string | undefined,
  now_ms: number,
): ReadonlyMap<string, Quantity> {
  const sums = new Map<string, Quantity>();
  const entries = view.list(resource, namespace);
  // Where only the number counts nobody has to look.
  if (!hasScopes(quota) && names.every((name) => name === `count/${resource}` || name === resource) && resource !== "pods") {
    for (const name of names) sums.set(name, parseQuantity(String(entries.length)));
    return sums;
  }
  for (const entry of entries) {
    const object = view.decode(entry);
    if (!quotaMatches(quota, resource, object)) continue;
    const whole = usageOf(resource, object);
    const usage = resource === "pods" && needsNothing(object as Pod, now_ms) ? countOnly(whole, `count/${resource}`) : whole;
    for (const name of names) {
      const amount = usage[name];
      if (amount !== undefined) sums.set(name, addQuantities(sums.get(name) ?? ZERO, amount));
    }
  }
  return sums;
}

/** Pods that are over, and those whose node did not let them go in twice their time. Source: QuotaV1Pod. */
function needsNothing(pod: Pod, now_ms: number): boolean {
  if (isTerminal(pod)) return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * MS_PER_S < now_ms;
}

function countOnly(usage: Readonly<Record<string, Quantity>>, name: string): Readonly<Record<string, Quantity>> {
  const count = usage[name];
  return count === undefined ? {} : { [name]: count };
}
