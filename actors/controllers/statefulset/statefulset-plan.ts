import { StatefulSetKind } from "../../kinds/apps/stateful-set.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import { isTerminalPhase } from "../../kinds/core/pod-phase.ts";
import type { ControllerRevision, Pod, StatefulSet } from "../../kinds/generated/types.ts";
import { Finding } from "../../store/finding.ts";
import type { View } from "../../store/view.ts";
import { create, modify, normal, regarding, remove, warning } from "../actions.ts";
import { type Action, NOTHING, type Notes, type Write } from "../controller.ts";
import { templateOf } from "../pods/controller-history.ts";
import { isAvailable, type PodFacts } from "../pods/pod-facts.ts";
import { claimConflicts, claimOwnership, goingClaims, hasStaleClaim, type Member, missingClaims } from "./statefulset-claims.ts";
import { conformed, conforms, newPod, ordinalOf, REVISION_LABEL, startOrdinal, wantedReplicas } from "./statefulset-pods.ts";

/** Places with something to do in one round at most, and in one batch. Source: MaxBatchSize. */
const BURST_PODS = 500;
/** How soon a name that another pod has is tried again. */
const NAME_TAKEN_RETRY_MS = 1_000;

export interface Planning {
  readonly view: View;
  readonly set: StatefulSet;
  /** The pods that are the set's. */
  readonly pods: readonly PodFacts[];
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  readonly now_ms: number;
}

/** A place in the set: an ordinal, and the pod that holds it. */
interface Place {
  readonly ordinal: number;
  readonly name: string;
  readonly facts: PodFacts | undefined;
}

/** What one place asks for, and whether those after it have to wait for it. */
interface Step {
  readonly actions: readonly Action[];
  readonly waits: boolean;
}

const NEXT: Step = { actions: NOTHING, waits: false };
const WAIT: Step = { actions: NOTHING, waits: true };

/**
 * What to do next for a set that is not going: fill the places in order, then give up those that are too many, from the last to the first, then replace
 * what is of another revision, from the last to the first. `OrderedReady` does one at a time and waits for each. Source: updateStatefulSet.
 */
export function planPods(planning: Planning): readonly Action[] {
  const { set, view } = planning;
  const ordered = set.spec.podManagementPolicy !== "Parallel";
  const { places, condemned } = placesOf(planning);
  const filled = ordered ? inOrder(places, (place) => fill(planning, place)) : inBatches(places, (place) => fill(planning, place));
  if (filled.waits) return filled.actions;
  const owners = condemned.flatMap((place) => newOwners(view, set, memberOf(place)));
  if (owners.length > 0) return inPhases([filled.actions, owners]);
  const unavailable = [...places, ...condemned.toReversed()].find(({ facts }) => !isServing(planning, facts));
  const giveUp = (place: Place): Step => condemn(planning, place, ordered, place === unavailable);
  const given = ordered ? inOrder(condemned, giveUp) : all(condemned.map(giveUp));
  const isDone = given.waits || set.spec.updateStrategy?.type === "OnDelete";
  return inPhases([filled.actions, given.actions, isDone ? NOTHING : replaceOutdated(planning, places)]);
}

/** One after the other, all of each at the same time; where something fails what comes after it has to wait. */
function inPhases(phases: readonly (readonly Action[])[]): readonly Action[] {
  const busy = phases.filter((actions) => actions.length > 0);
  if (busy.length < 2) return busy.flat();
  return [{ do: "inOrder", steps: busy.map((actions) => ({ do: "together", actions })) }];
}

function placesOf({ set, pods }: Planning): { readonly places: readonly Place[]; readonly condemned: readonly Place[] } {
  const start = startOrdinal(set);
  const wanted = wantedReplicas(set);
  const held = new Map<number, PodFacts>();
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod.name);
    if (ordinal !== undefined) held.set(ordinal, pod);
  }
  const placeAt = (ordinal: number): Place => ({ ordinal, name: `${set.metadata.name}-${ordinal}`, facts: held.get(ordinal) });
  const condemned = [...held.keys()].filter((ordinal) => ordinal < start || ordinal >= start + wanted).sort((a, b) => b - a);
  return { places: Array.from({ length: wanted }, (_, i) => placeAt(start + i)), condemned: condemned.map(placeAt) };
}

