import { forbidden } from "../field-error.ts";
import type { LabelSelector, Pod, PodAffinityTerm } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { nodeNameOf, phaseOf } from "../metadata-text.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, column, NAME_COLUMN, wideColumn } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";
import { validateImageSpace } from "./container-validation.ts";
import { EPHEMERAL_CONTAINERS } from "./ephemeral-containers.ts";
import { validateAgreement, validatePodAnnotations } from "./pod-annotations.ts";
import { podCells } from "./pod-cells.ts";
import { DEFAULT_GRACE_S, defaultPod } from "./pod-defaults.ts";
import { isTerminal } from "./pod-phase.ts";
import { qosClassOf } from "./pod-qos.ts";
import { RESIZE } from "./pod-resize.ts";
import { validatePodStatus } from "./pod-status-validation.ts";
import { POD_SUBRESOURCES } from "./pod-subresources.ts";
import { validatePodUpdate } from "./pod-update.ts";
import { validatePodSpec } from "./pod-validation.ts";
import { podWarnings } from "./pod-warnings.ts";

/** A new pod is Pending; one behind scheduling gates says so. Source: podStrategy.PrepareForCreate. */
function prepareForCreate(pod: Pod): void {
  mergeLabelKeys(pod);
  pod.status = { phase: "Pending", qosClass: qosClassOf(pod) };
  if ((pod.spec.schedulingGates?.length ?? 0) === 0) return;
  const message = "Scheduling is blocked due to non-empty scheduling gates";
  pod.status.conditions = [{ type: "PodScheduled", status: "False", reason: "SchedulingGated", message }];
}

/**
 * What the pod's own labels add to the selectors of its affinity and spreading becomes part of them, and stays so whatever becomes of the
 * labels. Source: mutatePodAffinity, mutateTopologySpreadConstraints.
 */
function mergeLabelKeys({ metadata, spec }: Pod): void {
  const { labels = {} } = metadata;
  for (const { labelSelector, matchLabelKeys } of spec.topologySpreadConstraints ?? []) add(labelSelector, matchLabelKeys, "In", labels);
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution?.map(({ podAffinityTerm }) => podAffinityTerm) ?? [];
    for (const term of [...preferred, ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])] as PodAffinityTerm[]) {
      add(term.labelSelector, term.matchLabelKeys, "In", labels);
      add(term.labelSelector, term.mismatchLabelKeys, "NotIn", labels);
    }
  }
}

/** No selector selects nobody, and stays so. */
function add(
  selector: LabelSelector | undefined,
  keys: readonly string[] | undefined,
  operator: "In" | "NotIn",
  labels: Readonly<Record<string, string>>,
): void {
  if (selector === undefined || selector === null || !Array.isArray(keys)) return;
  const own = keys.filter((key) => Object.hasOwn(labels, key)).map((key) => ({ key, operator, values: [labels[key] ?? ""] }));
  if (own.length > 0) selector.matchExpressions = [...(selector.matchExpressions ?? []), ...own];
}

/** `podIP` and the first of `podIPs` are one; where they differ, the older of the two fields goes before. Source: Convert_v1_PodStatus_To_core_PodStatus. */
function alignAddresses(pod: Pod): void {
  const { status } = pod;
  if (status === undefined) return;
  const first = status.podIPs?.[0]?.ip;
  if (status.podIP && status.podIP !== first) status.podIPs = [{ ip: status.podIP }];
  else if (first !== undefined) status.podIP = first;
}

/** A pod without a service account has no tokens of one. */
function validateTokens({ spec }: Pod): FieldError[] {
  if (spec.serviceAccountName) return [];
  return (spec.volumes ?? []).flatMap(({ projected }, index) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }, at) => {
      const path = `spec.volumes[${index}].projected.sources[${at}].serviceAccountToken`;
      return serviceAccountToken === undefined ? [] : [forbidden(path, "must not be specified when serviceAccountName is not set")];
    }),
  );
}

