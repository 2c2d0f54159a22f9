import type { AdmissionPlugin } from "./admission.ts";
import { DefaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { NamespaceLifecycle } from "./namespace-lifecycle.ts";
import { Priority } from "./priority.ts";
import { ServiceAccountAdmission } from "./service-account.ts";
import { TaintNodesByCondition } from "./taint-nodes-by-condition.ts";

/** The plugins of a cluster, in the order of kube-apiserver. */
export const ADMISSION_PLUGINS: readonly AdmissionPlugin[] = [
  NamespaceLifecycle,
  ServiceAccountAdmission,
  TaintNodesByCondition,
  Priority,
  DefaultTolerationSeconds,
];
