import type { Condition, PodDisruptionBudget, PodDisruptionBudgetStatus } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import { semanticEqual } from "../kinds/machinery/equal.ts";
import { scaledValue } from "../kinds/machinery/int-or-string.ts";
import { selectorAsGoPrints, selectorOf } from "../kinds/machinery/label-selector.ts";
import { PodDisruptionBudgetKind } from "../kinds/policy/pod-disruption-budget.ts";
import { controllerAccount } from "../registry/authors.ts";
import { timestamp } from "../registry/timestamps.ts";
import type { Key } from "../store/transaction.ts";
import type { View } from "../store/view.ts";
import { anyKind, normal, regarding, updateStatus, warning } from "./actions.ts";
import { conditionOf, withoutCondition } from "./conditions.ts";
import { type Action, type Controller, type HearOfCustom, NO_KEYS, NOTHING, type Note } from "./controller.ts";
import { concernsPod, lookAtPod } from "./disruption-pods.ts";
import { expectedScale } from "./disruption-scale.ts";
import { Ownership } from "./garbage/garbage-owners.ts";
import { factsOf, type PodFacts } from "./pods/pod-facts.ts";
import { SelectorDirectory } from "./services/selector-directory.ts";

/** A pod whose eviction was granted counts as gone for so long, though it is not yet. Source: DeletionTimeout. */
const EVICTION_TIMEOUT_MS = 120_000;
const PACE_MS = 20;
const PODS = "pods";
const ALLOWED = "DisruptionAllowed";

/** Says in each PodDisruptionBudget how many evictions it allows. Source: pkg/controller/disruption. */
export function disruptionController(kinds: readonly Kind[], hearOfCustom?: HearOfCustom): Controller {
  const directory = new SelectorDirectory<PodDisruptionBudget>(({ spec }) =>
    spec.selector === undefined ? undefined : selectorOf(spec.selector),
  );
  const ownership = new Ownership(kinds);
  /** By budget, what was told of it last. */
  const told = new Map<Key, string>();
  const toldOfPods = new Map<Key, string>();
  return {
    name: "disruption",
    component: "controllermanager",
    author: controllerAccount("disruption-controller"),
    kind: anyKind(PodDisruptionBudgetKind),
    pace_ms: PACE_MS,
    watches: [
      {
        resource: "poddisruptionbudgets.policy",
        keys: (change, view) => {
          directory.followSelecting(change, view);
          if (change.now !== undefined) return [change.now.key];
          if (change.before !== undefined) told.delete(change.before.key);
          return NO_KEYS;
        },
      },
      {
        resource: PODS,
        keys: (change) => {
          const keys = directory.followPod(change);
          const pod = change.now ?? change.before;
          return pod !== undefined && (change.now === undefined ? toldOfPods.has(pod.key) : concernsPod(pod, keys.length))
            ? [...keys, pod.key]
            : keys;
        },
      },
    ],
    ...(hearOfCustom === undefined ? {} : { more: () => hearOfCustom((kind) => void ownership.add(kind)) }),
    reconcile: (view, key, now_ms) => {
      if (key.startsWith(`${PODS}/`)) return lookAtPod(view, key, toldOfPods, now_ms);
      const budget = view.get<PodDisruptionBudget>(key);
      if (budget === undefined) return NOTHING;
      const pods = directory.podsOf(view, key).map((entry) => factsOf(view, entry));
      const { notes, rest } = decide(view, ownership, budget, pods, now_ms);
      const isWritten = rest.some(({ do: what }) => what === "updateStatus");
      // Each round would tell the same again, as often as a pod of it changes.
      const text = notes.map(({ reason, message }) => `${reason} ${message}`).join("\n");
      if (!isWritten && text === (told.get(key) ?? "")) return rest;
      told.set(key, text);
      return [...notes.map((note): Action => ({ do: "event", note })), ...rest];
    },
  };
}

/** What is said about a budget, and what is done. */
interface Decision {
  readonly notes: readonly Note[];
  readonly rest: readonly Action[];
}

/** How many healthy pods a budget wants, of how many; or why that cannot be said. */
type Expectation = { readonly expected: number; readonly desired: number; readonly unmanaged: boolean } | { readonly error: string };

