import { PodKind } from "../kinds/core/pod.ts";
import { isTerminal } from "../kinds/core/pod-phase.ts";
import type { Pod, PodDisruptionBudget } from "../kinds/generated/types.ts";
import { partsOf } from "../kinds/kind.ts";
import { matchesLabels, selectorOf } from "../kinds/machinery/label-selector.ts";
import { timestamp } from "../registry/timestamps.ts";
import type { Key } from "../store/transaction.ts";
import type { Entry, View } from "../store/view.ts";
import { regarding, updateStatus, warning } from "./actions.ts";
import { conditionOf } from "./conditions.ts";
import { type Action, NOTHING } from "./controller.ts";

const BUDGETS = "poddisruptionbudgets.policy";
const TARGET = "DisruptionTarget";
/** A pod that was to be disrupted so long ago, and is not on its way out, will not be. Source: stalePodDisruptionTimeout. */
const STALE_MS = 120_000;
/** What kubelets say of pods that they end holds, however long that takes. */
const BY_KUBELET = "TerminationByKubelet";

/** Whether `lookAtPod` may have something to do about a pod that so many budgets select. */
export function concernsPod(pod: Entry, budgets: number): boolean {
  return budgets > 1 || pod.text.includes(`"${TARGET}"`);
}

/** What is said and done about one pod. `told`: by pod, what was told of it last, which every change of it would tell again. */
export function lookAtPod(view: View, key: Key, told: Map<Key, string>, now_ms: number): readonly Action[] {
  const pod = view.get<Pod>(key);
  if (pod !== undefined) return [...tellOfBudgets(view, key, pod, told), ...takeBack(pod, now_ms)];
  told.delete(key);
  return NOTHING;
}

/** Source: getPdbForPod. */
function tellOfBudgets(view: View, key: Key, pod: Pod, told: Map<Key, string>): readonly Action[] {
  const { name, namespace, uid, labels = {} } = pod.metadata;
  const isOf = (entry: Entry): boolean => matchesLabels(selectorOf(view.decode<PodDisruptionBudget>(entry).spec.selector), labels);
  const [first, second] = view.list(BUDGETS, namespace).filter(isOf);
  if (first === undefined || second === undefined) {
    told.delete(key);
    return NOTHING;
  }
  const chosen = partsOf(first.key).name;
  const message = `Pod ${JSON.stringify(namespace)}/${JSON.stringify(name)} matches multiple PodDisruptionBudgets.  Chose ${JSON.stringify(chosen)} arbitrarily.`;
  if (told.get(key) === `${uid} ${chosen}`) return NOTHING;
  told.set(key, `${uid} ${chosen}`);
  return [{ do: "event", note: warning(regarding(PodKind, pod), "MultiplePodDisruptionBudgets", message) }];
}

/** Source: syncStalePodDisruption. */
function takeBack(pod: Pod, now_ms: number): readonly Action[] {
  const conditions = pod.status?.conditions ?? [];
  const target = conditionOf(conditions, TARGET);
  if (target?.status !== "True" || target.reason === BY_KUBELET) return NOTHING;
  if (pod.metadata.deletionTimestamp !== undefined || isTerminal(pod)) return NOTHING;
  const left_ms = (Date.parse(target.lastTransitionTime ?? "") || 0) + STALE_MS - now_ms;
  if (left_ms > 0) return [{ do: "requeue", after_ms: left_ms }];
  const not = { type: TARGET, status: "False", lastTransitionTime: timestamp(now_ms) };
  return [updateStatus(PodKind, pod, { ...pod.status, conditions: conditions.map((one) => (one === target ? not : one)) })];
}
