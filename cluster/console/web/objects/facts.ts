import { html, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import { objectAddress } from "./resource-types.ts";
import { type AnyObject, type PodObject, type Subject, selectorText, type Workload } from "./subject.ts";

/** A line of what an object is. */
export type Fact = readonly [name: string, value: TemplateResult | string];

type Loose = Readonly<Record<string, unknown>>;

/** What one wants to know first of an object, by its kind; what is not said is left out. */
export function factsOf({ type, object }: Subject): readonly Fact[] {
  const facts = BY_KIND[type.id]?.(object) ?? [];
  return facts.flatMap(([name, value]): Fact[] =>
    value === undefined || value === "" ? [] : [[name, typeof value === "object" ? (value as TemplateResult) : String(value)]],
  );
}

type Maybe = readonly [name: string, value: unknown];

const BY_KIND: Readonly<Record<string, (object: AnyObject) => readonly Maybe[]>> = {
  pods: podFacts,
  "deployments.apps": (object) => [
    ...counts(object, ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]),
    ["Strategy", strategy(object, "strategy")],
    ["Rollout", object.spec?.paused === true ? "paused" : undefined],
    ...template(object),
  ],
  "replicasets.apps": (object) => [...counts(object, ["replicas", "readyReplicas"]), ...template(object)],
  "statefulsets.apps": (object) => [
    ...counts(object, ["replicas", "updatedReplicas", "readyReplicas"]),
    ["Strategy", strategy(object, "updateStrategy")],
    ["Service", link("services", object.metadata.namespace, object.spec?.serviceName)],
    ["Pod management", object.spec?.podManagementPolicy],
    ...template(object),
  ],
  "daemonsets.apps": (object) => [
    ...counts(object, ["desiredNumberScheduled", "updatedNumberScheduled", "numberReady", "numberMisscheduled"]),
    ["Strategy", strategy(object, "updateStrategy")],
    ...template(object),
  ],
  "jobs.batch": (object) => [
    ["Completions", object.spec?.completions],
    ["Parallelism", object.spec?.parallelism],
    ["Backoff limit", object.spec?.backoffLimit],
    ...counts(object, ["active", "succeeded", "failed", "startTime", "completionTime"]),
    ...template(object),
  ],
  "cronjobs.batch": (object) => [
    ["Schedule", code(object.spec?.schedule)],
    ["Time zone", object.spec?.timeZone],
    ["Concurrency", object.spec?.concurrencyPolicy],
    ...counts(object, ["lastScheduleTime", "lastSuccessfulTime"]),
  ],
  services: (object) => [
    ["Type", object.spec?.type],
    ["Address", code(object.spec?.clusterIP)],
    [
      "Ports",
      list(
        object.spec?.ports,
        ({ name, port, targetPort, protocol, nodePort }) =>
          `${name ? `${name} ` : ""}${port}${nodePort ? `:${nodePort}` : ""} → ${targetPort}/${protocol}`,
      ),
    ],
    ["Selector", pairs(object.spec?.selector)],
    ["External name", object.spec?.externalName],
  ],
  "ingresses.networking.k8s.io": (object) => [
    ["Class", object.spec?.ingressClassName],
    ["Rules", list(object.spec?.rules, ruleOf)],
    [
      "TLS",
      list(
        object.spec?.tls,
        ({ hosts, secretName }) => `${((hosts as string[] | undefined) ?? []).join(", ")} by ${secretName ?? "default"}`,
      ),
    ],
  ],
  persistentvolumeclaims: (object) => [
    ["Requests", pairs((object.spec?.resources as Loose | undefined)?.requests)],
    ["Access modes", (object.spec?.accessModes as string[] | undefined)?.join(", ")],
    ["Storage class", link("storageclasses.storage.k8s.io", undefined, object.spec?.storageClassName)],
    ["Volume", link("persistentvolumes", undefined, object.spec?.volumeName)],
  ],
  persistentvolumes: (object) => [
    ["Capacity", pairs(object.spec?.capacity)],
    ["Access modes", (object.spec?.accessModes as string[] | undefined)?.join(", ")],
    ["Reclaim policy", object.spec?.persistentVolumeReclaimPolicy],
    ["Storage class", link("storageclasses.storage.k8s.io", undefined, object.spec?.storageClassName)],
    ["Claim", claimOf(object)],
  ],
  nodes: (object) => [
    ["Schedulable", object.spec?.unschedulable === true ? "no: cordoned" : "yes"],
    ["Allocatable", pairs((object.status as Loose | undefined)?.allocatable)],
    ["Addresses", list((object.status as Loose | undefined)?.addresses, ({ type, address }) => `${type} ${address}`)],
    ["Taints", list(object.spec?.taints, ({ key, value, effect }) => `${key}${value ? `=${value}` : ""}:${effect}`)],
    ["Kubelet", ((object.status as Loose | undefined)?.nodeInfo as Loose | undefined)?.kubeletVersion],
  ],
};

