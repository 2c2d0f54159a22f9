import { DeploymentKind } from "../../kinds/apps/deployment.ts";
import { ReplicaSetKind } from "../../kinds/apps/replica-set.ts";
import type { Deployment, DeploymentStatus, ReplicaSet } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { matchesLabels, selectorOf } from "../../kinds/machinery/label-selector.ts";
import { ownersOf, sameLabels, sameOwners } from "../../kinds/metadata-text.ts";
import type { Change, Entry, View } from "../../store/view.ts";
import { anyKind, create, modify, modifyStatus, normal, regarding, remove, updateStatus, warning } from "../actions.ts";
import { conditionOf, withCondition } from "../conditions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING, type Refusal } from "../controller.ts";
import { adopted, controlledBy, controllerIndex, controllerOf, controllerReference, disowned, orphansFor } from "../ownership.ts";
import { factsOf } from "../pods/pod-facts.ts";
import { activeOf, isRolling, progressDeadlineSeconds, revisionHistoryLimit, wantedReplicas } from "./deployment-limits.ts";
import {
  broughtUpToDate,
  isRevision,
  newSet,
  newSetName,
  REVISION,
  type Revisions,
  replicasAnnotations,
  revisionOf,
  revisionsOf,
} from "./deployment-revisions.ts";
import { bringBack, rollbackAskedFor } from "./deployment-rollback.ts";
import { isScaling, replicasOfCurrent, rollOn, type Scale, scaleAlong } from "./deployment-scaling.ts";
import { countedStatus, isComplete, pauseConditions, progressing, rolloutStatus, stuckAfter_ms } from "./deployment-status.ts";

const DEPLOYMENTS = "deployments.apps";
const REPLICA_SETS = "replicasets.apps";
const PODS = "pods";
/** Sets change their status in bursts while their pods start, at this pace. */
const PACE_MS = 25;

/** Rolls pod templates out through ReplicaSets. Source: pkg/controller/deployment. */
export const deploymentController: Controller = {
  name: "deployment",
  component: "deployment-controller",
  kind: anyKind(DeploymentKind),
  pace_ms: PACE_MS,
  indexes: [controllerIndex(REPLICA_SETS), controllerIndex(PODS)],
  watches: [
    { resource: DEPLOYMENTS, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) },
    { resource: REPLICA_SETS, keys: keysOfSet },
    { resource: PODS, keys: keysOfPod },
  ],
  reconcile,
  refused,
};

/** A set concerns its Deployment, also the one that it had before; one without concerns who may adopt it. */
function keysOfSet({ now, before }: Change, view: View): readonly string[] {
  const keys = new Set<string>();
  for (const entry of [now, before]) {
    const owner = entry === undefined ? undefined : deploymentOf(entry);
    if (owner !== undefined) keys.add(owner);
  }
  const isNew = now !== undefined && (before === undefined || !sameOwners(now.text, before.text) || !sameLabels(now.text, before.text));
  if (isNew && deploymentOf(now) === undefined) {
    const set = view.decode<ReplicaSet>(now);
    if (controllerOf(set) === undefined) {
      for (const entry of view.list(DEPLOYMENTS, set.metadata.namespace)) {
        if (matchesLabels(selectorOf(view.decode<Deployment>(entry).spec.selector), set.metadata.labels)) keys.add(entry.key);
      }
    }
  }
  return keys.size === 0 ? NO_KEYS : [...keys];
}

function deploymentOf(set: Entry): string | undefined {
  const owner = ownersOf(set.text).find(({ controller }) => controller === true);
  return owner?.kind === DeploymentKind.kind ? `${DEPLOYMENTS}/${partsOf(set.key).namespace}/${owner.name}` : undefined;
}

