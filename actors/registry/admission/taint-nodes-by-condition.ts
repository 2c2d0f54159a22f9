import type { Node } from "../../kinds/generated/types.ts";
import type { AdmissionPlugin } from "./admission.ts";

const NOT_READY = { effect: "NoSchedule", key: "node.kubernetes.io/not-ready" } as const;

/** A new node takes no pods until its lifecycle controller has seen it Ready. Source: plugin/pkg/admission/nodetaint. */
export const TaintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  mutate({ operation, resource, object }) {
    if (operation !== "create" || resource !== "nodes") return;
    const node = object as Node;
    node.spec ??= {};
    const taints = node.spec.taints ?? [];
    if (taints.some((taint) => taint.key === NOT_READY.key && taint.effect === NOT_READY.effect)) return;
    node.spec.taints = [...taints, { ...NOT_READY }];
  },
};
