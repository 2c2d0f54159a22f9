import { PodKind } from "../../kinds/core/pod.ts";
import type { Node, Pod, PodCondition, Taint, Toleration } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { nodeNameOf } from "../../kinds/metadata-text.ts";
import { podsByNode } from "../../pod/pods-by-node.ts";
import { controllerAccount } from "../../registry/authors.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Change, Entry, View } from "../../store/view.ts";
import { anyKind, newMeta, normal, regarding, remove } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { disruptionTarget } from "../pods/disruption-target.ts";

const NO_TAINTS: readonly Taint[] = [];

/**
 * Evicts pods from nodes with NoExecute taints, at once or when their tolerationSeconds are over. As long as no node has such a taint, a pod's
 * change costs nothing. What it remembers (when a pod that tolerates for a while is due) begins anew when it is restarted, as in Kubernetes.
 * Source: pkg/controller/tainteviction.
 */
export function taintEvictionController(): Controller {
  const tainted = new Set<string>();
  const evictions = new Map<string, Eviction>();
  return {
    name: "taint-eviction",
    component: "taint-eviction-controller",
    author: controllerAccount("node-controller"),
    kind: anyKind(PodKind),
    indexes: [podsByNode],
    watches: [
      { resource: "nodes", keys: (change, view) => keysOfNode(tainted, change, view) },
      { resource: "pods", keys: (change) => keysOfPod(tainted, evictions, change) },
    ],
    reconcile: (view, key, now_ms) => reconcile(evictions, view, key, now_ms),
    refused: (_view, key) => {
      evictions.delete(key);
      return NOTHING;
    },
  };
}

/** Of one pod, by the key of which it is found. */
interface Eviction {
  readonly uid: string;
  /** What the pod tolerates later neither brings forward nor puts off, only calls off. Undefined: it was begun. */
  readonly due_ms: number | undefined;
}

function keysOfNode(tainted: Set<string>, { now, before }: Change, view: View): readonly string[] {
  const entry = now ?? before;
  if (entry === undefined) return NO_KEYS;
  const name = entry.key.slice(entry.key.indexOf("/") + 1);
  // What the taints of a node that is gone have begun goes on.
  if (now === undefined) {
    tainted.delete(name);
    return NO_KEYS;
  }
  const was = tainted.has(name);
  const is = now.text.includes('"NoExecute"') && noExecute(view.decode<Node>(now)).length > 0;
  if (is) tainted.add(name);
  else tainted.delete(name);
  return was || is ? view.byIndex(podsByNode.name, name).map(({ key }) => key) : NO_KEYS;
}

function keysOfPod(tainted: ReadonlySet<string>, evictions: ReadonlyMap<string, Eviction>, { now, before }: Change): readonly string[] {
  if (now === undefined) return before !== undefined && evictions.has(before.key) ? [before.key] : NO_KEYS;
  if (tainted.size === 0) return NO_KEYS;
  return isOnTainted(tainted, now) ? [now.key] : NO_KEYS;
}

function isOnTainted(tainted: ReadonlySet<string>, pod: Entry): boolean {
  const node = nodeNameOf(pod.text);
  return node !== undefined && tainted.has(node);
}

function noExecute(node: Node): readonly Taint[] {
  return node.spec.taints?.filter(({ effect }) => effect === "NoExecute") ?? NO_TAINTS;
}

/** Source: processPodOnNode. */
function reconcile(evictions: Map<string, Eviction>, view: View, key: string, now_ms: number): readonly Action[] {
  const known = evictions.get(key);
  const pod = view.get<Pod>(key);
  if (pod === undefined) {
    evictions.delete(key);
    return calledOff(known, key);
  }
  const { uid } = pod.metadata;
  const eviction = known?.uid === uid ? known : undefined;
  const hasBegun = eviction !== undefined && eviction.due_ms === undefined;
  const node = view.get<Node>(`nodes/${pod.spec.nodeName ?? ""}`);
  const seconds = node === undefined ? undefined : toleratedSeconds(noExecute(node), pod.spec.tolerations ?? []);
  if (seconds === Number.POSITIVE_INFINITY) {
    evictions.delete(key);
    return calledOff(eviction, key);
  }
  if (hasBegun || (node === undefined && eviction === undefined)) return NOTHING;
  const isUntolerated = node !== undefined && seconds === undefined;
  const due_ms = isUntolerated ? now_ms : (eviction?.due_ms ?? now_ms + (seconds ?? 0) * 1_000);
  if (due_ms > now_ms) {
    evictions.set(key, { uid, due_ms });
    return [{ do: "requeue", after_ms: due_ms - now_ms }];
  }
  evictions.set(key, { uid, due_ms: undefined });
  return [...(isUntolerated ? calledOff(eviction, key) : NOTHING), ...evict(pod, now_ms)];
}

/** What was to come and does not is told, also when it is because the pod is gone. Source: cancelWorkWithEvent. */
function calledOff(eviction: Eviction | undefined, key: string): readonly Action[] {
  if (eviction?.due_ms === undefined) return NOTHING;
  const { namespace = "", name } = partsOf(key);
  const about = regarding(PodKind, { metadata: newMeta({ namespace, name, uid: eviction.uid }) });
  return [{ do: "event", note: normal(about, "TaintManagerEviction", `Cancelling deletion of Pod ${namespace}/${name}`) }];
}

function evict(pod: Pod, now_ms: number): readonly Action[] {
  const { namespace, name } = pod.metadata;
  const condition: PodCondition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByTaintManager",
    message: "Taint manager: deleting due to NoExecute taint",
    lastTransitionTime: timestamp(now_ms),
  };
  const message = `Marking for deletion Pod ${namespace}/${name}`;
  return [
    { do: "event", note: normal(regarding(PodKind, pod), "TaintManagerEviction", message) },
    { do: "inOrder", steps: [disruptionTarget(pod, condition), remove(PodKind, pod)] },
  ];
}

/** For how long a pod may stay: undefined when it does not tolerate all of the taints, Infinity when all of them for ever. Source: getMinTolerationTime. */
function toleratedSeconds(taints: readonly Taint[], tolerations: readonly Toleration[]): number | undefined {
  let least = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const using = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (using.length === 0) return undefined;
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
