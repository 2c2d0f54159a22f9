import { StatefulSetKind } from "../../kinds/apps/stateful-set.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type { PersistentVolumeClaim, StatefulSet } from "../../kinds/generated/types.ts";
import { apiVersionOf, type Kind } from "../../kinds/kind.ts";
import type { KubeObject, OwnerReference } from "../../kinds/object.ts";
import type { View } from "../../store/view.ts";
import { create, modify, normal, regarding, warning } from "../actions.ts";
import { type Action, NOTHING, type Write } from "../controller.ts";
import { controllerOf, controllerReference } from "../ownership.ts";
import { claimsOf, startOrdinal, wantedReplicas } from "./statefulset-pods.ts";

const CLAIMS = "persistentvolumeclaims";

/** One pod of a set, there or to come. */
export interface Member {
  readonly ordinal: number;
  readonly name: string;
  /** The pod's; undefined for one that is not there yet. */
  readonly uid: string | undefined;
}

/** A reference to something of this kind and name. */
function names<T extends KubeObject>(reference: OwnerReference, kind: Kind<T>, name: string): boolean {
  return reference.kind === kind.kind && reference.apiVersion === apiVersionOf(kind) && reference.name === name;
}

function claimEntry(view: View, set: StatefulSet, claim: PersistentVolumeClaim): PersistentVolumeClaim | undefined {
  return view.get<PersistentVolumeClaim>(`${CLAIMS}/${set.metadata.namespace ?? ""}/${claim.metadata.name}`);
}

/**
 * Whether a claim of a pod that is to be created still belongs to the one before it, with which it goes: then the pod has to wait. Source:
 * PodClaimIsStale.
 */
export function hasStaleClaim(view: View, set: StatefulSet, { ordinal, name }: Member): boolean {
  if ((set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled ?? "Retain") === "Retain") return false;
  return claimsOf(set, ordinal).some((claim) => {
    const there = claimEntry(view, set, claim);
    return there?.metadata.ownerReferences?.some((reference) => names(reference, PodKind, name)) === true;
  });
}

/** The names of the pod's claims that are being deleted; until they are gone it cannot be created. */
export function goingClaims(view: View, set: StatefulSet, { ordinal }: Member): readonly string[] {
  return claimsOf(set, ordinal)
    .map((claim) => claimEntry(view, set, claim)?.metadata)
    .flatMap((there) => (there?.deletionTimestamp === undefined ? [] : [there.name]));
}

/** The creations of the claims that the pod lacks. Source: createMissingPersistentVolumeClaims. */
export function missingClaims(view: View, set: StatefulSet, member: Member): readonly Write[] {
  const { ordinal, name } = member;
  const about = regarding(StatefulSetKind, set);
  return claimsOf(set, ordinal)
    .filter((claim) => claimEntry(view, set, claim) === undefined)
    .map((claim) => {
      const what = `create Claim ${claim.metadata.name} Pod ${name} in StatefulSet ${set.metadata.name}`;
      const owners = wantedOwners(set, member);
      const owned = owners.length === 0 ? claim : { ...claim, metadata: { ...claim.metadata, ownerReferences: owners } };
      return create(PersistentVolumeClaimKind, owned, {
        done: normal(about, "SuccessfulCreate", `${what} success`),
        refused: warning(
          about,
          "FailedCreate",
          `create Claim ${claim.metadata.name} for Pod ${name} in StatefulSet ${set.metadata.name} failed error: {error}`,
        ),
      });
    });
}

/**
 * Who takes the pod's claims along: the set when it goes, the pod when it goes because the set became smaller, or nobody. Source:
 * updateClaimOwnerRefForSetAndPod.
 */
function wantedOwners(set: StatefulSet, { ordinal, name, uid }: Member): OwnerReference[] {
  const { whenDeleted = "Retain", whenScaled = "Retain" } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const isCondemned = ordinal < startOrdinal(set) || ordinal >= startOrdinal(set) + wantedReplicas(set);
  if (isCondemned && whenScaled === "Delete") return uid === undefined ? [] : [controllerReference(PodKind, { metadata: { name, uid } })];
  return whenDeleted === "Delete" ? [controllerReference(StatefulSetKind, set)] : [];
}

/**
 * What the set says of the pod's claims that somebody else controls, or an earlier set or pod of the name, where its policy would give them an owner.
 * Source: hasUnexpectedController.
 */
export function claimConflicts(view: View, set: StatefulSet, { ordinal, name, uid }: Member): readonly Action[] {
  const { whenDeleted = "Retain", whenScaled = "Retain" } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  if (whenDeleted === "Retain" && whenScaled === "Retain") return NOTHING;
  const isInTheWay = (reference: OwnerReference): boolean => {
    if (names(reference, StatefulSetKind, set.metadata.name)) return reference.uid !== set.metadata.uid;
    return names(reference, PodKind, name) ? reference.uid !== uid : reference.controller === true;
  };
  return claimsOf(set, ordinal)
    .filter((claim) => claimEntry(view, set, claim)?.metadata.ownerReferences?.some(isInTheWay) === true)
    .map(({ metadata }) => {
      const message = `PersistentVolumeClaim ${metadata.name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
      return { do: "event", note: warning(regarding(StatefulSetKind, set), "ConflictingController", message) };
    });
}

/** The changes that make the owners of the pod's claims what the set's policy says. A claim that somebody else controls is left alone. */
export function claimOwnership(view: View, set: StatefulSet, member: Member): readonly Write[] {
  const wanted = wantedOwners(set, member);
  const isOurs = (reference: OwnerReference): boolean =>
    names(reference, StatefulSetKind, set.metadata.name) || names(reference, PodKind, member.name);
  const known = new Set([set.metadata.uid, member.uid]);
  const changes: Write[] = [];
  for (const template of claimsOf(set, member.ordinal)) {
    const claim = claimEntry(view, set, template);
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) continue;
    const owners = claim.metadata.ownerReferences ?? [];
    const ours = owners.filter(isOurs);
    // What an earlier set or pod of the name holds goes with it.
    if (ours.some(({ uid }) => !known.has(uid))) continue;
    const controller = controllerOf(claim);
    const next = controller !== undefined && !isOurs(controller) ? [] : wanted;
    if (ours.length === next.length && ours.every(({ uid, controller: is }) => is === true && next.some((one) => one.uid === uid)))
      continue;
    changes.push(
      modify(PersistentVolumeClaimKind, claim, (current) => {
        const { ownerReferences = [], ...metadata } = current.metadata;
        const kept = [...ownerReferences.filter((reference) => !isOurs(reference)), ...next];
        return { ...current, metadata: kept.length === 0 ? metadata : { ...metadata, ownerReferences: kept } };
      }),
    );
  }
  return changes;
}
