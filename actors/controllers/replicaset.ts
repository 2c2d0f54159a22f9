import { ReplicaSetKind } from "../kinds/apps/replica-set.ts";
import { PodKind } from "../kinds/core/pod.ts";
import type { Pod, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from "../kinds/generated/types.ts";
import { partsOf } from "../kinds/kind.ts";
import { semanticEqual } from "../kinds/machinery/equal.ts";
import { matchesLabels, selectorOf } from "../kinds/machinery/label-selector.ts";
import { labelsOf, mayHaveOwners, ownersOf, sameLabels, sameOwners } from "../kinds/metadata-text.ts";
import { timestamp } from "../registry/timestamps.ts";
import type { Change, Entry, View } from "../store/view.ts";
import { anyKind, create, modify, normal, regarding, remove, updateStatus, warning } from "./actions.ts";
import { conditionOf, withCondition, withoutCondition } from "./conditions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING, type Refusal } from "./controller.ts";
import { adopted, controlledBy, controllerIndex, controllerOf, controllerReference, disowned, orphansFor } from "./ownership.ts";
import { factsOf, isAvailable, type PodFacts } from "./pod-facts.ts";
import { podsToDelete } from "./pod-ranking.ts";
import { PodMaker } from "./pod-template.ts";

/** Pods created or deleted in one round at most. Source: BurstReplicas. */
const BURST_REPLICAS = 500;
/** A thousand pods that become Running one by one are a few dozen status writes this way, and nobody waits noticeably. */
const PACE_MS = 25;

const REPLICA_SETS = "replicasets.apps";
const PODS = "pods";

/** Keeps the asked number of active pods alive. Source: pkg/controller/replicaset. */
export const replicaSetController: Controller = {
  name: "replicaset",
  component: "replicaset-controller",
  kind: anyKind(ReplicaSetKind),
  pace_ms: PACE_MS,
  indexes: [controllerIndex(PODS), controllerIndex(REPLICA_SETS)],
  watches: [
    { resource: REPLICA_SETS, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) },
    { resource: PODS, keys: keysOfPod },
  ],
  reconcile,
  refused,
};

/** A pod concerns its controller, also the one that it had before; one without a controller concerns who may adopt it. */
function keysOfPod({ now, before }: Change, view: View): readonly string[] {
  const entry = now ?? before;
  if (entry === undefined) return NO_KEYS;
  const { namespace } = partsOf(entry.key);
  const owner = replicaSetOf(entry);
  const changedOwner = now !== undefined && before !== undefined && !sameOwners(now.text, before.text);
  const former = changedOwner ? replicaSetOf(before) : undefined;
  const keys = new Set<string>();
  if (owner !== undefined) keys.add(`${REPLICA_SETS}/${namespace}/${owner}`);
  if (former !== undefined) keys.add(`${REPLICA_SETS}/${namespace}/${former}`);
  const mayBeAdopted =
    owner === undefined && now !== undefined && (before === undefined || changedOwner || !sameLabels(now.text, before.text));
  if (mayBeAdopted) for (const key of whoMayAdopt(view, namespace, now)) keys.add(key);
  return keys.size === 0 ? NO_KEYS : [...keys];
}

function replicaSetOf(entry: Entry): string | undefined {
  if (!mayHaveOwners(entry.text)) return undefined;
  const owner = ownersOf(entry.text).find(({ controller }) => controller === true);
  return owner?.kind === ReplicaSetKind.kind && owner.apiVersion.startsWith("apps/") ? owner.name : undefined;
}

function whoMayAdopt(view: View, namespace: string, pod: Entry): string[] {
  const sets = view.list(REPLICA_SETS, namespace);
  if (sets.length === 0) return [];
  if (ownersOf(pod.text).some(({ controller }) => controller === true)) return [];
  const labels = labelsOf(pod.text);
  return sets.filter((set) => matchesLabels(selectorOf(view.decode<ReplicaSet>(set).spec.selector), labels)).map(({ key }) => key);
}

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const set = view.get<ReplicaSet>(key);
  if (set === undefined) return NOTHING;
  const { active, claims } = claimPods(view, set);
  const actions: Action[] = [...claims];
  if (set.metadata.deletionTimestamp === undefined) actions.push(...manage(view, set, active, now_ms));
  const { status, requeue_ms } = nextStatus(set, active, now_ms);
  if (!semanticEqual(status, set.status)) actions.push(updateStatus(ReplicaSetKind, set, status));
  if (requeue_ms !== undefined) actions.push({ do: "requeue", after_ms: requeue_ms });
  return actions;
}

/** The active pods that are the set's, with the adoptions and releases that make it so. Source: PodControllerRefManager. */
function claimPods(view: View, set: ReplicaSet): { readonly active: readonly PodFacts[]; readonly claims: readonly Action[] } {
  const { uid, namespace = "", deletionTimestamp } = set.metadata;
  const selector = selectorOf(set.spec.selector);
  const active: PodFacts[] = [];
  const claims: Action[] = [];
  for (const entry of controlledBy(view, PODS, uid)) {
    const pod = factsOf(view, entry);
    if (!pod.active) continue;
    if (matchesLabels(selector, pod.labels)) active.push(pod);
    else if (deletionTimestamp === undefined)
      claims.push(modify(PodKind, view.decode<Pod>(entry), (current) => disowned(current, new Set([uid]))));
  }
  if (deletionTimestamp !== undefined) return { active, claims };
  for (const entry of orphansFor(view, PODS, namespace, set.spec.selector.matchLabels)) {
    const pod = factsOf(view, entry);
    if (!pod.active || pod.controllerUid !== undefined || !matchesLabels(selector, pod.labels)) continue;
    active.push(pod);
    const owner = controllerReference(ReplicaSetKind, set);
    claims.push(
      modify(PodKind, view.decode<Pod>(entry), (current) => (controllerOf(current) === undefined ? adopted(current, owner) : undefined)),
    );
  }
  return { active, claims };
}

