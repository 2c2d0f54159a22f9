import type { Pod, Toleration } from "../../kinds/generated/types.ts";
import type { AdmissionPlugin } from "./admission.ts";

/** How long a pod stays on a node that is gone, when it does not say so itself. */
const TOLERATION_S = 300;
const KEYS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] as const;

function tolerates(tolerations: readonly Toleration[], key: string): boolean {
  return tolerations.some(
    (toleration) =>
      (toleration.key === undefined || toleration.key === "" || toleration.key === key) &&
      (toleration.effect === undefined || toleration.effect === "" || toleration.effect === "NoExecute"),
  );
}

/** Source: plugin/pkg/admission/defaulttolerationseconds. */
export const DefaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  mutate({ operation, resource, object }) {
    if (operation !== "create" || resource !== "pods") return;
    const pod = object as Pod;
    const given = pod.spec.tolerations ?? [];
    const added = KEYS.filter((key) => !tolerates(given, key)).map(
      (key): Toleration => ({ effect: "NoExecute", key, operator: "Exists", tolerationSeconds: TOLERATION_S }),
    );
    if (added.length > 0) pod.spec.tolerations = [...given, ...added];
  },
};
