import { StatefulSetKind } from "../../kinds/apps/stateful-set.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import type { Change, View } from "../../store/view.ts";
import { anyKind, updateStatus } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING, type Refusal } from "../controller.ts";
import { controllerIndex, watchOwned } from "../ownership.ts";
import { forgetOldest, historyLimit, historyOf, REVISIONS, updateRevisionOf } from "../pods/controller-history.ts";
import { claimPods, type PodOwner, watchPodsOf } from "../pods/pod-claims.ts";
import { isAvailable, type PodFacts } from "../pods/pod-facts.ts";
import { notCreated, planPods } from "./statefulset-plan.ts";
import { ordinalOf, REVISION_LABEL, wantedReplicas } from "./statefulset-pods.ts";

const STATEFUL_SETS = "statefulsets.apps";
const CLAIMS = "persistentvolumeclaims";
const HASH_LABEL = "controller.kubernetes.io/hash";
/** Many pods that become ready at once cost few rounds; and who creates a set and then what belongs to it has both before the first pod comes. */
const PACE_MS = 30;

const OWNER: PodOwner<StatefulSet> = { kind: StatefulSetKind, resource: STATEFUL_SETS, selectorOf: ({ spec }) => spec.selector };

/** Pods with a name, an ordinal and claims of their own. Source: pkg/controller/statefulset. */
export const statefulSetController: Controller = {
  name: "statefulset",
  component: "statefulset-controller",
  kind: anyKind(StatefulSetKind),
  pace_ms: PACE_MS,
  indexes: [controllerIndex("pods"), controllerIndex(REVISIONS)],
  watches: [
    { resource: STATEFUL_SETS, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) },
    watchPodsOf(OWNER),
    { resource: REVISIONS, keys: keysOfRevision },
    { resource: CLAIMS, keys: keysOfClaim },
  ],
  reconcile,
  refused,
};

const OWNED_REVISIONS = watchOwned(StatefulSetKind, STATEFUL_SETS, REVISIONS);

/** Pods wait for a revision to be made, or made the newest. What else becomes of it, as that it is deleted, nobody tells the set, as in Kubernetes. */
function keysOfRevision(change: Change, view: View): readonly string[] {
  const [now, before] = [change.now, change.before].map((entry) => entry && view.decode<ControllerRevision>(entry).revision);
  return now === undefined || now === before ? NO_KEYS : OWNED_REVISIONS.keys(change, view);
}

/** A claim that went may be what a pod waits for. Its name ends with the set's and the ordinal. */
function keysOfClaim({ now, before }: Change, view: View): readonly string[] {
  if (now !== undefined || before === undefined) return NO_KEYS;
  const { namespace, name } = partsOf(before.key);
  return view
    .list(STATEFUL_SETS, namespace)
    .filter(({ key }) => name.includes(`-${partsOf(key).name}-`))
    .map(({ key }) => key);
}

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const set = view.get<StatefulSet>(key);
  if (set === undefined) return NOTHING;
  const fits = ({ name }: PodFacts): boolean => ordinalOf(set, name) !== undefined;
  const { pods, actions: claims } = claimPods(OWNER, view, set, { fits });
  const { revisions, adoptions } = historyOf(StatefulSetKind, view, set);
  const { revision: update, write, collisionCount } = updateRevisionOf(StatefulSetKind, view, set, revisions, { hashLabel: HASH_LABEL });
  // Pods name the revision that they are made of, so it has to be there first.
  if (write !== undefined && set.metadata.deletionTimestamp === undefined) return [...claims, ...adoptions, write];
  const current = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
  const actions: Action[] = [...claims, ...adoptions];
  if (set.metadata.deletionTimestamp === undefined) {
    actions.push(...planPods({ view, set, pods, current, update, now_ms }));
    const live = new Set([current.metadata.name, update.metadata.name, ...pods.map(({ labels }) => labels[REVISION_LABEL])]);
    const unused = revisions.filter(({ metadata }) => !live.has(metadata.name));
    actions.push(...forgetOldest(unused, unused.length - historyLimit(set)));
  }
  const { status, requeue_ms } = nextStatus(set, pods, current, update, collisionCount, now_ms);
  if (!semanticEqual(status, set.status)) actions.push(updateStatus(StatefulSetKind, set, status));
  if (requeue_ms !== undefined) actions.push({ do: "requeue", after_ms: requeue_ms });
  return actions;
}

/** A pod whose claims may not be created is not created either, and the set says so as well. Source: CreateStatefulPod. */
function refused(view: View, key: string, _now_ms: number, refusals: readonly Refusal[]): readonly Action[] {
  const set = view.get<StatefulSet>(key);
  if (set === undefined) return NOTHING;
  const { name, namespace = "" } = set.metadata;
  const errors = new Map<string, string[]>();
  for (const { write, error } of refusals) {
    if (write.do !== "create" || write.kind.kind !== PersistentVolumeClaimKind.kind) continue;
    const claim = write.object.metadata.name;
    const pod = `${name}${claim.slice(claim.lastIndexOf("-"))}`;
    if (view.entry(`pods/${namespace}/${pod}`) !== undefined) continue;
    errors.set(pod, [...(errors.get(pod) ?? []), `failed to create PVC ${claim}: ${error.message}`]);
  }
  return [...errors].map(([pod, all]) => notCreated(set, pod, all));
}

/** Source: computeReplicaStatus and completeRollingUpdate. */
function nextStatus(
  set: StatefulSet,
  pods: readonly PodFacts[],
  current: ControllerRevision,
  update: ControllerRevision,
  collisionCount: number,
  now_ms: number,
): { readonly status: StatefulSetStatus; readonly requeue_ms: number | undefined } {
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const of = (revision: ControllerRevision): number =>
    pods.filter((pod) => !pod.deleting && pod.labels[REVISION_LABEL] === revision.metadata.name).length;
  const ready = pods.filter((pod) => pod.phase === "Running" && pod.ready);
  const waiting = ready.filter((pod) => !isAvailable(pod, minReadySeconds, now_ms));
  const updated = of(update);
  const wanted = wantedReplicas(set);
  const isDone =
    set.spec.updateStrategy?.type === "RollingUpdate" && [updated, ready.length, pods.length].every((count) => count === wanted);
  const currentReplicas = isDone ? updated : of(current);
  const status: StatefulSetStatus = {
    replicas: pods.length,
    ...(ready.length === 0 ? {} : { readyReplicas: ready.length }),
    ...(currentReplicas === 0 ? {} : { currentReplicas }),
    ...(updated === 0 ? {} : { updatedReplicas: updated }),
    availableReplicas: ready.length - waiting.length,
    currentRevision: (isDone ? update : current).metadata.name,
    updateRevision: update.metadata.name,
    collisionCount,
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
  };
  const due_ms = Math.min(...waiting.map((pod) => pod.readySince_ms + minReadySeconds * 1_000 - now_ms));
  return { status, requeue_ms: waiting.length === 0 ? undefined : Math.max(1, due_ms) };
}