function podFacts(object: AnyObject): readonly Maybe[] {
  const { spec, status, metadata } = object as PodObject;
  return [
    ["Node", link("nodes", undefined, spec.nodeName)],
    ["Address", code(status.podIP)],
    ["Service account", link("serviceaccounts", metadata.namespace, spec.serviceAccountName)],
    ["QoS class", status.qosClass],
    ["Priority class", spec.priorityClassName],
    ["Restart policy", spec.restartPolicy],
    ["Status", [status.reason, status.message].filter(Boolean).join(": ")],
  ];
}

/** Words for what controllers count. */
const COUNTED: Readonly<Record<string, string>> = {
  replicas: "Replicas",
  updatedReplicas: "Up to date",
  readyReplicas: "Ready",
  availableReplicas: "Available",
  desiredNumberScheduled: "Desired",
  updatedNumberScheduled: "Up to date",
  numberReady: "Ready",
  numberMisscheduled: "Misscheduled",
  active: "Active",
  succeeded: "Succeeded",
  failed: "Failed",
  startTime: "Started",
  completionTime: "Ended",
  lastScheduleTime: "Last run",
  lastSuccessfulTime: "Last success",
};

function counts({ status }: AnyObject, names: readonly string[]): readonly Maybe[] {
  return names.map((name) => [COUNTED[name] ?? name, status?.[name]]);
}

function template(object: AnyObject): readonly Maybe[] {
  const { selector, template } = (object as Workload).spec;
  return [
    ["Selector", code(selectorText(selector))],
    [
      "Images",
      template &&
        html`${template.spec.containers.map(({ name, image }) => html`<div><span class="muted">${name}</span> <code>${image}</code></div>`)}`,
    ],
  ];
}

function strategy({ spec }: AnyObject, field: string): string | undefined {
  const { type, rollingUpdate = {} } = (spec?.[field] ?? {}) as { type?: string; rollingUpdate?: Loose };
  const details = Object.entries(rollingUpdate).map(([name, value]) => `${name} ${value}`);
  return type === undefined ? undefined : [type, ...details].join(", ");
}

function ruleOf({ host, http }: Loose): string {
  const paths = ((http as Loose | undefined)?.paths ?? []) as readonly {
    path?: string;
    backend: { service?: { name: string; port: Loose } };
  }[];
  return paths
    .map(({ path = "/", backend }) => `${host ?? "*"}${path} → ${backend.service?.name}:${Object.values(backend.service?.port ?? {})[0]}`)
    .join(", ");
}

function claimOf({ spec }: AnyObject): TemplateResult | undefined {
  const claim = spec?.claimRef as { namespace?: string; name?: string } | undefined;
  return link("persistentvolumeclaims", claim?.namespace, claim?.name);
}

function link(id: string, namespace: string | undefined, name: unknown): TemplateResult | undefined {
  if (typeof name !== "string" || name === "") return undefined;
  return html`<a href=${hrefOf(objectAddress(id, namespace, name))}>${name}</a>`;
}

function code(text: unknown): TemplateResult | undefined {
  return text === undefined || text === "" ? undefined : html`<code>${text}</code>`;
}

function pairs(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value)
    .map(([key, each]) => `${key} ${each}`)
    .join(", ");
}

function list(value: unknown, words: (each: Loose) => string): TemplateResult | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return html`${value.map((each: Loose) => html`<div>${words(each)}</div>`)}`;
}
