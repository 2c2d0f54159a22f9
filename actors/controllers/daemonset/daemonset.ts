import { DaemonSetKind } from "../../kinds/apps/daemon-set.ts";
import type { ControllerRevision, DaemonSet, DaemonSetStatus } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { podsByNode } from "../../pod/pods-by-node.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, View } from "../../store/view.ts";
import { anyKind, updateStatus } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { controllerIndex, controllerNameOf, watchOwned } from "../ownership.ts";
import { forgetOldest, historyLimit, historyOf, REVISIONS, updateRevisionOf } from "../pods/controller-history.ts";
import { FailureBackoff } from "../pods/failure-backoff.ts";
import { claimPods, type PodOwner, watchPodsOf } from "../pods/pod-claims.ts";
import { isAvailable, type PodFacts } from "../pods/pod-facts.ts";
import { concernsPlacement, Placements } from "./daemonset-placement.ts";
import { HASH_LABEL, isUpdated, oldestOf, planPods } from "./daemonset-plan.ts";
import { type Seat, Seats } from "./daemonset-seats.ts";

const DAEMON_SETS = "daemonsets.apps";
const NODES = "nodes";
/** Pods and nodes change in bursts, and each round looks at all nodes: with 5,000 of them for 4 ms, and for many times that where other work took its place in the caches. */
const PACE_MS = 50;
const PACE_MS_PER_NODE = 0.1;
const FAILED_POD_FIRST_MS = 1_000;
const FAILED_POD_MAX_MS = 15 * 60_000;

const OWNER: PodOwner<DaemonSet> = { kind: DaemonSetKind, resource: DAEMON_SETS, selectorOf: ({ spec }) => spec.selector };

/** All of it can be worked out again, but for how often pods have failed. */
interface Memory {
  readonly backoff: FailureBackoff;
  readonly placements: Placements;
  readonly seats: Seats;
}

/** One pod on every node that it is meant for. Source: pkg/controller/daemon. */
export function daemonSetController(): Controller {
  const backoff = new FailureBackoff(FAILED_POD_FIRST_MS, FAILED_POD_MAX_MS);
  const memory: Memory = { backoff, placements: new Placements(), seats: new Seats() };
  return {
    name: "daemonset",
    component: "daemonset-controller",
    author: controllerAccount("daemon-set-controller"),
    kind: anyKind(DaemonSetKind),
    pace_ms: (view) => PACE_MS + view.count(NODES) * PACE_MS_PER_NODE,
    indexes: [controllerIndex("pods"), controllerIndex(REVISIONS), podsByNode],
    watches: [
      { resource: DAEMON_SETS, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) },
      watchPodsOf(OWNER),
      { resource: NODES, keys: (change, view) => keysOfNode(memory.placements, change, view) },
      watchOwned(DaemonSetKind, DAEMON_SETS, REVISIONS),
    ],
    reconcile: (view, key, now_ms) => reconcile(memory, view, key, now_ms),
  };
}

/**
 * Sets that lack a pod on the node, have one there that may not stay, or count any as misscheduled. A set whose pod may stay where none would be
 * started any more is not among them, so that its status tells of that later, with the next change of a pod. Source: syncNodeUpdate.
 */
function keysOfNode(placements: Placements, { now, before }: Change, view: View): readonly string[] {
  if (now === undefined || view.count(DAEMON_SETS) === 0 || !concernsPlacement(view, now, before)) return NO_KEYS;
  const { name } = partsOf(now.key);
  const held = new Set(
    view
      .byIndex(podsByNode.name, name)
      .map((pod) => `${DAEMON_SETS}/${partsOf(pod.key).namespace}/${controllerNameOf(DaemonSetKind, pod)}`),
  );
  return view.list(DAEMON_SETS).flatMap((entry) => {
    const set = view.decode<DaemonSet>(entry);
    const { shouldRun, mayStay } = placements.on(view, entry.key, set, now);
    const isHeld = held.has(entry.key);
    return isHeld ? (mayStay && (set.status?.numberMisscheduled ?? 0) === 0 ? [] : [entry.key]) : shouldRun ? [entry.key] : [];
  });
}

