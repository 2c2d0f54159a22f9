import { NO_REASON, UNTOLERATED_TAINT } from "../reason.ts";
import { normalizeDown, type Plugin } from "./plugin.ts";
import { toleratesAny } from "./tolerates.ts";

/** Hard taints reject, soft taints count against a node. */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  fixed: {
    filter: (pod, node) => {
      for (const taint of node.taints) {
        if (taint.effect !== "PreferNoSchedule" && !toleratesAny(pod.tolerations, taint)) return UNTOLERATED_TAINT;
      }
      return NO_REASON;
    },
    score: (pod, node) => {
      let intolerable = 0;
      for (const taint of node.taints) {
        if (taint.effect === "PreferNoSchedule" && !toleratesAny(pod.tolerations, taint)) intolerable++;
      }
      return intolerable;
    },
    normalize: normalizeDown,
  },
};
