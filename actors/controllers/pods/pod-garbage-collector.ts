import { PodKind } from "../../kinds/core/pod.ts";
import type { Pod, PodCondition } from "../../kinds/generated/types.ts";
import { nodeNameOf } from "../../kinds/metadata-text.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Change, View } from "../../store/view.ts";
import { remove } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { podsByNode } from "../nodes/node-lifecycle.ts";
import { disruptionTarget } from "./disruption-target.ts";

const NODES = "nodes";
/** A node that is gone may be coming back for so long. Source: nodeQuarantineTime. */
const NODE_QUARANTINE_MS = 40_000;

/** Deletes the pods of nodes that do not exist; nobody else would. Keys are those of the nodes. Source: pkg/controller/podgc. */
export function podGarbageCollector(): Controller {
  const missingSince = new Map<string, number>();
  return {
    name: "pod-garbage-collector",
    component: "pod-garbage-collector",
    indexes: [podsByNode],
    watches: [
      {
        resource: NODES,
        keys: ({ now, before }) => {
          if (now !== undefined) missingSince.delete(now.key);
          return now === undefined && before !== undefined ? [before.key] : NO_KEYS;
        },
      },
      { resource: "pods", keys: keysOfPod },
    ],
    reconcile: (view, key, now_ms) => reconcile(missingSince, view, key, now_ms),
  };
}

/** A pod that is bound to a node that is not there. */
function keysOfPod({ now }: Change, view: View): readonly string[] {
  const node = now === undefined ? undefined : nodeNameOf(now.text);
  if (node === undefined || node === "") return NO_KEYS;
  const key = `${NODES}/${node}`;
  return view.entry(key) === undefined ? [key] : NO_KEYS;
}

function reconcile(missingSince: Map<string, number>, view: View, key: string, now_ms: number): readonly Action[] {
  const pods = view.byIndex(podsByNode.name, key.slice(NODES.length + 1));
  if (view.entry(key) !== undefined || pods.length === 0) {
    missingSince.delete(key);
    return NOTHING;
  }
  const since_ms = missingSince.get(key) ?? now_ms;
  missingSince.set(key, since_ms);
  const left_ms = since_ms + NODE_QUARANTINE_MS - now_ms;
  if (left_ms > 0) return [{ do: "requeue", after_ms: left_ms }];
  return pods.map((entry): Action => {
    const pod = view.decode<Pod>(entry);
    const finished = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
    const deletion = remove(PodKind, pod, { gracePeriodSeconds: 0 });
    return finished ? deletion : { do: "inOrder", steps: [disruptionTarget(pod, targetCondition(now_ms), "Failed"), deletion] };
  });
}

function targetCondition(now_ms: number): PodCondition {
  return {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByPodGC",
    message: "PodGC: node no longer exists",
    lastTransitionTime: timestamp(now_ms),
  };
}
