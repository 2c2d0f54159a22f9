import { DaemonSetKind } from "../../kinds/apps/daemon-set.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import { isTerminalPhase } from "../../kinds/core/pod-phase.ts";
import type { DaemonSet, Pod } from "../../kinds/generated/types.ts";
import { scaledValue } from "../../kinds/machinery/int-or-string.ts";
import type { View } from "../../store/view.ts";
import { create, normal, regarding, remove, warning } from "../actions.ts";
import type { Action } from "../controller.ts";
import { controllerReference } from "../ownership.ts";
import type { FailureBackoff } from "../pods/failure-backoff.ts";
import { isAvailable, type PodFacts } from "../pods/pod-facts.ts";
import { creationNotes, deletionNotes } from "../pods/pod-notes.ts";
import { PodMaker } from "../pods/pod-template.ts";
import { pinnedTo, tolerating } from "./daemonset-placement.ts";
import type { Seat } from "./daemonset-seats.ts";

/** Pods created, and pods deleted, in one round at most. Source: BurstReplicas. */
const BURST_PODS = 250;
export const HASH_LABEL = "controller-revision-hash";
const GENERATION_LABEL = "pod-template-generation";
const GENERATION_ANNOTATION = "deprecated.daemonset.template.generation";

export interface Planning {
  readonly view: View;
  readonly set: DaemonSet;
  readonly seats: readonly Seat[];
  /** The hash of the present template's revision. */
  readonly hash: string;
  readonly backoff: FailureBackoff;
  readonly now_ms: number;
}

interface Changes {
  /** Nodes that are to get a pod. */
  readonly create: string[];
  readonly remove: PodFacts[];
  readonly others: Action[];
}

/** Brings every node to what is wanted of it, and then replaces what is of another template. Source: manage and rollingUpdate. */
export function planPods(planning: Planning): readonly Action[] {
  const managed = manage(planning);
  // Pods are only replaced once all of them are there, since what is missing counts as unavailable.
  const isSettled = managed.create.length === 0 && managed.remove.length === 0;
  const rolls = planning.set.spec.updateStrategy?.type !== "OnDelete" && planning.seats.some((seat) => hasOld(planning, seat));
  return actionsOf(planning, isSettled && rolls ? { ...rollingUpdate(planning), others: managed.others } : managed);
}

/** Nothing is to be replaced where nothing is of another template. */
function hasOld({ set, hash }: Planning, { pods }: Seat): boolean {
  for (const pod of pods) if (!pod.deleting && !isUpdated(set, hash, pod)) return true;
  return false;
}

/** Source: podsShouldBeOnNode and getUnscheduledPodsWithoutNode. */
function manage(planning: Planning): Changes {
  const changes: Changes = { create: [], remove: [], others: [] };
  for (const { node, exists, shouldRun, mayStay, pods } of planning.seats) {
    if (!exists) changes.remove.push(...pods.filter(({ nodeName, deleting }) => nodeName === "" && !deleting));
    else if (shouldRun && pods.length === 0) changes.create.push(node);
    else if (mayStay) {
      const running = keepOnNode(planning, node, pods, changes);
      // With a surge the next one does not wait for the last one to be gone.
      if (shouldRun && running === 0 && allowsSurge(planning.set)) changes.create.push(node);
    } else changes.remove.push(...pods.filter(({ deleting }) => !deleting));
  }
  return changes;
}