/** With the strategy Recreate the last of the old pods must be gone before the new ones come. */
function keysOfPod({ now, before }: Change, view: View): readonly string[] {
  if (now !== undefined || before === undefined) return NO_KEYS;
  const owner = ownersOf(before.text).find(({ controller }) => controller === true);
  if (owner?.kind !== ReplicaSetKind.kind) return NO_KEYS;
  const set = view.entry(`${REPLICA_SETS}/${partsOf(before.key).namespace}/${owner.name}`);
  const key = set === undefined ? undefined : deploymentOf(set);
  const deployment = key === undefined ? undefined : view.get<Deployment>(key);
  return key === undefined || deployment === undefined || isRolling(deployment) ? NO_KEYS : [key];
}

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const deployment = view.get<Deployment>(key);
  if (deployment === undefined) return NOTHING;
  const { requirements } = selectorOf(deployment.spec.selector);
  if (requirements.length === 0) return selectsEverything(deployment);
  const { sets, claims } = claimSets(view, deployment);
  const revisions = revisionsOf(deployment, sets);
  if (deployment.metadata.deletionTimestamp !== undefined) {
    const update = currentUpToDate(deployment, revisions);
    const status = statusActions(deployment, countedStatus(deployment, revisions.all, revisions.current, now_ms), revisionFor(revisions));
    return update === undefined ? status : [update, ...status];
  }
  const pause = pauseConditions(deployment, now_ms);
  if (pause !== undefined) return [...claims, updateStatus(DeploymentKind, deployment, { ...deployment.status, conditions: pause })];
  if (deployment.spec.paused === true) return [...claims, ...sync(deployment, revisions, now_ms)];
  const asked = rollbackAskedFor(deployment);
  if (asked !== undefined) return [...claims, ...rollback(view, deployment, revisions, asked, now_ms)];
  if (isScaling(deployment, revisions.all)) return [...claims, ...sync(deployment, revisions, now_ms)];
  return [...claims, ...rollout(view, deployment, revisions, now_ms)];
}

function selectsEverything(deployment: Deployment): readonly Action[] {
  const message = "This deployment is selecting all pods. A non-empty selector is required.";
  const note = warning(regarding(DeploymentKind, deployment), "SelectingAll", message);
  const { generation } = deployment.metadata;
  if (generation === undefined || (deployment.status?.observedGeneration ?? 0) >= generation) return [{ do: "event", note }];
  return [{ do: "event", note }, updateStatus(DeploymentKind, deployment, { ...deployment.status, observedGeneration: generation })];
}

/** The Deployment's sets, with the adoptions and releases that make them so. Source: ReplicaSetControllerRefManager. */
function claimSets(view: View, deployment: Deployment): { readonly sets: readonly ReplicaSet[]; readonly claims: readonly Action[] } {
  const { uid, namespace = "", deletionTimestamp } = deployment.metadata;
  const selector = selectorOf(deployment.spec.selector);
  const sets: ReplicaSet[] = [];
  const claims: Action[] = [];
  for (const entry of controlledBy(view, REPLICA_SETS, uid)) {
    const set = view.decode<ReplicaSet>(entry);
    if (matchesLabels(selector, set.metadata.labels)) sets.push(set);
    else if (deletionTimestamp === undefined) claims.push(modify(ReplicaSetKind, set, (current) => disowned(current, new Set([uid]))));
  }
  if (deletionTimestamp !== undefined) return { sets, claims };
  const owner = controllerReference(DeploymentKind, deployment);
  for (const entry of orphansFor(view, REPLICA_SETS, namespace, deployment.spec.selector.matchLabels)) {
    const set = view.decode<ReplicaSet>(entry);
    if (controllerOf(set) !== undefined || set.metadata.deletionTimestamp !== undefined) continue;
    if (!matchesLabels(selector, set.metadata.labels)) continue;
    sets.push(set);
    claims.push(modify(ReplicaSetKind, set, (current) => (controllerOf(current) === undefined ? adopted(current, owner) : undefined)));
  }
  return { sets, claims };
}

/** Paused, or its size was changed: nothing is rolled out now. */
function sync(deployment: Deployment, revisions: Revisions, now_ms: number): readonly Action[] {
  const update = currentUpToDate(deployment, revisions);
  const status = statusActions(deployment, countedStatus(deployment, revisions.all, revisions.current, now_ms), revisionFor(revisions));
  if (update !== undefined) return [update, ...status];
  const cleans = deployment.spec.paused === true && rollbackAskedFor(deployment) === undefined;
  const cleanUp = cleans ? cleanUpActions(deployment, revisions) : NOTHING;
  return [...scaleActions(deployment, scaleAlong(deployment, revisions)), ...cleanUp, ...status];
}

