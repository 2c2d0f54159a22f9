import { forbidden, invalid } from "../../../kinds/errors.ts";
import type { Container, Namespace, Pod } from "../../../kinds/generated/types.ts";
import type { KubeObject, ObjectMeta } from "../../../kinds/object.ts";
import type { Entry, View } from "../../../store/view.ts";
import { type AdmissionPlugin, type AdmissionRequest, type AdmissionWorld, refusedName } from "../admission.ts";
import { type Asked, askedBy, compareLevels, details, findings, isPrivileged, type LevelVersion, printed, reasons } from "./levels.ts";
import type { Finding, PodLike } from "./words.ts";

/** Of a pod's subresources those through which what runs can be changed are looked at; these are not. */
const IGNORED: ReadonlySet<string> = new Set(["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"]);
/** Pods of a namespace that are looked at when its level is raised. Source: defaultNamespaceMaxPodsToCheck. */
const PODS_MAX = 3_000;
const ANNOTATION = "pod-security.kubernetes.io/";

type Template = { readonly metadata?: Partial<ObjectMeta>; readonly spec?: Pod["spec"] };

/** What makes pods, and where the pod stands in it. Source: k8s.io/pod-security-admission/admission/admission.go, DefaultPodSpecExtractor. */
const MAKERS: ReadonlyMap<string, (object: KubeObject) => Template | undefined> = new Map([
  ["podtemplates", (object) => (object as KubeObject & { template?: Template }).template],
  ...["replicationcontrollers", "replicasets.apps", "deployments.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch"].map(
    (resource) => [resource, (object: KubeObject) => (object as KubeObject & { spec?: { template?: Template } }).spec?.template] as const,
  ),
  [
    "cronjobs.batch",
    (object) => (object as KubeObject & { spec?: { jobTemplate?: { spec?: { template?: Template } } } }).spec?.jobTemplate?.spec?.template,
  ],
]);

/** Namespaces do not change: what their labels ask for is worked out once. */
const asked = new WeakMap<Namespace, Asked>();

function askedIn(namespace: Namespace): Asked {
  let known = asked.get(namespace);
  if (known === undefined) {
    known = askedBy(namespace.metadata.labels);
    asked.set(namespace, known);
  }
  return known;
}

/** Only images can be changed in a way that matters. */
function changesWhatRuns(next: Pod["spec"], current: Pod["spec"]): boolean {
  const differs = (a: readonly Container[] = [], b: readonly Container[] = []): boolean =>
    a.length !== b.length || a.some(({ image }, index) => image !== b[index]?.image);
  if (differs(next.containers, current.containers) || differs(next.initContainers, current.initContainers)) return true;
  return (next.ephemeralContainers ?? []).some(
    ({ name, image }) => current.ephemeralContainers?.find((one) => one.name === name)?.image !== image,
  );
}

function judge(request: AdmissionRequest, { policy, errors }: Asked, pod: PodLike, enforces: boolean): void {
  const { options } = request;
  const known = new Map<string, readonly Finding[]>();
  const found = (level: LevelVersion): readonly Finding[] => {
    const key = printed(level);
    const before = known.get(key) ?? findings(level, pod);
    known.set(key, before);
    return before;
  };
  if (errors.length > 0) {
    const words = errors.map(({ field, message }) => `${field}: ${message}`).join(", ");
    options.annotate?.(`${ANNOTATION}error`, `Failed to parse policy: ${errors.length === 1 ? words : `[${words}]`}`);
  }
  const audited = found(policy.audit);
  if (audited.length > 0) {
    options.annotate?.(`${ANNOTATION}audit-violations`, `would violate PodSecurity "${printed(policy.audit)}": ${details(audited)}`);
  }
  if (enforces) {
    options.annotate?.(`${ANNOTATION}enforce-policy`, printed(policy.enforce));
    const enforced = found(policy.enforce);
    if (enforced.length > 0) {
      throw forbidden(request.kind, refusedName(request), `violates PodSecurity "${printed(policy.enforce)}": ${details(enforced)}`);
    }
  }
  const warned = found(policy.warn);
  if (warned.length > 0) options.warn?.(`would violate PodSecurity "${printed(policy.warn)}": ${details(warned)}`);
}

