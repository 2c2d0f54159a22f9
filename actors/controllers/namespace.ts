import { NAMESPACE_FINALIZER, NamespaceKind } from "../kinds/core/namespace.ts";
import { isTerminal } from "../kinds/core/pod-phase.ts";
import type { Namespace, NamespaceCondition, Pod } from "../kinds/generated/types.ts";
import { type Kind, partsOf, resourceOf } from "../kinds/kind.ts";
import { semanticEqual } from "../kinds/machinery/equal.ts";
import type { KubeObject } from "../kinds/object.ts";
import { timestamp } from "../registry/timestamps.ts";
import { Finding } from "../store/finding.ts";
import type { Change, Entry, View } from "../store/view.ts";
import { anyKind, remove, updateStatus } from "./actions.ts";
import { conditionOf } from "./conditions.ts";
import { type Action, type Controller, type HearOfCustom, NO_KEYS, NOTHING } from "./controller.ts";
import { metadataOf } from "./garbage/garbage-owners.ts";

/** Objects deleted in one round at most. */
const DELETIONS_PER_ROUND = 1_000;
/** A namespace of thousands empties in bursts. */
const PACE_MS = 20;
const PODS = "pods";
const CONTENT_FAILURE = "NamespaceDeletionContentFailure";

/** Empties namespaces that are being deleted, pods first, and lets them go. Source: pkg/controller/namespace. */
export function namespaceController(kinds: readonly Kind[], hearOfCustom?: HearOfCustom): Controller {
  const content: Kind[] = kinds.filter((kind) => kind.namespaced && kind.verbs.includes("delete"));
  return {
    name: "namespace",
    component: "namespace-controller",
    kind: anyKind(NamespaceKind),
    pace_ms: PACE_MS,
    watches: [
      { resource: "namespaces", keys: ({ now }, view) => (now !== undefined && isGoing(view, now.key) ? [now.key] : NO_KEYS) },
      ...content.map((kind) => ({ resource: resourceOf(kind), keys: keysOfGone })),
    ],
    ...(hearOfCustom === undefined
      ? {}
      : {
          more: (watch) =>
            hearOfCustom((kind) => {
              if (!kind.namespaced || content.some((known) => resourceOf(known) === resourceOf(kind))) return;
              content.push(kind);
              watch({ resource: resourceOf(kind), keys: keysOfGone }, []);
            }),
        }),
    reconcile: (view, key, now_ms) => reconcile(content, view, key, now_ms),
  };
}

function isGoing(view: View, key: string): boolean {
  return view.get<Namespace>(key)?.metadata.deletionTimestamp !== undefined;
}

/** Something in the namespace is gone, which may have been the last. */
function keysOfGone({ now, before }: Change, view: View): readonly string[] {
  if (now !== undefined || before === undefined) return NO_KEYS;
  const key = `namespaces/${partsOf(before.key).namespace}`;
  return isGoing(view, key) ? [key] : NO_KEYS;
}

interface Remaining {
  readonly kind: Kind;
  readonly entries: readonly Entry[];
}

function reconcile(content: readonly Kind[], view: View, key: string, now_ms: number): readonly Action[] {
  const namespace = view.get<Namespace>(key);
  if (namespace?.metadata.deletionTimestamp === undefined) return NOTHING;
  const finalizers = namespace.spec.finalizers ?? [];
  if (!finalizers.includes(NAMESPACE_FINALIZER)) return NOTHING;
  const all = content
    .map((kind) => ({ kind, entries: view.list(resourceOf(kind), namespace.metadata.name) }))
    .filter(({ entries }) => entries.length > 0);
  // What pods use must not go before they do. Source: KEP-5080, ordered namespace deletion.
  const pods = all.find(({ kind }) => resourceOf(kind) === PODS);
  if (pods !== undefined) return [...deletions([pods]), ...awaiting(view, namespace, pods.entries, now_ms)];
  const status = statusActions(namespace, left(all), now_ms);
  if (all.length > 0) return [...deletions(all), ...status];
  if (status.length > 0) return status;
  return [
    { do: "finalize", kind: anyKind(NamespaceKind), of: namespace, finalizers: finalizers.filter((one) => one !== NAMESPACE_FINALIZER) },
  ];
}