/** The present template becomes a revision first, to which one can come back. */
function rollback(view: View, deployment: Deployment, revisions: Revisions, asked: bigint, now_ms: number): readonly Action[] {
  if (revisions.current === undefined) return startRevision(view, deployment, revisions, now_ms);
  const update = currentUpToDate(deployment, revisions);
  return update === undefined ? bringBack(deployment, revisions, asked) : [update];
}

function rollout(view: View, deployment: Deployment, revisions: Revisions, now_ms: number): readonly Action[] {
  const { current, old } = revisions;
  const mustEmptyOld = !isRolling(deployment) && (activeOf(old).length > 0 || hasOldPods(view, old));
  if (current === undefined && !mustEmptyOld) return startRevision(view, deployment, revisions, now_ms);
  const known = current === undefined ? deployment : withProgressing(deployment, current, now_ms);
  const update = currentUpToDate(deployment, revisions);
  const status = rolloutStatus(known, revisions, now_ms);
  const wait_ms = stuckAfter_ms(deployment, status, now_ms);
  const rest: readonly Action[] = [
    ...statusActions(deployment, status, revisionFor(revisions)),
    ...(wait_ms === undefined ? NOTHING : ([{ do: "requeue", after_ms: wait_ms }] as const)),
  ];
  if (update !== undefined) return [update, ...rest];
  if (mustEmptyOld)
    return [
      ...scaleActions(
        deployment,
        activeOf(old).map((set) => ({ set, replicas: 0 })),
      ),
      ...rest,
    ];
  if (current === undefined) return rest;
  const scales = isRolling(deployment) ? rollOn(deployment, current, revisions) : [{ set: current, replicas: wantedReplicas(deployment) }];
  const actions = scaleActions(deployment, scales);
  const cleanUp = actions.length === 0 && isComplete(deployment, deployment.status) ? cleanUpActions(deployment, revisions) : NOTHING;
  return [...actions, ...cleanUp, ...rest];
}

/** Pods of old sets that still run or still stop. Source: oldPodsRunning. */
function hasOldPods(view: View, old: readonly ReplicaSet[]): boolean {
  return old.some(
    (set) =>
      (set.status?.replicas ?? 0) > 0 ||
      controlledBy(view, PODS, set.metadata.uid).some((entry) => {
        const { phase } = factsOf(view, entry);
        return phase !== "Succeeded" && phase !== "Failed";
      }),
  );
}

/** Creates the set of the present template, or looks for another name when its own is taken. Source: getNewReplicaSet. */
function startRevision(view: View, deployment: Deployment, { all, revision }: Revisions, now_ms: number): readonly Action[] {
  const { namespace = "" } = deployment.metadata;
  const name = newSetName(deployment);
  const status = countedStatus(deployment, all, undefined, now_ms);
  if (view.entry(`${REPLICA_SETS}/${namespace}/${name}`) !== undefined) {
    return [updateStatus(DeploymentKind, deployment, { ...status, collisionCount: (status.collisionCount ?? 0) + 1 })];
  }
  const replicas = replicasOfCurrent(deployment, all, 0);
  const about = regarding(DeploymentKind, deployment);
  const scaled = replicas === 0 ? {} : { done: normal(about, "ScalingReplicaSet", `Scaled up replica set ${name} from 0 to ${replicas}`) };
  const refused = warning(about, "ReplicaSetCreateError", `Failed to create new replica set "${name}": {error}`);
  const created = progressing("True", "NewReplicaSetCreated", `Created new replica set "${name}"`, now_ms);
  const conditions =
    progressDeadlineSeconds(deployment) === undefined ? (status.conditions ?? []) : withCondition(status.conditions ?? [], created);
  const steps: Action[] = [
    create(ReplicaSetKind, newSet(deployment, revision, replicas), { ...scaled, refused }),
    ...statusActions(deployment, { ...status, conditions }, String(revision)),
  ];
  return [{ do: "inOrder", steps }];
}

/** A Deployment whose set exists already, and which says nothing about its progress yet, begins with that it was found. */
function withProgressing(deployment: Deployment, current: ReplicaSet, now_ms: number): Deployment {
  const conditions = deployment.status?.conditions ?? [];
  if (progressDeadlineSeconds(deployment) === undefined || conditionOf(conditions, "Progressing") !== undefined) return deployment;
  const found = progressing("True", "FoundNewReplicaSet", `Found new replica set "${current.metadata.name}"`, now_ms);
  return { ...deployment, status: { ...deployment.status, conditions: [...conditions, found] } };
}