/** What of a pod may only come later. Source: ValidatePodCreate. */
function validateNew(pod: Pod): FieldError[] {
  const { ephemeralContainers = [], nodeName, schedulingGates = [] } = pod.spec;
  const errors = ephemeralContainers.length > 0 ? [forbidden("spec.ephemeralContainers", "cannot be set on create")] : [];
  if (nodeName && schedulingGates.length > 0) {
    errors.push(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  }
  return [...errors, ...validateAgreement(pod.metadata.annotations, pod.spec, "spec")];
}

export const PodKind: Kind<Pod> = {
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  singular: "pod",
  shortNames: ["po"],
  categories: ["all"],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: POD_SUBRESOURCES,
  schema: "io.k8s.api.core.v1.Pod",
  tracksGeneration: true,
  returnsDeletedObject: true,
  applyDefaults: defaultPod,
  prepareForCreate,
  prepareForUpdate: (next, current) => {
    if (current.status === undefined) delete next.status;
    else next.status = current.status;
  },
  prepareForStatusUpdate: (next, current) => {
    alignAddresses(next);
    const qosClass = current.status?.qosClass;
    if (qosClass !== undefined) next.status = { qosClass, ...next.status };
  },
  updateChecks: ["metadata", "whole", "changes"],
  nameRule: dnsSubdomain,
  validate: (pod, current) => [
    ...validatePodAnnotations(pod.metadata.annotations, pod.spec, "metadata.annotations"),
    ...validatePodSpec(pod.spec, "spec", { pod: pod.metadata.name }),
    ...validateTokens(pod),
    ...validateImageSpace(pod.spec.containers, "spec.containers"),
    ...validateImageSpace(pod.spec.initContainers, "spec.initContainers"),
    ...(current === undefined ? validateNew(pod) : []),
  ],
  validateUpdate: validatePodUpdate,
  validateStatus: validatePodStatus,
  specDoors: { ephemeralcontainers: EPHEMERAL_CONTAINERS, resize: RESIZE },
  defaultGraceSeconds: (pod) => pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_S,
  deletesAtOnce: (pod) => !pod.spec.nodeName || isTerminal(pod),
  // Of what becomes of a pod people hardly hear: it is not they who change it.
  warnings: (pod, current) => (current === undefined ? podWarnings(pod) : []),
  columns: [
    NAME_COLUMN,
    column("Ready", "How many of the containers are ready"),
    column("Status", "What the containers are up to"),
    column("Restarts", "How often containers were started anew, and when last"),
    AGE_COLUMN,
    wideColumn("IP", "The pod's address"),
    wideColumn("Node", "Where it runs"),
    wideColumn("Nominated Node", "Where it will run when lower priorities have made room"),
    wideColumn("Readiness Gates", "How many of the conditions that it waits for are true"),
  ],
  cells: podCells,
  rowConditions: (pod) => {
    if (pod.status?.phase === "Succeeded") return [["Succeeded", "The pod has completed successfully."]];
    return pod.status?.phase === "Failed" ? [["Failed", "The pod failed."]] : [];
  },
  selectableFields: {
    "spec.nodeName": (pod) => pod.spec.nodeName ?? "",
    "spec.restartPolicy": (pod) => pod.spec.restartPolicy ?? "",
    "spec.schedulerName": (pod) => pod.spec.schedulerName ?? "",
    "spec.serviceAccountName": (pod) => pod.spec.serviceAccountName ?? "",
    "spec.hostNetwork": (pod) => String(pod.spec.hostNetwork ?? false),
    "status.phase": (pod) => pod.status?.phase ?? "",
    "status.podIP": (pod) => pod.status?.podIP ?? "",
    "status.podIPs": (pod) => pod.status?.podIPs?.[0]?.ip ?? "",
    "status.nominatedNodeName": (pod) => pod.status?.nominatedNodeName ?? "",
  },
  selectableTexts: {
    "spec.nodeName": (text) => nodeNameOf(text) ?? "",
    "status.phase": (text) => phaseOf(text) ?? "",
  },
};