/** How many run there, those included that are too many. Nearly always it is one, and there are as many seats as nodes: that is told without making anything. */
function keepOnNode(planning: Planning, node: string, pods: readonly PodFacts[], changes: Changes): number {
  const [first] = pods;
  if (pods.length === 1 && first !== undefined && !first.deleting && !isTerminalPhase(first.phase)) return 1;
  const { set, backoff, now_ms } = planning;
  const about = regarding(DaemonSetKind, set);
  const running: PodFacts[] = [];
  for (const pod of pods) {
    if (pod.deleting) continue;
    const where = `${set.metadata.namespace}/${pod.name} on node ${node}`;
    if (pod.phase === "Failed") {
      const key = `${set.metadata.uid}/${set.status?.observedGeneration ?? 0}/${node}`;
      const wait_ms = backoff.remaining_ms(key, now_ms);
      if (wait_ms > 0) {
        changes.others.push({ do: "requeue", after_ms: wait_ms });
        continue;
      }
      backoff.failed(key, now_ms);
      changes.others.push({
        do: "event",
        note: warning(about, "FailedDaemonPod", `Found failed daemon pod ${where}, will try to kill it`),
      });
      changes.remove.push(pod);
    } else if (pod.phase === "Succeeded") {
      const message = `Found succeeded daemon pod ${where}, will try to delete it`;
      changes.others.push({ do: "event", note: normal(about, "SucceededDaemonPod", message) });
      changes.remove.push(pod);
    } else running.push(pod);
  }
  if (running.length > 1) changes.remove.push(...surplus(planning, running.sort(byAge)));
  return running.length;
}

function allowsSurge({ spec }: DaemonSet): boolean {
  const surge = spec.updateStrategy?.rollingUpdate?.maxSurge;
  return surge !== undefined && (scaledValue(surge, 1, "up") ?? 0) > 0;
}

/** Of several on one node all but the oldest go; with a surge, all but the oldest of the old template until the oldest of the new one is available. */
function surplus(planning: Planning, running: readonly PodFacts[]): readonly PodFacts[] {
  const { set, hash, now_ms } = planning;
  if (!allowsSurge(set)) return running.slice(1);
  const updated = running.find(({ labels }) => labels[HASH_LABEL] === hash);
  const old = running.find(({ labels }) => labels[HASH_LABEL] !== hash);
  const others = running.filter((pod) => pod !== updated && pod !== old);
  if (updated === undefined || old === undefined) return others;
  return !old.ready || isAvailable(updated, set.spec.minReadySeconds ?? 0, now_ms) ? [...others, old] : others;
}

/** Pods of a node before those that wait for one, older before younger. Source: podByCreationTimestampAndPhase. */
function byAge(a: PodFacts, b: PodFacts): number {
  return Number(b.nodeName !== "") - Number(a.nodeName !== "") || a.created_ms - b.created_ms || (a.name < b.name ? -1 : 1);
}

/** Nearly always there is one. */
export function oldestOf(pods: readonly PodFacts[]): PodFacts | undefined {
  return pods.length <= 1 ? pods[0] : pods.toSorted(byAge)[0];
}

function rollingUpdate(planning: Planning): Pick<Changes, "create" | "remove"> {
  const surge = maxOf(planning, "maxSurge");
  return surge === 0 ? replaceWithin(planning, Math.max(1, maxOf(planning, "maxUnavailable"))) : surgeWithin(planning, surge);
}

/** Those with pods, and those that want one. */
function rollingSeats({ seats }: Planning): readonly Seat[] {
  return seats.filter(({ shouldRun, pods }) => shouldRun || pods.length > 0);
}

/** The pod of the present template and the one of another; undefined when there are several of either, which is managed first. */
function versionsOn(
  planning: Planning,
  pods: readonly PodFacts[],
): { updated: PodFacts | undefined; old: PodFacts | undefined } | undefined {
  const versions: { updated: PodFacts | undefined; old: PodFacts | undefined } = { updated: undefined, old: undefined };
  for (const pod of pods) {
    if (pod.deleting) continue;
    const version = isUpdated(planning.set, planning.hash, pod) ? "updated" : "old";
    if (versions[version] !== undefined) return undefined;
    versions[version] = pod;
  }
  return versions;
}

/** Old pods that are not available go at once, others as far as the limit of what may be unavailable allows. */
function replaceWithin(planning: Planning, maxUnavailable: number): Pick<Changes, "create" | "remove"> {
  const { set, now_ms } = planning;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  let unavailable = 0;
  const broken: PodFacts[] = [];
  const candidates: PodFacts[] = [];
  for (const { pods } of rollingSeats(planning)) {
    const versions = versionsOn(planning, pods);
    const { updated, old } = versions ?? {};
    if ((updated === undefined) === (old === undefined)) unavailable++;
    else if (updated !== undefined) unavailable += isAvailable(updated, minReadySeconds, now_ms) ? 0 : 1;
    else if (old !== undefined && !isAvailable(old, minReadySeconds, now_ms)) {
      broken.push(old);
      unavailable++;
    } else if (old !== undefined) candidates.push(old);
  }
  return { create: [], remove: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] };
}

