import { ReplicaSetKind } from "../../kinds/apps/replica-set.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import { ReplicationControllerKind } from "../../kinds/core/replication-controller.ts";
import type { Pod, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus, ReplicationController } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { View } from "../../store/view.ts";
import { anyKind, create, remove, updateStatus } from "../actions.ts";
import { conditionOf, withCondition, withoutCondition } from "../conditions.ts";
import { type Action, type Controller, LOOK_AGAIN, NO_KEYS, NOTHING, type Refusal } from "../controller.ts";
import { controlledBy, controllerIndex, controllerOf, controllerReference } from "../ownership.ts";
import { claimPods, type PodOwner, watchPodsOf } from "../pods/pod-claims.ts";
import { factsOf, isAvailable, type PodFacts } from "../pods/pod-facts.ts";
import { creationNotes, deletionNotes } from "../pods/pod-notes.ts";
import { podsToDelete } from "../pods/pod-ranking.ts";
import { PodMaker } from "../pods/pod-template.ts";

/** Pods created or deleted in one round at most. Source: BurstReplicas. */
const BURST_REPLICAS = 500;
/** A thousand pods that become Running one by one are a few dozen status writes this way, and nobody waits noticeably. */
const PACE_MS = 25;

const PODS = "pods";
const isActive = (pod: PodFacts): boolean => pod.active;

/** What a ReplicaSet and a ReplicationController have in common, which is all but the form of the selector. */
type Replicated = ReplicaSet | ReplicationController;

interface Replication<T extends Replicated> extends PodOwner<T> {
  readonly name: string;
  readonly component: string;
}

/** Keeps the asked number of active pods alive. Source: pkg/controller/replicaset, which serves both kinds as well. */
function replication<T extends Replicated>(owner: Replication<T>): Controller {
  const { name, component, kind, resource } = owner;
  return {
    name,
    component,
    kind: anyKind(kind),
    pace_ms: PACE_MS,
    indexes: [controllerIndex(PODS), controllerIndex(resource)],
    watches: [{ resource, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) }, watchPodsOf(owner)],
    reconcile: (view, key, now_ms) => reconcile(owner, view, key, now_ms),
    refused: (view, key, now_ms, refusals) => refused(owner, view, key, now_ms, refusals),
  };
}

export const replicaSetController: Controller = replication<ReplicaSet>({
  name: "replicaset",
  component: "replicaset-controller",
  kind: ReplicaSetKind,
  resource: "replicasets.apps",
  selectorOf: ({ spec }) => spec.selector,
});

export const replicationController: Controller = replication<ReplicationController>({
  name: "replicationcontroller",
  component: "replication-controller",
  kind: ReplicationControllerKind,
  resource: "replicationcontrollers",
  selectorOf: ({ spec }) => ({ matchLabels: spec.selector ?? {} }),
});

function reconcile<T extends Replicated>(owner: Replication<T>, view: View, key: string, now_ms: number): readonly Action[] {
  const set = view.get<T>(key);
  if (set === undefined) return NOTHING;
  const { pods: active, actions: claims } = claimPods(owner, view, set, { counts: isActive });
  // What they come to is looked at before any pod is made or deleted.
  if (claims.length > 0) return [...claims, LOOK_AGAIN];
  const actions: Action[] = [];
  if (set.metadata.deletionTimestamp === undefined) actions.push(...manage(owner, view, set, active, now_ms));
  const { status, requeue_ms } = nextStatus(set, active, now_ms);
  if (!semanticEqual(status, set.status)) actions.push(updateStatus(anyKind(owner.kind), set, status));
  if (requeue_ms !== undefined) actions.push({ do: "requeue", after_ms: requeue_ms });
  return actions;
}

function manage<T extends Replicated>(
  { kind, resource }: Replication<T>,
  view: View,
  set: T,
  active: readonly PodFacts[],
  now_ms: number,
): readonly Action[] {
  const wanted = set.spec.replicas ?? 1;
  if (active.length < wanted) {
    const maker = new PodMaker(set.spec.template, set.metadata.namespace ?? "", controllerReference(kind, set));
    const notes = creationNotes(kind, set);
    const count = Math.min(wanted - active.length, BURST_REPLICAS);
    return [{ do: "slowStart", writes: Array.from({ length: count }, () => create(PodKind, maker.make(), notes)) }];
  }
  const surplus = Math.min(active.length - wanted, BURST_REPLICAS);
  if (surplus === 0) return NOTHING;
  const notes = deletionNotes(kind, set);
  return podsToDelete(active, surplus, neighbours(resource, view, set), now_ms).map((pod) =>
    remove(PodKind, view.decode<Pod>(pod.entry), undefined, notes),
  );
}

/** By node: active pods of all sets of the same Deployment; without one it does not matter where they are. Source: getIndirectlyRelatedPods. */
function neighbours(resource: string, view: View, set: Replicated): ReadonlyMap<string, number> {
  const owner = controllerOf(set);
  const related = owner === undefined ? [] : controlledBy(view, resource, owner.uid);
  const counts = new Map<string, number>();
  const count = (pod: PodFacts): void => void counts.set(pod.nodeName, (counts.get(pod.nodeName) ?? 0) + 1);
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
  set: Replicated,
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
  // A failure is over when there is nothing left to create or delete, or nobody tries any more; whether a try succeeds is only known afterwards.
  const conditions = set.status?.conditions ?? [];
  const isOver = active.length === (set.spec.replicas ?? 1) || set.metadata.deletionTimestamp !== undefined;
  const kept = isOver ? withoutCondition(conditions, "ReplicaFailure") : conditions;
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
function refused<T extends Replicated>(
  owner: Replication<T>,
  view: View,
  key: string,
  now_ms: number,
  refusals: readonly Refusal[],
): readonly Action[] {
  const set = view.get<T>(key);
  const refusal = refusals.find(({ write }) => write.kind.kind === PodKind.kind && (write.do === "create" || write.do === "delete"));
  if (set === undefined || refusal === undefined || conditionOf(set.status?.conditions, "ReplicaFailure") !== undefined) return NOTHING;
  const condition: ReplicaSetCondition = {
    type: "ReplicaFailure",
    status: "True",
    ...(refusal.write.do === "create"
      ? { reason: "FailedCreate", message: refusal.error.message }
      : { reason: "FailedDelete", message: `unable to delete pods: ${refusal.error.message}` }),
    lastTransitionTime: timestamp(now_ms),
  };
  const { status } = nextStatus(set, claimPods(owner, view, set, { counts: isActive }).pods, now_ms);
  return [updateStatus(anyKind(owner.kind), set, { ...status, conditions: withCondition(status.conditions ?? [], condition) })];
}