/** One after the other, up to the first that has something to do or waits. */
function inOrder(places: readonly Place[], step: (place: Place) => Step): Step {
  const actions: Action[] = [];
  for (const place of places) {
    const { actions: own, waits } = step(place);
    actions.push(...own);
    if (waits) return { actions, waits };
  }
  return { actions, waits: false };
}

function all(steps: readonly Step[]): Step {
  return { actions: steps.flatMap(({ actions }) => actions), waits: steps.some(({ waits }) => waits) };
}

/** One place, then two, then four, up to the batch in which one waits: each is a batch's part, whether it has something to do or not. Source: slowStartBatch. */
function inBatches(places: readonly Place[], step: (place: Place) => Step): Step {
  const batches: (readonly Action[])[] = [];
  let [from, size, busy, waits] = [0, 1, 0, false];
  for (; from < places.length && busy < BURST_PODS && !waits; from += size, size = Math.min(2 * size, BURST_PODS)) {
    const steps = places.slice(from, from + size).map(step);
    busy += steps.filter(({ actions }) => actions.length > 0).length;
    waits = steps.some((one) => one.waits);
    batches.push(all(steps).actions);
  }
  return { actions: inPhases(batches), waits };
}

/** Source: processReplica. */
function fill(planning: Planning, place: Place): Step {
  const { view, set } = planning;
  const ordered = set.spec.podManagementPolicy !== "Parallel";
  const { facts, ordinal } = place;
  const member = memberOf(place);
  if (facts === undefined) {
    if (hasStaleClaim(view, set, member)) return { actions: NOTHING, waits: ordered };
    const missing = missingClaims(view, set, member);
    const going = goingClaims(view, set, member).map((name) => `pvc ${name} is being deleted`);
    if (going.length > 0) return { actions: [...missing, notCreated(set, place.name, going)], waits: true };
    if (view.entry(`pods/${set.metadata.namespace ?? ""}/${place.name}`) !== undefined) {
      return { actions: [...missing, { do: "requeue", after_ms: NAME_TAKEN_RETRY_MS }], waits: true };
    }
    const claims: readonly Action[] = missing.length === 0 ? NOTHING : [{ do: "together", actions: missing }];
    const pod = create(PodKind, podFor(planning, ordinal), notes(set, place.name, "create"));
    const owners = [...claimConflicts(view, set, member), ...claimOwnership(view, set, member)];
    return { actions: [{ do: "inOrder", steps: [...claims, pod, ...owners] }], waits: ordered };
  }
  if (isTerminalPhase(facts.phase)) {
    return { actions: facts.deleting ? NOTHING : [removal(planning, place)], waits: ordered };
  }
  const isPending = facts.phase === "Pending";
  if (isPending && goingClaims(view, set, member).length > 0) return { actions: missingClaims(view, set, member), waits: true };
  const owners = newOwners(view, set, member);
  const claims = isPending
    ? [...missingClaims(view, set, member), ...(owners.length > 0 ? owners : claimConflicts(view, set, member))]
    : NOTHING;
  if (ordered && (facts.deleting || !isUp(planning, facts))) return { actions: claims, waits: true };
  const update = (): Required<Notes> => notes(set, place.name, "update");
  if (!isConforming(planning, facts, ordinal)) {
    const mended = modify(PodKind, view.decode<Pod>(facts.entry), (current) => conformed(set, current, ordinal), update());
    return { actions: [...(isPending ? claims : [...missingClaims(view, set, member), ...owners]), mended], waits: false };
  }
  if (isPending || owners.length === 0) return claims.length === 0 ? NEXT : { actions: claims, waits: false };
  // Kubernetes says of such a pod that it was updated, whose claims alone were.
  return { actions: [{ do: "inOrder", steps: [...owners, { do: "event", note: update().done }] }], waits: false };
}

