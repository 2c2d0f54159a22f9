import { ControllerRevisionKind } from "../../kinds/apps/controller-revision.ts";
import type { ControllerRevision, LabelSelector, PodTemplateSpec } from "../../kinds/generated/types.ts";
import type { Kind } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { matchesLabels, selectorOf } from "../../kinds/machinery/label-selector.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { View } from "../../store/view.ts";
import { create, modify, modifyStatus, newMeta, remove } from "../actions.ts";
import type { Action } from "../controller.ts";
import { adopted, controlledBy, controllerOf, controllerReference, disowned, orphansFor } from "../ownership.ts";
import { canonical, templateHash } from "./template-hash.ts";

/** The resource of revisions. Who uses this file declares controllerIndex(REVISIONS). */
export const REVISIONS = "controllerrevisions.apps";

/** What StatefulSets and DaemonSets remember of their templates. */
export interface Historied extends KubeObject {
  readonly spec: { readonly selector: LabelSelector; readonly template: PodTemplateSpec; readonly revisionHistoryLimit?: number };
  readonly status?: { readonly collisionCount?: number };
}

/**
 * The owner's revisions, the oldest first, with the adoptions of those that nobody has, and, for owners that let go of any, the releases of those that its
 * selector does not take. Source: pkg/controller/history.
 */
export function historyOf<T extends Historied>(
  kind: Kind<T>,
  view: View,
  owner: T,
): { readonly revisions: readonly ControllerRevision[]; readonly adoptions: readonly Action[]; readonly releases: readonly Action[] } {
  const { namespace = "", uid, deletionTimestamp } = owner.metadata;
  const selector = selectorOf(owner.spec.selector);
  const isTaken = ({ metadata }: ControllerRevision): boolean => matchesLabels(selector, metadata.labels ?? {});
  const controlled = controlledBy(view, REVISIONS, uid).map((entry) => view.decode<ControllerRevision>(entry));
  const own = controlled.filter(isTaken);
  const orphans =
    deletionTimestamp === undefined
      ? orphansFor(view, REVISIONS, namespace, owner.spec.selector.matchLabels)
          .map((entry) => view.decode<ControllerRevision>(entry))
          .filter((one) => controllerOf(one) === undefined && isTaken(one))
      : [];
  const reference = controllerReference(kind, owner);
  const adoptions = orphans.map((one) =>
    modify(ControllerRevisionKind, one, (current) => (controllerOf(current) === undefined ? adopted(current, reference) : undefined)),
  );
  const releases = controlled
    .filter((one) => !isTaken(one))
    .map((one) => modify(ControllerRevisionKind, one, (current) => disowned(current, new Set([uid]))));
  return { revisions: [...own, ...orphans].sort(byRevision), adoptions, releases };
}

function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  return a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1);
}

/** The template as revisions keep it: a patch of the owner that replaces its template. */
export function templateData(template: PodTemplateSpec): object {
  return { spec: { template: { ...template, $patch: "replace" } } };
}

/** The template that a revision keeps. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { template } = (revision.data as { spec: { template: PodTemplateSpec & { $patch?: string } } }).spec;
  const { $patch: _patch, ...rest } = template;
  return rest as PodTemplateSpec;
}

/** The revision of the owner's present template, which may have to be written first. */
export interface UpdateRevision {
  readonly revision: ControllerRevision;
  /** Creates it, or makes an older one the newest again. Undefined: it stands already. */
  readonly write: Action | undefined;
  /** How many of its names were taken by others. */
  readonly collisionCount: number;
}

/** How a kind marks its revisions. */
export interface RevisionMarks {
  /** The label with the hash of the name. */
  readonly hashLabel: string;
}

/**
 * Finds the revision of the present template among these, which are sorted, or makes it: a template that was there before becomes the newest
 * by its number. Source: getStatefulSetRevisions, CreateControllerRevision, constructHistory and snapshot.
 */
export function updateRevisionOf<T extends Historied>(
  kind: Kind<T>,
  view: View,
  owner: T,
  revisions: readonly ControllerRevision[],
  { hashLabel }: RevisionMarks,
): UpdateRevision {
  const collisionCount = owner.status?.collisionCount ?? 0;
  const data = templateData(owner.spec.template);
  const newest = revisions.at(-1);
  const next = (newest?.revision ?? 0) + 1;
  const equal = revisions.findLast((one) => semanticEqual(one.data, data));
  if (equal !== undefined) {
    if (equal === newest) return { revision: equal, write: undefined, collisionCount };
    const write = modify(ControllerRevisionKind, equal, (current) => ({ ...current, revision: next }));
    return { revision: { ...equal, revision: next }, write, collisionCount };
  }
  const { name, namespace = "", annotations } = owner.metadata;
  let collisions = collisionCount;
  let hash = templateHash(data, collisions === 0 ? undefined : collisions);
  const taken = (): ControllerRevision | undefined => view.get<ControllerRevision>(`${REVISIONS}/${namespace}/${name}-${hash}`);
  for (let one = taken(); one !== undefined; one = taken()) {
    // It keeps this template, so it will do, whosever it is.
    if (semanticEqual(one.data, data)) return { revision: one, write: undefined, collisionCount: collisions };
    hash = templateHash(data, ++collisions);
  }
  const revision: ControllerRevision = {
    metadata: newMeta({
      name: `${name}-${hash}`,
      namespace,
      labels: { ...owner.spec.template.metadata?.labels, [hashLabel]: hash },
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ownerReferences: [controllerReference(kind, owner)],
    }),
    // In the order of Go's text: kubectl tells by it whether the owner already has the template that it is to go back to.
    data: JSON.parse(canonical(data)) as ControllerRevision["data"],
    revision: next,
  };
  const creation = create(ControllerRevisionKind, structuredClone(revision));
  if (collisions === collisionCount) return { revision, write: creation, collisionCount };
  // A name that is taken stays so: that it was met has to be known as long as the owner is there.
  const counted = modifyStatus(kind, owner, (current) => ({ ...current, status: { ...current.status, collisionCount: collisions } }));
  return { revision, write: { do: "inOrder", steps: [counted, creation] }, collisionCount: collisions };
}

/** How many old revisions the owner keeps; a number below zero, which a StatefulSet may have, keeps all. */
export function historyLimit({ spec: { revisionHistoryLimit = 10 } }: Historied): number {
  return revisionHistoryLimit < 0 ? Number.POSITIVE_INFINITY : revisionHistoryLimit;
}

/** Deletes the oldest ones of these, which are sorted and of which there are so many too many. Source: truncateHistory and cleanupHistory. */
export function forgetOldest(revisions: readonly ControllerRevision[], tooMany: number): readonly Action[] {
  return revisions.slice(0, Math.max(0, tooMany)).map((one) => remove(ControllerRevisionKind, one));
}
