import type { PodFacts } from "./pod-facts.ts";

const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const NANOSECONDS_PER_MS = 1e6;

/**
 * Which of its pods a ReplicaSet gives up, first the ones that nobody will miss. Source: ActivePodsWithRanks of Kubernetes'
 * controller_utils, with LogarithmicScaleDown.
 * `neighbours` counts, by node, the active pods of all ReplicaSets of the same Deployment.
 */
export function podsToDelete(
  pods: readonly PodFacts[],
  count: number,
  neighbours: ReadonlyMap<string, number>,
  now_ms: number,
): readonly PodFacts[] {
  if (count >= pods.length) return pods;
  return [...pods].sort((a, b) => compare(a, b, neighbours, now_ms)).slice(0, count);
}

/**
 * The same of a Job's pods, by what they are alone: negative when `a` goes before `b`, 0 when neither is better. Source: ActivePods of Kubernetes'
 * controller_utils.
 */
export function compareWorth(a: PodFacts, b: PodFacts): number {
  return (
    compareProgress(a, b) ||
    (a.ready && b.ready ? youngerFirst(a.readySince_ms, b.readySince_ms) : 0) ||
    b.restarts - a.restarts ||
    youngerFirst(a.created_ms, b.created_ms)
  );
}

/** Negative: `a` goes before `b`. */
function compare(a: PodFacts, b: PodFacts, neighbours: ReadonlyMap<string, number>, now_ms: number): number {
  return (
    compareProgress(a, b) ||
    a.deletionCost - b.deletionCost ||
    (neighbours.get(b.nodeName) ?? 0) - (neighbours.get(a.nodeName) ?? 0) ||
    (a.ready && b.ready && a.readySince_ms !== b.readySince_ms
      ? compareAges(a.readySince_ms, b.readySince_ms, now_ms) || byUid(a, b)
      : 0) ||
    b.restarts - a.restarts ||
    (a.created_ms !== b.created_ms ? compareAges(a.created_ms, b.created_ms, now_ms) || byUid(a, b) : 0)
  );
}

function compareProgress(a: PodFacts, b: PodFacts): number {
  return (
    Number(a.nodeName !== "") - Number(b.nodeName !== "") ||
    (PHASE_RANK[a.phase] ?? 0) - (PHASE_RANK[b.phase] ?? 0) ||
    Number(a.ready) - Number(b.ready)
  );
}

/** What has no time (0) counts as the youngest. */
function youngerFirst(a_ms: number, b_ms: number): number {
  return a_ms === b_ms ? 0 : (b_ms || Number.POSITIVE_INFINITY) - (a_ms || Number.POSITIVE_INFINITY);
}

/** Younger goes first, but only the order of magnitude of the age counts, so that among pods of like age chance decides (by uid). */
function compareAges(a_ms: number, b_ms: number, now_ms: number): number {
  return magnitude(now_ms - a_ms) - magnitude(now_ms - b_ms);
}

function magnitude(age_ms: number): number {
  return age_ms <= 0 ? -1 : Math.floor(Math.log2(age_ms * NANOSECONDS_PER_MS));
}

function byUid(a: PodFacts, b: PodFacts): number {
  return a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0;
}