/**
 * A second pod beside old ones, as many as the surge allows; the old one goes when the new one is available. On a node that wants none any more, but
 * lets the old one stay, no second one comes: the old one goes when enough others are available.
 */
function surgeWithin(planning: Planning, maxSurge: number): Pick<Changes, "create" | "remove"> {
  const { set, seats, now_ms } = planning;
  const isUp = (pod: PodFacts): boolean => isAvailable(pod, set.spec.minReadySeconds ?? 0, now_ms);
  const wanted = wantedOf(seats);
  let surging = 0;
  let available = 0;
  const broken: string[] = [];
  const candidates: string[] = [];
  const done: PodFacts[] = [];
  const unwanted: PodFacts[] = [];
  for (const { node, shouldRun, pods } of rollingSeats(planning)) {
    const versions = versionsOn(planning, pods);
    if (versions === undefined) {
      surging++;
      continue;
    }
    const { updated, old } = versions;
    const shown = old ?? updated;
    if (shown !== undefined && isUp(shown)) available++;
    if (old === undefined) continue;
    if (updated !== undefined) {
      if (isUp(updated)) done.push(old);
      else surging++;
    } else if (!shouldRun) (isUp(old) ? unwanted : done).push(old);
    else (isUp(old) ? candidates : broken).push(node);
  }
  return {
    create: [...broken, ...candidates.slice(0, Math.max(0, maxSurge - surging))],
    remove: [...done, ...unwanted.slice(0, Math.max(0, available - wanted))],
  };
}

function maxOf({ set, seats }: Planning, limit: "maxSurge" | "maxUnavailable"): number {
  const value = set.spec.updateStrategy?.rollingUpdate?.[limit];
  return value === undefined ? 0 : (scaledValue(value, wantedOf(seats), "up") ?? 0);
}

/** How many nodes want a pod. */
function wantedOf(seats: readonly Seat[]): number {
  return seats.filter(({ shouldRun }) => shouldRun).length;
}

/** Source: IsPodUpdated. */
export function isUpdated(set: DaemonSet, hash: string, pod: PodFacts): boolean {
  const generation = set.metadata.annotations?.[GENERATION_ANNOTATION];
  return pod.labels[HASH_LABEL] === hash || (generation !== undefined && pod.labels[GENERATION_LABEL] === generation);
}

function actionsOf({ view, set, hash }: Planning, { create: nodes, remove: pods, others }: Changes): readonly Action[] {
  const actions: Action[] = [...others];
  if (nodes.length > 0) {
    const notes = creationNotes(DaemonSetKind, set);
    const maker = new PodMaker(daemonTemplate(set, hash), set.metadata.namespace ?? "", controllerReference(DaemonSetKind, set));
    const writes = nodes.slice(0, BURST_PODS).map((node) => {
      const pod = maker.make();
      return create(PodKind, { ...pod, spec: pinnedTo(pod.spec, node) }, notes);
    });
    actions.push({ do: "slowStart", writes });
  }
  const notes = deletionNotes(DaemonSetKind, set);
  for (const pod of pods.slice(0, BURST_PODS)) actions.push(remove(PodKind, view.decode<Pod>(pod.entry), undefined, notes));
  return actions;
}

function daemonTemplate(set: DaemonSet, hash: string): DaemonSet["spec"]["template"] {
  const template = tolerating(set.spec.template);
  const generation = set.metadata.annotations?.[GENERATION_ANNOTATION];
  const labels = {
    ...template.metadata?.labels,
    [HASH_LABEL]: hash,
    ...(generation === undefined ? {} : { [GENERATION_LABEL]: generation }),
  };
  return { ...template, metadata: { ...template.metadata, labels } };
}