function judgeIn(request: AdmissionRequest, entry: Entry | undefined, { view }: AdmissionWorld): void {
  if (entry === undefined) return;
  const wanted = askedIn(view.decode<Namespace>(entry));
  if (wanted.errors.length === 0 && isPrivileged(wanted.policy)) return;
  if (request.resource === "pods") judge(request, wanted, request.object as Pod, true);
  const { metadata = {}, spec } = MAKERS.get(request.resource)?.(request.object) ?? {};
  if (spec !== undefined) judge(request, wanted, { metadata, spec }, false);
}

function judgeNamespace(request: AdmissionRequest, view: View): void {
  const next = request.object as Namespace;
  const wanted = askedBy(next.metadata.labels);
  const before = request.operation === "create" ? undefined : askedBy((request.current as Namespace).metadata.labels);
  const words = (one: Asked): string => one.errors.map(({ field, message }) => `${field} ${message}`).join();
  if (wanted.errors.length > 0 && (before === undefined || words(before) !== words(wanted))) {
    throw invalid({ group: "", kind: "Namespace" }, refusedName(request), wanted.errors);
  }
  if (before === undefined) return;
  const { enforce } = wanted.policy;
  const was = before.policy.enforce;
  const relaxes = enforce.version === was.version && compareLevels(enforce.level, was.level) <= 0;
  if (enforce.level === "privileged" || relaxes) return;
  for (const text of warningsAboutPods(view, next.metadata.name, enforce)) request.options.warn?.(text);
}

/** What the pods that are there already would not be allowed to be any more: one of each controller first. */
function warningsAboutPods(view: View, namespace: string, enforce: LevelVersion): readonly string[] {
  const pods = view.list("pods", namespace).map((entry) => view.decode<Pod>(entry));
  const seen = new Set<string>();
  const [first, others]: [Pod[], Pod[]] = [[], []];
  for (const pod of pods) {
    const controller = pod.metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid;
    if (controller !== undefined && seen.has(controller)) others.push(pod);
    else first.push(pod);
    if (controller !== undefined) seen.add(controller);
  }
  const looked = [...first, ...others].slice(0, PODS_MAX);
  const names = Map.groupBy(
    looked.flatMap((pod) => {
      const found = findings(enforce, pod);
      return found.length === 0 ? [] : [{ name: pod.metadata.name, words: reasons(found) }];
    }),
    ({ words }) => words,
  );
  const lines = [...names].map(([words, bad]) => {
    const name = bad.map((one) => one.name).sort()[0] ?? "";
    const more = bad.length === 1 ? "" : bad.length === 2 ? " (and 1 other pod)" : ` (and ${bad.length - 1} other pods)`;
    return `${name}${more}: ${words}`;
  });
  const cut =
    looked.length < pods.length
      ? [`new PodSecurity enforce level only checked against the first ${looked.length} of ${pods.length} existing pods`]
      : [];
  if (lines.length === 0) return cut;
  return [
    ...cut,
    `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${printed(enforce)}"`,
    ...lines.sort(),
  ];
}

function concernsPods({ operation, resource, subresource, object, current }: AdmissionRequest): boolean {
  if (operation === "delete") return false;
  if (resource !== "pods") return subresource === undefined && MAKERS.has(resource);
  if (subresource !== undefined && IGNORED.has(subresource)) return false;
  return operation === "create" || current === undefined || changesWhatRuns((object as Pod).spec, (current as Pod).spec);
}

/**
 * Holds the pods of a namespace to the level that its labels ask for; warns about what would make pods that break it. Source: the page "Pod Security
 * Admission", and k8s.io/pod-security-admission.
 */
export const PodSecurity: AdmissionPlugin = {
  name: "PodSecurity",
  validate(request, world) {
    if (request.resource === "namespaces") {
      if (request.operation !== "delete" && request.subresource === undefined) judgeNamespace(request, world.view);
      return;
    }
    if (request.namespace === undefined || !concernsPods(request)) return;
    const entry = world.find(`namespaces/${request.namespace}`);
    if (entry instanceof Promise) return entry.then((found) => judgeIn(request, found, world));
    judgeIn(request, entry, world);
  },
};
