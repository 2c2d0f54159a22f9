import { NO_REASON, WRONG_NODE_NAME } from "../reason.ts";
import type { Plugin } from "./plugin.ts";

/** A pod that names its node goes nowhere else. */
export const nodeName: Plugin = {
  name: "NodeName",
  weight: 0,
  fixed: {
    filter: (pod, node) => (pod.nodeName !== "" && pod.nodeName !== node.name ? WRONG_NODE_NAME : NO_REASON),
  },
};