/** The claims of a pod that is there get the owners that they should have, and the set says of which it does not own. */
function newOwners(view: View, set: StatefulSet, member: Member): readonly Action[] {
  const owners = claimOwnership(view, set, member);
  return owners.length === 0 ? NOTHING : [...claimConflicts(view, set, member), ...owners];
}

/** What was found of a pod's state as its set's: neither its place nor the claims of its set's template can change. */
const conforming = new Finding((entry, { view, set, ordinal }: Pick<Planning, "view" | "set"> & { readonly ordinal: number }) =>
  conforms(set, view.decode<Pod>(entry), ordinal),
);

function isConforming({ view, set }: Planning, facts: PodFacts, ordinal: number): boolean {
  return conforming.of(facts.entry, { view, set, ordinal });
}

/** Source: processCondemned. */
function condemn(planning: Planning, place: Place, ordered: boolean, isFirstUnavailable: boolean): Step {
  const { facts } = place;
  if (facts === undefined) return NEXT;
  if (facts.deleting) return ordered ? WAIT : NEXT;
  if (ordered && !isUp(planning, facts) && !isFirstUnavailable) return WAIT;
  return { actions: [removal(planning, place)], waits: ordered };
}

/** The last pod of another revision that is at or above the partition, when all after it are up. */
function replaceOutdated(planning: Planning, places: readonly Place[]): readonly Action[] {
  const { set, update } = planning;
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  for (let i = places.length - 1; i >= partition; i--) {
    const place = places[i];
    if (place?.facts === undefined) return NOTHING;
    if (place.facts.labels[REVISION_LABEL] !== update.metadata.name && !place.facts.deleting) return [removal(planning, place)];
    if (!isServing(planning, place.facts)) return NOTHING;
  }
  return NOTHING;
}

function isRunningAndReady(facts: PodFacts): boolean {
  return facts.phase === "Running" && facts.ready;
}

/** Ready for as long as it has to be. */
function isUp({ set, now_ms }: Planning, facts: PodFacts): boolean {
  return isRunningAndReady(facts) && isAvailable(facts, set.spec.minReadySeconds ?? 0, now_ms);
}

/** Source: isUnavailable. */
function isServing(planning: Planning, facts: PodFacts | undefined): boolean {
  return facts !== undefined && isUp(planning, facts) && !facts.deleting;
}

function memberOf({ ordinal, name, facts }: Place): Member {
  return { ordinal, name, uid: facts?.uid };
}

/** Below the partition pods are of the revision before the update. Source: newVersionedStatefulSetPod. */
function podFor({ set, current, update }: Planning, ordinal: number): Pod {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  const kept =
    rollingUpdate === undefined ? (type === "RollingUpdate" ? (set.status?.currentReplicas ?? 0) : 0) : (rollingUpdate.partition ?? 0);
  const revision = ordinal < startOrdinal(set) + kept ? current : update;
  return newPod(set, templateOf(revision), revision.metadata.name, ordinal);
}

function removal({ view, set }: Planning, { name, facts }: Place): Write {
  const pod = view.decode<Pod>((facts as PodFacts).entry);
  return remove(PodKind, pod, undefined, notes(set, name, "delete"));
}

/** Why the set does not create the pod; several errors are told in one text, as apimachinery's aggregates do it. */
export function notCreated(set: StatefulSet, pod: string, errors: readonly string[]): Action {
  const { refused } = notes(set, pod, "create");
  const all = errors.length === 1 ? (errors[0] ?? "") : `[${errors.join(", ")}]`;
  return { do: "event", note: { ...refused, message: refused.message.replace("{error}", () => all) } };
}

/** Source: recordPodEvent. */
function notes(set: StatefulSet, pod: string, verb: "create" | "update" | "delete"): Required<Notes> {
  const about = regarding(StatefulSetKind, set);
  const what = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`;
  const Verb = `${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
  return {
    done: normal(about, `Successful${Verb}`, `${what} successful`),
    refused: warning(about, `Failed${Verb}`, `${what} failed error: {error}`),
  };
}
