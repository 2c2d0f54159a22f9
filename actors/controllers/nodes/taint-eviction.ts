import { PodKind } from "../../kinds/core/pod.ts";
import type { Node, Pod, PodCondition, Taint, Toleration } from "../../kinds/generated/types.ts";
import { nodeNameOf } from "../../kinds/metadata-text.ts";
import { podsByNode } from "../../pod/pods-by-node.ts";
import { controllerAccount } from "../../registry/authors.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Change, Entry, View } from "../../store/view.ts";
import { anyKind, normal, regarding, remove } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { disruptionTarget } from "../pods/disruption-target.ts";

const NO_TAINTS: readonly Taint[] = [];

/**
 * Evicts pods from nodes with NoExecute taints, at once or when their tolerationSeconds are over. As long as no node has such a taint, a pod's
 * change costs nothing. What it remembers (since when a pod tolerates for a while) begins anew when it is restarted, as in Kubernetes.
 * Source: pkg/controller/tainteviction.
 */
export function taintEvictionController(): Controller {
  const tainted = new Set<string>();
  const since = new Map<string, Tolerating>();
  return {
    name: "taint-eviction",
    component: "taint-eviction-controller",
    author: controllerAccount("node-controller"),
    kind: anyKind(PodKind),
    indexes: [podsByNode],
    watches: [
      { resource: "nodes", keys: (change, view) => keysOfNode(tainted, change, view) },
      { resource: "pods", keys: (change) => keysOfPod(tainted, since, change) },
    ],
    reconcile: (view, key, now_ms) => reconcile(since, view, key, now_ms),
  };
}

interface Tolerating {
  readonly uid: string;
  readonly start_ms: number;
}

function keysOfNode(tainted: Set<string>, { now, before }: Change, view: View): readonly string[] {
  const entry = now ?? before;
  if (entry === undefined) return NO_KEYS;
  const name = entry.key.slice(entry.key.indexOf("/") + 1);
  const was = tainted.has(name);
  const is = now?.text.includes('"NoExecute"') === true && noExecute(view.decode<Node>(now)).length > 0;
  if (is) tainted.add(name);
  else tainted.delete(name);
  return was || is ? view.byIndex(podsByNode.name, name).map(({ key }) => key) : NO_KEYS;
}

function keysOfPod(tainted: ReadonlySet<string>, since: Map<string, Tolerating>, { now, before }: Change): readonly string[] {
  if (now === undefined) {
    if (before !== undefined) since.delete(before.key);
    return NO_KEYS;
  }
  if (tainted.size === 0 && since.size === 0) return NO_KEYS;
  return isOnTainted(tainted, now) ? [now.key] : NO_KEYS;
}

function isOnTainted(tainted: ReadonlySet<string>, pod: Entry): boolean {
  const node = nodeNameOf(pod.text);
  return node !== undefined && tainted.has(node);
}

function noExecute(node: Node | undefined): readonly Taint[] {
  return node?.spec.taints?.filter(({ effect }) => effect === "NoExecute") ?? NO_TAINTS;
}

function reconcile(since: Map<string, Tolerating>, view: View, key: string, now_ms: number): readonly Action[] {
  const pod = view.get<Pod>(key);
  if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) {
    since.delete(key);
    return NOTHING;
  }
  const taints = noExecute(view.get<Node>(`nodes/${pod.spec.nodeName ?? ""}`));
  const about = regarding(PodKind, pod);
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const seconds = toleratedSeconds(taints, pod.spec.tolerations ?? []);
  const tolerating = since.get(key);
  if (seconds === Number.POSITIVE_INFINITY) {
    if (!since.delete(key)) return NOTHING;
    return [{ do: "event", note: normal(about, "TaintManagerEviction", `Cancelling deletion of Pod ${name}`) }];
  }
  const start_ms = tolerating?.uid === pod.metadata.uid ? tolerating.start_ms : now_ms;
  const left_ms = start_ms + seconds * 1_000 - now_ms;
  if (left_ms > 0) {
    since.set(key, { uid: pod.metadata.uid, start_ms });
    return [{ do: "requeue", after_ms: left_ms }];
  }
  const condition: PodCondition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByTaintManager",
    message: "Taint manager: deleting due to NoExecute taint",
    lastTransitionTime: timestamp(now_ms),
  };
  return [
    { do: "event", note: normal(about, "TaintManagerEviction", `Marking for deletion Pod ${name}`) },
    { do: "inOrder", steps: [disruptionTarget(pod, condition), remove(PodKind, pod)] },
  ];
}

/** For how long a pod may stay: 0 when it tolerates not all of the taints, Infinity when all of them for ever. Source: getMinTolerationTime. */
function toleratedSeconds(taints: readonly Taint[], tolerations: readonly Toleration[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const using = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (using.length === 0) return 0;
    for (const { tolerationSeconds } of using) if (tolerationSeconds !== undefined) least = Math.min(least, Math.max(0, tolerationSeconds));
  }
  return least;
}

/** Source: ToleratesTaint. */
function tolerates({ key = "", operator = "Equal", value = "", effect = "" }: Toleration, taint: Taint): boolean {
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  return operator === "Exists" || (key !== "" && value === (taint.value ?? ""));
}
