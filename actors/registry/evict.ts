import { isTerminalPhase } from "../kinds/core/pod-phase.ts";
import { conflict, evictionRefused, forbidden, tooManyBudgets, tooManyRequests } from "../kinds/errors.ts";
import type { Eviction, Pod, PodCondition, PodDisruptionBudget } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import type { BodyKind } from "../kinds/machinery/body.ts";
import { matchesLabels, selectorOf } from "../kinds/machinery/label-selector.ts";
import type { Mutation } from "../store/transaction.ts";
import type { Entry, View } from "../store/view.ts";
import { admitPart } from "./admission/part-admission.ts";
import type { WriteWorld } from "./create.ts";
import { deletionStep } from "./delete.ts";
import type { Deleted, DeleteOptions } from "./registry.ts";
import { replacing } from "./replacing.ts";
import { timestamp } from "./timestamps.ts";
import { changeStored, type Step } from "./writes.ts";

const EVICTION: BodyKind = { group: "policy", version: "v1", kind: "Eviction", schema: "io.k8s.api.policy.v1.Eviction" };
const BUDGETS = "poddisruptionbudgets.policy";
const BUDGET = { group: "policy", plural: "poddisruptionbudget" } as const;
/** Evictions of one budget that its controller has not confirmed yet. Source: eviction.go, MaxDisruptedPodSize. */
const DISRUPTED_PODS_MAX = 2_000;
/** When to come again while the budget's controller has not seen its newest spec. */
const UNSYNCED_RETRY_S = 10;

const TARGET = { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" } as const;

/**
 * What a budget says to one eviction: its next state, or undefined when the pod does not count. Throws the refusal. Source:
 * pkg/registry/core/pod/storage/eviction.go.
 */
export function spendBudget(budget: PodDisruptionBudget, pod: Pod, now_ms: number): PodDisruptionBudget | undefined {
  const { name } = budget.metadata;
  const status = budget.status ?? { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
  if (!isReady(pod)) {
    if (budget.spec.unhealthyPodEvictionPolicy === "AlwaysAllow") return undefined;
    if (status.desiredHealthy > 0 && status.currentHealthy >= status.desiredHealthy) return undefined;
  }
  if ((status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) {
    const message = `The disruption budget ${name} is still being processed by the server.`;
    const cause = { reason: "DisruptionBudget", message };
    throw tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", UNSYNCED_RETRY_S, [cause]);
  }
  if (status.disruptionsAllowed < 0) throw forbidden(BUDGET, name, "pdb disruptions allowed is negative");
  if (Object.keys(status.disruptedPods ?? {}).length > DISRUPTED_PODS_MAX) {
    throw forbidden(BUDGET, name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (status.disruptionsAllowed === 0) throw evictionRefused(name, status.desiredHealthy, status.currentHealthy);
  const disruptionsAllowed = status.disruptionsAllowed - 1;
  const disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: timestamp(now_ms) };
  const next = { ...status, disruptionsAllowed, disruptedPods };
  return { ...budget, status: disruptionsAllowed === 0 ? withoutAllowance(next, budget, now_ms) : next };
}

type BudgetStatus = NonNullable<PodDisruptionBudget["status"]>;

/** The condition DisruptionAllowed turns false with the last allowance. */
function withoutAllowance(status: BudgetStatus, budget: PodDisruptionBudget, now_ms: number): BudgetStatus {
  const others = (status.conditions ?? []).filter((condition) => condition.type !== "DisruptionAllowed");
  const before = (status.conditions ?? []).find((condition) => condition.type === "DisruptionAllowed");
  const condition = {
    lastTransitionTime: before?.status === "False" ? before.lastTransitionTime : timestamp(now_ms),
    message: "",
    ...(budget.metadata.generation === undefined ? {} : { observedGeneration: status.observedGeneration ?? 0 }),
    reason: "InsufficientPods",
    status: "False",
    type: "DisruptionAllowed",
  };
  return { ...status, conditions: [...others, condition] };
}

function isReady(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some((condition) => condition.type === "Ready" && condition.status === "True");
}

/** Pods that are over, on their way out, or not running yet are no loss to any budget. */
function needsNoBudget(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return isTerminalPhase(phase) || phase === "Pending" || pod.metadata.deletionTimestamp !== undefined;
}

function budgetsOf(view: View, pod: Pod): Entry[] {
  return view
    .list(BUDGETS, pod.metadata.namespace)
    .filter((entry) => matchesLabels(selectorOf(view.decode<PodDisruptionBudget>(entry).spec.selector), pod.metadata.labels));
}

/** Says of the pod why it goes, which Jobs look at, unless it says so. Source: addConditionAndDeletePod. */
function asTarget(pod: Pod, now_ms: number): Pod {
  const conditions = pod.status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === TARGET.type);
  if (before?.status === TARGET.status && before.reason === TARGET.reason && before.message === TARGET.message) return pod;
  const since = before?.status === TARGET.status ? before.lastTransitionTime : undefined;
  const condition: PodCondition = { ...TARGET, lastTransitionTime: since ?? timestamp(now_ms) };
  const next = before === undefined ? [...conditions, condition] : conditions.map((one) => (one === before ? condition : one));
  return { ...pod, status: { ...pod.status, conditions: next } };
}

/** A pod that is going already is not deleted again. */
function rewriting(entry: Entry, pod: Pod): Step<Deleted> {
  const own = replacing(entry, pod);
  const { key, text, managers } = own;
  return { mutations: [own], result: (revision) => ({ removed: false, entry: { key, revision, text, managers } }) };
}

/** Deletes a pod and spends one disruption of its budget, both or neither. */
export async function evictPod(
  world: WriteWorld,
  kind: Kind<Pod>,
  namespace: string,
  name: string,
  options: DeleteOptions,
): Promise<Deleted> {
  const { access } = world;
  const own = kind as unknown as Kind;
  const eviction = { metadata: { name, namespace } } as unknown as Eviction;
  await admitPart(world, {
    operation: "create",
    kind: own,
    subresource: "eviction",
    speaks: EVICTION,
    namespace,
    name,
    object: eviction,
    options,
  });
  return changeStored(access, kind, namespace, name, (entry, pod) => {
    const spent: Mutation[] = [];
    const budgets = needsNoBudget(pod) ? [] : budgetsOf(access.view, pod);
    if (budgets.length > 1) {
      throw tooManyBudgets();
    }
    const budget = budgets[0];
    const next =
      budget === undefined ? undefined : spendBudget(access.view.decode<PodDisruptionBudget>(budget), pod, access.clock.now_ms());
    if (budget !== undefined && next !== undefined) spent.push(replacing(budget, next));
    const marked = options.dryRun === true ? pod : asTarget(pod, access.clock.now_ms());
    const step = deletionStep(world, own, entry, marked, options, spent);
    if ("done" in step) return marked === pod ? step : rewriting(entry, marked);
    if (options.preconditions?.resourceVersion === undefined) return step;
    return { ...step, lost: (index) => (index === 0 ? conflict(kind, name) : undefined) };
  });
}
