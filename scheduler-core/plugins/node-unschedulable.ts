import type { Taint } from "../facts.ts";
import { NO_REASON, UNSCHEDULABLE_NODE } from "../reason.ts";
import type { Plugin } from "./plugin.ts";
import { toleratesAny } from "./tolerates.ts";

const CORDONED: Taint = { key: "node.kubernetes.io/unschedulable", value: "", effect: "NoSchedule" };

/** Keeps pods away from cordoned nodes, unless they tolerate the taint that cordoning brings. */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  weight: 0,
  fixed: {
    filter: (pod, node) => (node.unschedulable && !toleratesAny(pod.tolerations, CORDONED) ? UNSCHEDULABLE_NODE : NO_REASON),
  },
};