function currentUpToDate(deployment: Deployment, { current, revision }: Revisions): Action | undefined {
  if (current === undefined || broughtUpToDate(deployment, current, revision) === undefined) return undefined;
  return modify(ReplicaSetKind, current, (set) => broughtUpToDate(deployment, set, revision));
}

/** The revision that the Deployment bears: its current set's. */
function revisionFor({ current, revision }: Revisions): string | undefined {
  if (current === undefined) return undefined;
  const own = current.metadata.annotations?.[REVISION];
  return own !== undefined && (!isRevision(own) || revisionOf(current) >= revision) ? own : String(revision);
}

function scaleActions(deployment: Deployment, scales: readonly Scale[]): readonly Action[] {
  const actions = scales.flatMap((scale) => scaleAction(deployment, scale) ?? []);
  const isTwiceOne = new Set(scales.map(({ set }) => set)).size < scales.length;
  return isTwiceOne ? [{ do: "inOrder", steps: actions }] : actions;
}

/** Source: scaleReplicaSetAndRecordEvent, and scaleReplicaSet for shares. */
function scaleAction(deployment: Deployment, { set, from: size = wantedReplicas(set), replicas, isShare }: Scale): Action | undefined {
  const annotations = replicasAnnotations(deployment);
  const known = Object.entries(annotations).every(([name, value]) => set.metadata.annotations?.[name] === value);
  if (size === replicas && (known || isShare !== true)) return undefined;
  const direction = replicas > size ? "up" : "down";
  const message = `Scaled ${direction} replica set ${set.metadata.name} from ${size} to ${replicas}`;
  const change = (current: ReplicaSet): ReplicaSet => ({
    ...current,
    metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, ...annotations } },
    spec: { ...current.spec, replicas },
  });
  const notes = size === replicas ? undefined : { done: normal(regarding(DeploymentKind, deployment), "ScalingReplicaSet", message) };
  return modify(ReplicaSetKind, set, change, notes);
}

/** Old sets beyond the history limit go, those of the oldest revisions first. Source: cleanupDeployment. */
function cleanUpActions(deployment: Deployment, { old }: Revisions): readonly Action[] {
  const limit = revisionHistoryLimit(deployment);
  if (limit === undefined) return NOTHING;
  const kept = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return [...kept]
    .sort((a, b) => Number(revisionOf(a) > revisionOf(b)) - Number(revisionOf(a) < revisionOf(b)))
    .slice(0, Math.max(0, kept.length - limit))
    .filter(isUnused)
    .map((set) => remove(ReplicaSetKind, set, { propagationPolicy: "Background" }));
}

function isUnused({ metadata, spec, status }: ReplicaSet): boolean {
  return (status?.replicas ?? 0) === 0 && spec.replicas === 0 && (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0);
}

/** Writes what differs. The revision goes along with the status, since an update of the annotations would count as a new generation. */
function statusActions(deployment: Deployment, status: DeploymentStatus, revision?: string): readonly Action[] {
  if (revision === undefined || deployment.metadata.annotations?.[REVISION] === revision) {
    return semanticEqual(status, deployment.status) ? NOTHING : [updateStatus(DeploymentKind, deployment, status)];
  }
  const change = (current: Deployment): Deployment => ({
    ...current,
    metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, [REVISION]: revision } },
    status,
  });
  return [modifyStatus(DeploymentKind, deployment, change)];
}

/** A set that may not be created makes the rollout fail visibly. */
function refused(view: View, key: string, now_ms: number, refusals: readonly Refusal[]): readonly Action[] {
  const deployment = view.get<Deployment>(key);
  const refusal = refusals.find(({ write }) => write.do === "create");
  if (deployment === undefined || refusal === undefined || progressDeadlineSeconds(deployment) === undefined) return NOTHING;
  const message = `Failed to create new replica set "${newSetName(deployment)}": ${refusal.error.message}`;
  const failed = progressing("False", "ReplicaSetCreateError", message, now_ms);
  const conditions = deployment.status?.conditions ?? [];
  const next = withCondition(conditions, failed);
  return semanticEqual(next, conditions) ? NOTHING : [updateStatus(DeploymentKind, deployment, { ...deployment.status, conditions: next })];
}