function manage(view: View, set: ReplicaSet, active: readonly PodFacts[], now_ms: number): readonly Action[] {
  const wanted = set.spec.replicas ?? 1;
  const about = regarding(ReplicaSetKind, set);
  if (active.length < wanted) {
    const maker = new PodMaker(set.spec.template, set.metadata.namespace ?? "", controllerReference(ReplicaSetKind, set));
    const notes = {
      done: normal(about, "SuccessfulCreate", "Created pod: {name}"),
      refused: warning(about, "FailedCreate", "Error creating: {error}"),
    };
    const count = Math.min(wanted - active.length, BURST_REPLICAS);
    return [{ do: "slowStart", writes: Array.from({ length: count }, () => create(PodKind, maker.make(), notes)) }];
  }
  const surplus = Math.min(active.length - wanted, BURST_REPLICAS);
  if (surplus === 0) return NOTHING;
  const notes = {
    done: normal(about, "SuccessfulDelete", "Deleted pod: {name}"),
    refused: warning(about, "FailedDelete", "Error deleting: {error}"),
  };
  return podsToDelete(active, surplus, neighbours(view, set, active), now_ms).map((pod) =>
    remove(PodKind, view.decode<Pod>(pod.entry), undefined, notes),
  );
}

/** By node: active pods of all sets of the same Deployment, or of this set when it has none. */
function neighbours(view: View, set: ReplicaSet, active: readonly PodFacts[]): ReadonlyMap<string, number> {
  const owner = controllerOf(set);
  const related = owner === undefined ? [] : controlledBy(view, REPLICA_SETS, owner.uid);
  const counts = new Map<string, number>();
  const count = (pod: PodFacts): void => void counts.set(pod.nodeName, (counts.get(pod.nodeName) ?? 0) + 1);
  if (related.length === 0) active.forEach(count);
  for (const { key } of related) {
    const uid = view.get(key)?.metadata.uid ?? "";
    for (const entry of controlledBy(view, PODS, uid)) {
      const pod = factsOf(view, entry);
      if (pod.active) count(pod);
    }
  }
  return counts;
}

function nextStatus(
  set: ReplicaSet,
  active: readonly PodFacts[],
  now_ms: number,
): { readonly status: ReplicaSetStatus; readonly requeue_ms: number | undefined } {
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const templateLabels = Object.entries(set.spec.template.metadata?.labels ?? {});
  let fullyLabeled = 0;
  let ready = 0;
  let available = 0;
  let availableAt_ms = Number.POSITIVE_INFINITY;
  for (const pod of active) {
    if (templateLabels.every(([name, value]) => pod.labels[name] === value)) fullyLabeled++;
    if (!pod.ready) continue;
    ready++;
    if (isAvailable(pod, minReadySeconds, now_ms)) available++;
    else availableAt_ms = Math.min(availableAt_ms, pod.readySince_ms + minReadySeconds * 1000);
  }
  // A failure is over when there is nothing left to create or delete; whether a try succeeds is only known afterwards.
  const conditions = set.status?.conditions ?? [];
  const kept = active.length === (set.spec.replicas ?? 1) ? withoutCondition(conditions, "ReplicaFailure") : conditions;
  const status: ReplicaSetStatus = {
    replicas: active.length,
    ...(fullyLabeled === 0 ? {} : { fullyLabeledReplicas: fullyLabeled }),
    ...(ready === 0 ? {} : { readyReplicas: ready }),
    ...(available === 0 ? {} : { availableReplicas: available }),
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    ...(kept.length === 0 ? {} : { conditions: kept }),
  };
  return { status, requeue_ms: availableAt_ms === Number.POSITIVE_INFINITY ? undefined : Math.max(1, availableAt_ms - now_ms) };
}

/** The set says why it has too few or too many pods. Source: calculateStatus. */
function refused(view: View, key: string, now_ms: number, refusals: readonly Refusal[]): readonly Action[] {
  const set = view.get<ReplicaSet>(key);
  const refusal = refusals.find(({ write }) => write.kind.kind === PodKind.kind && (write.do === "create" || write.do === "delete"));
  if (set === undefined || refusal === undefined || conditionOf(set.status?.conditions, "ReplicaFailure") !== undefined) return NOTHING;
  const condition: ReplicaSetCondition = {
    type: "ReplicaFailure",
    status: "True",
    reason: refusal.write.do === "create" ? "FailedCreate" : "FailedDelete",
    message: refusal.error.message,
    lastTransitionTime: timestamp(now_ms),
  };
  const { status } = nextStatus(set, claimPods(view, set).active, now_ms);
  return [updateStatus(ReplicaSetKind, set, { ...status, conditions: withCondition(status.conditions ?? [], condition) })];
}
