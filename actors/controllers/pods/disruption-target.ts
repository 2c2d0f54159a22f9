import { PodKind } from "../../kinds/core/pod.ts";
import type { Pod, PodCondition } from "../../kinds/generated/types.ts";
import { updateStatus } from "../actions.ts";
import { withoutCondition } from "../conditions.ts";
import type { Write } from "../controller.ts";

/** Says in the pod's status why it is about to be deleted, so that Jobs and people can tell; with a phase, where it will not get one by itself. */
export function disruptionTarget(pod: Pod, condition: PodCondition, phase?: "Failed"): Write {
  const conditions = [...withoutCondition(pod.status?.conditions ?? [], condition.type), condition];
  return updateStatus(PodKind, pod, { ...pod.status, ...(phase === undefined ? {} : { phase }), conditions });
}