function reconcile(memory: Memory, view: View, key: string, now_ms: number): readonly Action[] {
  const set = view.get<DaemonSet>(key);
  if (set === undefined) {
    memory.placements.forget(key);
    memory.seats.forget(key);
  }
  if (set === undefined || set.metadata.deletionTimestamp !== undefined) return NOTHING;
  const { pods, actions: claims } = claimPods(OWNER, view, set);
  const { revisions, adoptions, releases } = historyOf(DaemonSetKind, view, set);
  const { revision, write, collisionCount } = updateRevisionOf(DaemonSetKind, view, set, revisions, { hashLabel: HASH_LABEL });
  // Pods carry the hash of the revision that they are made of, so it has to be there first.
  if (write !== undefined) return [...claims, ...adoptions, ...releases, write];
  const hash = revision.metadata.labels?.[HASH_LABEL] ?? "";
  const seats = memory.seats.of(key, memory.placements.of(view, key, set), pods);
  const actions: Action[] = [
    ...claims,
    ...adoptions,
    ...releases,
    ...planPods({ view, set, seats, hash, backoff: memory.backoff, now_ms }),
    ...forgetRevisions(set, revisions, hash, pods),
  ];
  const { status, requeue_ms } = nextStatus(set, seats, hash, collisionCount, now_ms);
  if (!semanticEqual(status, set.status)) actions.push(updateStatus(DaemonSetKind, set, status));
  if (requeue_ms !== undefined) actions.push({ do: "requeue", after_ms: requeue_ms });
  return actions;
}

/** Revisions in use count as well, but none of them goes. */
function forgetRevisions(
  set: DaemonSet,
  revisions: readonly ControllerRevision[],
  hash: string,
  pods: readonly PodFacts[],
): readonly Action[] {
  const tooMany = revisions.length - 1 - historyLimit(set);
  if (tooMany <= 0) return NOTHING;
  const live = new Set<string | undefined>([hash]);
  for (const { labels } of pods) live.add(labels[HASH_LABEL]);
  const unused = revisions.filter(({ metadata }) => !live.has(metadata.labels?.[HASH_LABEL] ?? ""));
  return forgetOldest(unused, tooMany);
}

/** Source: updateDaemonSetStatus. */
function nextStatus(
  set: DaemonSet,
  seats: readonly Seat[],
  hash: string,
  collisionCount: number,
  now_ms: number,
): { readonly status: DaemonSetStatus; readonly requeue_ms: number | undefined } {
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const count = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  let due_ms = Number.POSITIVE_INFINITY;
  for (const { shouldRun, exists, pods } of seats) {
    if (!exists) continue;
    const pod = oldestOf(pods);
    if (!shouldRun) {
      if (pod !== undefined) count.misscheduled++;
      continue;
    }
    count.desired++;
    if (pod === undefined) continue;
    count.current++;
    if (isUpdated(set, hash, pod)) count.updated++;
    if (!pod.ready) continue;
    count.ready++;
    if (isAvailable(pod, minReadySeconds, now_ms)) count.available++;
    else due_ms = Math.min(due_ms, pod.readySince_ms + minReadySeconds * 1_000 - now_ms);
  }
  const unavailable = count.desired - count.available;
  const { conditions } = set.status ?? {};
  const status: DaemonSetStatus = {
    currentNumberScheduled: count.current,
    numberMisscheduled: count.misscheduled,
    desiredNumberScheduled: count.desired,
    numberReady: count.ready,
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    ...(count.updated === 0 ? {} : { updatedNumberScheduled: count.updated }),
    ...(count.available === 0 ? {} : { numberAvailable: count.available }),
    ...(unavailable === 0 ? {} : { numberUnavailable: unavailable }),
    ...(collisionCount === 0 ? {} : { collisionCount }),
    // Nobody here says any; others' stay.
    ...(conditions === undefined ? {} : { conditions }),
  };
  return { status, requeue_ms: due_ms === Number.POSITIVE_INFINITY ? undefined : Math.max(1, due_ms) };
}