/** While there are pods nothing else is looked at: not said is what remains, only that pods should have gone by now. Source: deleteAllContent. */
function awaiting(view: View, namespace: Namespace, pods: readonly Entry[], now_ms: number): readonly Action[] {
  const { name, deletionTimestamp = "" } = namespace.metadata;
  const grace_s = pods.reduce((longest, entry) => Math.max(longest, grace.of(entry, view)), 0);
  const left_ms = Date.parse(deletionTimestamp) + grace_s * 1_000 - now_ms;
  if (left_ms > 0) return [...statusActions(namespace, [], now_ms), { do: "requeue", after_ms: left_ms }];
  const why = `failed to delete pods for namespace: ${name}, err: unexpected items still remain in namespace: ${name} for gvr: /v1, Resource=pods`;
  const isLate = pods.every((entry) => !hasFinalizers(entry) && metadataOf(entry).deletionTimestamp !== undefined);
  return statusActions(namespace, [], now_ms, isLate ? `Failed to delete all resource types, 1 remaining: ${why}` : undefined);
}

/** How long a pod may take to end, in seconds. Rounds follow one another for as long as there are pods. Source: estimateGracefulTerminationForPods. */
const grace = new Finding((entry, view: View): number => {
  const pod = view.decode<Pod>(entry);
  return isTerminal(pod) ? 0 : (pod.spec.terminationGracePeriodSeconds ?? 0);
});

function hasFinalizers(entry: Entry): boolean {
  return (metadataOf(entry).finalizers ?? []).length > 0;
}

/** What is left when all that can be deleted is. */
function left(all: readonly Remaining[]): readonly Remaining[] {
  return all.map(({ kind, entries }) => ({ kind, entries: entries.filter(hasFinalizers) })).filter(({ entries }) => entries.length > 0);
}

/** Deletions of all that is not on its way already. */
function deletions(remaining: readonly Remaining[]): readonly Action[] {
  const actions: Action[] = [];
  for (const { kind, entries } of remaining) {
    for (const entry of entries) {
      const metadata = metadataOf(entry);
      if (metadata.deletionTimestamp !== undefined) continue;
      actions.push(remove(kind, { metadata } as KubeObject, { propagationPolicy: "Background" }));
      if (actions.length >= DELETIONS_PER_ROUND) return actions;
    }
  }
  return actions;
}

/** What the namespace says about how far it is. Source: namespaceConditionUpdater. */
function statusActions(namespace: Namespace, all: readonly Remaining[], now_ms: number, failure?: string): readonly Action[] {
  const remaining = all.map(({ kind, entries }) => `${kind.plural}.${kind.group} has ${entries.length} resource instances`).sort();
  const finalizers = new Map<string, number>();
  for (const { entries } of all) {
    for (const entry of entries) for (const one of metadataOf(entry).finalizers ?? []) finalizers.set(one, (finalizers.get(one) ?? 0) + 1);
  }
  const held = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).sort();
  const next: NamespaceCondition[] = [
    condition("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
    condition("NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    failure === undefined
      ? condition(CONTENT_FAILURE, "False", "ContentDeleted", "All content successfully deleted, may be waiting on finalization")
      : condition(CONTENT_FAILURE, "True", "ContentDeletionFailed", failure),
    remaining.length === 0
      ? condition("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed")
      : condition("NamespaceContentRemaining", "True", "SomeResourcesRemain", `Some resources are remaining: ${remaining.join(", ")}`),
    held.length === 0
      ? condition("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", "All content-preserving finalizers finished")
      : condition(
          "NamespaceFinalizersRemaining",
          "True",
          "SomeFinalizersRemain",
          `Some content in the namespace has finalizers remaining: ${held.join(", ")}`,
        ),
  ];
  const before = namespace.status?.conditions ?? [];
  const conditions = next.map((one) => dated(one, conditionOf(before, one.type), now_ms));
  const status = { ...namespace.status, phase: "Terminating", conditions };
  return semanticEqual(status, namespace.status) ? NOTHING : [updateStatus(NamespaceKind, namespace, status)];
}

function condition(type: string, status: string, reason: string, message: string): NamespaceCondition {
  return { type, status, reason, message };
}

function dated(next: NamespaceCondition, before: NamespaceCondition | undefined, now_ms: number): NamespaceCondition {
  const since = before?.status === next.status ? before.lastTransitionTime : undefined;
  return { ...next, lastTransitionTime: since ?? timestamp(now_ms) };
}
