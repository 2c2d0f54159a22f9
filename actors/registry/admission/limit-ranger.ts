import { defaultRequests } from "../../kinds/core/pod-defaults.ts";
import { forbidden } from "../../kinds/errors.ts";
import type { Container, LimitRange, LimitRangeItem, Pod, ResourceRequirements } from "../../kinds/generated/types.ts";
import type { AdmissionPlugin, AdmissionWorld } from "./admission.ts";
import { refusedName } from "./admission.ts";
import { limitProblems } from "./limit-rules.ts";

const LIMIT_RANGES = "limitranges";
/** Where it is written down what a pod got from its namespace. */
const ANNOTATION = "kubernetes.io/limit-ranger";

/** The limits of a namespace; most have none. */
function limitsOf({ view }: AdmissionWorld, namespace: string | undefined): readonly LimitRangeItem[] {
  if (namespace === undefined || view.count(LIMIT_RANGES) === 0) return [];
  return view.list(LIMIT_RANGES, namespace).flatMap((entry) => view.decode<LimitRange>(entry).spec?.limits ?? []);
}

/** What a container gets that says nothing: the last range that names a resource counts. Source: defaultContainerResourceRequirements. */
function defaultsOf(limits: readonly LimitRangeItem[]): ResourceRequirements {
  const requests: Record<string, string> = {};
  const defaults: Record<string, string> = {};
  for (const item of limits) {
    if (item.type !== "Container") continue;
    Object.assign(requests, item.defaultRequest);
    Object.assign(defaults, item.default);
  }
  return { requests, limits: defaults };
}

/** Fills in what is missing; says what it was. */
function fillIn(container: Container, defaults: ResourceRequirements, what: string): string[] {
  const said: string[] = [];
  const resources: ResourceRequirements = { ...container.resources };
  for (const [member, word] of [["requests", "request"] as const, ["limits", "limit"] as const]) {
    const given = resources[member] ?? {};
    const added = Object.keys(defaults[member] ?? {}).filter((name) => given[name] === undefined);
    if (added.length === 0) continue;
    resources[member] = { ...Object.fromEntries(added.map((name) => [name, defaults[member]?.[name] ?? "0"])), ...given };
    said.push(`${added.sort().join(", ")} ${word} for ${what} ${container.name}`);
  }
  if (said.length > 0) container.resources = resources;
  return said;
}

function applyTo(pod: Pod, limits: readonly LimitRangeItem[]): void {
  const defaults = defaultsOf(limits);
  const fill = (containers: readonly Container[] | undefined, what: string): string[] =>
    (containers ?? []).flatMap((container) => {
      // A limit without a request is a request too, before the namespace has a say.
      defaultRequests(container);
      return fillIn(container, defaults, what);
    });
  const said = [...fill(pod.spec.containers, "container"), ...fill(pod.spec.initContainers, "init container")];
  if (said.length === 0) return;
  const annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${said.join("; ")}` };
  Object.assign(pod, { metadata: { ...pod.metadata, annotations } });
}

/** Holds pods and claims to the LimitRanges of their namespace, after filling in what they leave open. Source: plugin/pkg/admission/limitranger. */
export const LimitRanger: AdmissionPlugin = {
  name: "LimitRanger",
  mutate({ operation, resource, namespace, object }, world) {
    if (operation !== "create" || resource !== "pods") return;
    const limits = limitsOf(world, namespace);
    if (limits.length > 0) applyTo(object as Pod, limits);
  },
  validate(request, world) {
    const { operation, resource, subresource, kind, namespace, object } = request;
    const isPod = resource === "pods";
    const isResize = subresource === "resize";
    if ((subresource !== undefined && !isResize) || (!isPod && resource !== "persistentvolumeclaims")) return;
    // Pods keep what they were admitted with, but for a resize.
    if (operation === "delete" || (operation === "update" && isPod && !isResize)) return;
    const problems = limitsOf(world, namespace).flatMap((item) => limitProblems(item, resource, object));
    if (problems.length === 0) return;
    const why = problems.length === 1 ? (problems[0] ?? "") : `[${[...new Set(problems)].join(", ")}]`;
    throw forbidden(kind, refusedName(request), why);
  },
};