/** Source: trySync. */
function decide(view: View, ownership: Ownership, budget: PodDisruptionBudget, pods: readonly PodFacts[], now_ms: number): Decision {
  const about = regarding(PodDisruptionBudgetKind, budget);
  const notes: Note[] = pods.length === 0 ? [normal(about, "NoPods", "No matching pods found")] : [];
  const expectation = expectationOf(view, ownership, budget, pods);
  if ("error" in expectation) {
    const message = `Failed to calculate the number of expected pods: ${expectation.error}`;
    notes.push(warning(about, "CalculateExpectedPodCountFailed", message));
    return { notes, rest: changed(budget, failedStatus(budget, expectation.error, now_ms)) };
  }
  if (expectation.unmanaged) notes.push(warning(about, "UnmanagedPods", unmanagedMessage(budget)));
  const { disrupted, expired, next_ms } = disruptedPods(budget, pods, now_ms);
  for (const name of expired) {
    // Kubernetes names the namespace twice.
    const { namespace } = budget.metadata;
    const message = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`;
    const pod = pods.find((one) => one.name === name);
    if (pod !== undefined)
      notes.push(warning({ kind: "Pod", apiVersion: "v1", metadata: view.decode(pod.entry).metadata }, "NotDeleted", message));
  }
  const healthy = pods.filter((pod) => pod.ready && !pod.deleting && disrupted[pod.name] === undefined).length;
  const status = statusOf(budget, healthy, expectation.expected, expectation.desired, disrupted, now_ms);
  const requeue: readonly Action[] = next_ms === undefined ? NOTHING : [{ do: "requeue", after_ms: next_ms }];
  return { notes, rest: [...changed(budget, status), ...requeue] };
}

function changed(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus): readonly Action[] {
  return semanticEqual(status, budget.status) ? NOTHING : [updateStatus(PodDisruptionBudgetKind, budget, status)];
}

function unmanagedMessage({ spec }: PodDisruptionBudget): string {
  return `Pods selected by this PodDisruptionBudget (selector: ${selectorAsGoPrints(spec.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
}

/** Source: getExpectedPodCount. */
function expectationOf(view: View, ownership: Ownership, budget: PodDisruptionBudget, pods: readonly PodFacts[]): Expectation {
  const { minAvailable, maxUnavailable } = budget.spec;
  if (maxUnavailable === undefined && typeof minAvailable === "number")
    return { expected: pods.length, desired: minAvailable, unmanaged: false };
  if (maxUnavailable === undefined && minAvailable === undefined) return { expected: 0, desired: 0, unmanaged: false };
  const scale = expectedScale(view, ownership, pods);
  if ("error" in scale) return scale;
  const desired =
    maxUnavailable === undefined
      ? (scaledValue(minAvailable ?? 0, scale.expected, "up") ?? 0)
      : Math.max(0, scale.expected - (scaledValue(maxUnavailable, scale.expected, "up") ?? 0));
  return { ...scale, desired };
}

/** Granted evictions that have not become deletions yet. Source: buildDisruptedPodMap. */
function disruptedPods(
  budget: PodDisruptionBudget,
  pods: readonly PodFacts[],
  now_ms: number,
): { readonly disrupted: Readonly<Record<string, string>>; readonly expired: readonly string[]; readonly next_ms: number | undefined } {
  const disrupted: Record<string, string> = {};
  const expired: string[] = [];
  let next_ms: number | undefined;
  for (const [name, time] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const pod = pods.find((one) => one.name === name);
    if (pod === undefined || pod.deleting) continue;
    const left_ms = Date.parse(time) + EVICTION_TIMEOUT_MS - now_ms;
    if (left_ms <= 0) {
      expired.push(name);
      continue;
    }
    disrupted[name] = time;
    next_ms = Math.min(next_ms ?? Number.POSITIVE_INFINITY, left_ms);
  }
  return { disrupted, expired, next_ms };
}

function statusOf(
  budget: PodDisruptionBudget,
  healthy: number,
  expected: number,
  desired: number,
  disrupted: Readonly<Record<string, string>>,
  now_ms: number,
): PodDisruptionBudgetStatus {
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const { generation } = budget.metadata;
  return {
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    currentHealthy: healthy,
    desiredHealthy: desired,
    disruptionsAllowed: allowed,
    expectedPods: expected,
    conditions: conditionsWith(budget, allowed > 0 ? "True" : "False", allowed > 0 ? "SufficientPods" : "InsufficientPods", "", now_ms),
  };
}

/** What cannot be worked out allows nothing. Source: failSafe. */
function failedStatus(budget: PodDisruptionBudget, message: string, now_ms: number): PodDisruptionBudgetStatus {
  const before = budget.status ?? { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, disruptionsAllowed: 0 };
  return { ...before, disruptionsAllowed: 0, conditions: conditionsWith(budget, "False", "SyncFailed", message, now_ms) };
}

function conditionsWith(budget: PodDisruptionBudget, status: string, reason: string, message: string, now_ms: number): Condition[] {
  const conditions = budget.status?.conditions ?? [];
  const before = conditionOf(conditions, ALLOWED);
  const { generation } = budget.metadata;
  const next: Condition = {
    type: ALLOWED,
    status,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : timestamp(now_ms),
    reason,
    message,
  };
  return [...withoutCondition(conditions, ALLOWED), next];
}
