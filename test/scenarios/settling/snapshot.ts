import type { Api, Json } from "./api.ts";

/** What is compared. */
const LISTS: readonly string[] = [
  ...[
    "pods",
    "replicationcontrollers",
    "services",
    "endpoints",
    "resourcequotas",
    "persistentvolumeclaims",
    "configmaps",
    "serviceaccounts",
  ].map((plural) => `/api/v1/namespaces/{ns}/${plural}`),
  ...["deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"].map(
    (plural) => `/apis/apps/v1/namespaces/{ns}/${plural}`,
  ),
  ...["jobs", "cronjobs"].map((plural) => `/apis/batch/v1/namespaces/{ns}/${plural}`),
  "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices",
  "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets",
];

/** Members that differ from run to run. */
const DROPPED: ReadonlySet<string> = new Set([
  ...["uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink", "deletionTimestamp", "generation", "observedGeneration"],
  ...["startTime", "completionTime", "lastTransitionTime", "lastUpdateTime", "lastProbeTime", "startedAt", "finishedAt"],
  ...["lastScheduleTime", "lastSuccessfulTime", "clusterIP", "clusterIPs", "nodeName", "hostIP", "hostIPs", "qosClass", "ca.crt"],
  ...["controller-uid", "batch.kubernetes.io/controller-uid"],
]);
const HASHES: ReadonlySet<string> = new Set([
  ...["pod-template-hash", "controller-revision-hash", "controller.kubernetes.io/hash", "currentRevision", "updateRevision"],
]);
/** Lists whose order means nothing. */
const UNORDERED: ReadonlySet<string> = new Set(["conditions", "ownerReferences", "endpoints", "addresses"]);
/** Events of the scheduler depend on how often it looked; whether a budget was seen before its pods came is a matter of milliseconds. */
const UNCOMPARED_EVENTS: readonly string[] = ["Scheduled", "FailedScheduling", "NoPods"];

const REPLACED: readonly (readonly [pattern: RegExp, by: string])[] = [
  [/kube-api-access-[a-z0-9]{5}/g, "kube-api-access-<rand>"],
  [/\b([a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*?)-[bcdf-hj-np-tv-z2-9]{8,10}(?:-[bcdf-hj-np-tv-z2-9]{5})?\b/g, "$1-<hash>"],
  [/\b((?:rs|ds|rc|job|slice|sv|cj|ss)[a-z0-9]*(?:-\d+)?)-[bcdf-hj-np-tv-z2-9]{5}\b/g, "$1-<rand>"],
  [/\b10\.\d+\.\d+\.\d+\b/g, "<ip>"],
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uid>"],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>"],
];

/** Everything in a namespace that controllers have to do with, by plural, and the set of its Events; what chance and time decide made equal. */
export async function snapshot(api: Api, namespace: string): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  for (const path of LISTS) {
    const items = await api.items(path.replace("{ns}", namespace));
    if (items.length === 0) continue;
    const texts = items.map(({ apiVersion: _version, kind: _kind, ...rest }) => JSON.stringify(plain(rest, "", namespace)));
    seen[path.slice(path.lastIndexOf("/") + 1)] = texts.sort().map((text) => JSON.parse(text) as unknown);
  }
  const events = (await api.items(`/api/v1/namespaces/${namespace}/events`)).map(({ type, reason, involvedObject, message }) =>
    tame(`${type} ${reason} ${involvedObject.kind}/${involvedObject.name}: ${message}`, namespace),
  );
  seen.events = [...new Set(events)].filter(isCompared).sort();
  return seen;
}

/** Whether an Event, as it is printed in a snapshot, means the same in every run. */
export function isCompared(event: string): boolean {
  return !UNCOMPARED_EVENTS.some((reason) => event.startsWith(`Normal ${reason} `) || event.startsWith(`Warning ${reason} `));
}

/** A text without what chance and time decide. */
export function tame(text: string, namespace: string): string {
  return REPLACED.reduce((done, [pattern, by]) => done.replace(pattern, by), text.replaceAll(namespace, "{ns}"));
}

function plain(value: Json, member: string, namespace: string): Json {
  if (Array.isArray(value)) {
    const items = value.map((one) => plain(one, "", namespace));
    return UNORDERED.has(member) ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value === "object" && value !== null) {
    const kept = Object.keys(value)
      .filter((name) => !DROPPED.has(name))
      .sort();
    return Object.fromEntries(kept.map((name) => [name, plain(value[name], name, namespace)]));
  }
  if (typeof value !== "string") return value;
  if (HASHES.has(member)) return "<hash>";
  return member === "endpoints.kubernetes.io/last-change-trigger-time" ? "<time>" : tame(value, namespace);
}
