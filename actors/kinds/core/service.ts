import type { Service } from "../generated/types.ts";
import type { Cell, Kind } from "../kind.ts";
import { dns1035Label } from "../names.ts";
import { AGE_COLUMN, ageOf, column, formatLabels, NAME_COLUMN, NONE, wideColumn } from "../table.ts";
import { ALL_VERBS, proxyOf, STATUS } from "../verbs.ts";
import { isExternal, validateService, validateServiceStatus, validateServiceUpdate } from "./service-validation.ts";
import { serviceWarnings } from "./service-warnings.ts";

const AFFINITY_TIMEOUT_S = 10_800;

/** Source: SetDefaults_Service. */
function applyDefaults(service: Service): void {
  const { spec } = service;
  if (spec === undefined) return;
  spec.sessionAffinity ||= "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === "ClientIP" && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: AFFINITY_TIMEOUT_S } };
  }
  spec.type ||= "ClusterIP";
  for (const port of spec.ports ?? []) {
    port.protocol ||= "TCP";
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === "") port.targetPort = port.port;
  }
  if (isExternal(service)) spec.externalTrafficPolicy ||= "Cluster";
  if (["ClusterIP", "NodePort", "LoadBalancer"].includes(spec.type)) spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
  service.status ??= {};
  service.status.loadBalancer ??= {};
  defaultModes(service);
}

function defaultModes({ spec, status }: Service): void {
  if (spec.type !== "LoadBalancer") return;
  for (const entry of status?.loadBalancer?.ingress ?? []) if (entry.ip) entry.ipMode ??= "VIP";
}

/** `clusterIP` and the first of `clusterIPs` are one; who sets one sets both. Source: normalizeClusterIPs. */
function alignAddresses(next: Service, current?: Service): void {
  const { spec } = next;
  const set = (address: string | undefined): void => {
    if (address) spec.clusterIPs = [address];
    else delete spec.clusterIPs;
  };
  if (current === undefined) {
    if (spec.clusterIPs === undefined || spec.clusterIPs.length === 0) set(spec.clusterIP);
    return;
  }
  const changed = spec.clusterIP !== current.spec.clusterIP;
  const samePlural = JSON.stringify(spec.clusterIPs ?? []) === JSON.stringify(current.spec.clusterIPs ?? []);
  if (changed && samePlural) set(spec.clusterIP);
}

function prepareForUpdate(next: Service, current: Service): void {
  if (current.status !== undefined) next.status = current.status;
  // What was allocated stays, when the client is silent about it. Source: patchAllocatedValues.
  if (next.spec.type !== "ExternalName" && current.spec.type !== "ExternalName") {
    const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy } = current.spec;
    if (!next.spec.clusterIP && !next.spec.clusterIPs?.length) {
      if (clusterIP !== undefined) next.spec.clusterIP = clusterIP;
      if (clusterIPs !== undefined) next.spec.clusterIPs = clusterIPs;
    }
    if (next.spec.ipFamilies === undefined && ipFamilies !== undefined) next.spec.ipFamilies = ipFamilies;
    if (next.spec.ipFamilyPolicy === undefined && ipFamilyPolicy !== undefined) next.spec.ipFamilyPolicy = ipFamilyPolicy;
  }
  if (next.spec.type === "NodePort" || next.spec.type === "LoadBalancer") keepNodePorts(next, current);
  alignAddresses(next, current);
}

function keepNodePorts(next: Service, current: Service): void {
  const known = new Map((current.spec.ports ?? []).map((port) => [`${port.protocol}/${port.port}`, port.nodePort]));
  for (const port of next.spec.ports ?? []) {
    const before = known.get(`${port.protocol}/${port.port}`);
    if (!port.nodePort && before) port.nodePort = before;
  }
}

function externalAddress(service: Service): string {
  const { type, externalIPs = [], externalName } = service.spec;
  if (type === "ExternalName") return externalName ?? "";
  if (type !== "LoadBalancer") return externalIPs.length === 0 ? NONE : externalIPs.join(",");
  const balanced = new Set((service.status?.loadBalancer?.ingress ?? []).map((ingress) => ingress.ip || ingress.hostname || ""));
  balanced.delete("");
  const all = [...[...balanced].sort(), ...externalIPs];
  return all.length === 0 ? "<pending>" : all.join(",");
}

function cells(service: Service, now_ms: number): readonly Cell[] {
  const { spec } = service;
  const ports = (spec.ports ?? []).map((port) => `${port.port}${port.nodePort ? `:${port.nodePort}` : ""}/${port.protocol}`);
  return [
    service.metadata.name,
    spec.type ?? "",
    spec.clusterIPs?.[0] ?? NONE,
    externalAddress(service),
    ports.length === 0 ? NONE : ports.join(","),
    ageOf(service, now_ms),
    formatLabels(spec.selector),
  ];
}

export const ServiceKind: Kind<Service> = {
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  singular: "service",
  shortNames: ["svc"],
  categories: ["all"],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [proxyOf("ServiceProxyOptions"), STATUS],
  schema: "io.k8s.api.core.v1.Service",
  createsOnUpdate: true,
  returnsDeletedObject: true,
  applyDefaults,
  prepareForCreate: (service) => {
    service.status = { loadBalancer: {} };
    alignAddresses(service);
  },
  prepareForUpdate,
  prepareForStatusUpdate: (next) => defaultModes(next),
  updateChecks: ["metadata", "changes", "whole"],
  nameRule: dns1035Label,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  validateStatus: validateServiceStatus,
  warnings: serviceWarnings,
  columns: [
    NAME_COLUMN,
    column("Type", "How the service is exposed"),
    column("Cluster-IP", "Its address in the cluster"),
    column("External-IP", "Its addresses outside"),
    column("Port(s)", "Its ports"),
    AGE_COLUMN,
    wideColumn("Selector", "The labels of the pods behind it"),
  ],
  cells,
  selectableFields: { "spec.clusterIP": (service) => service.spec.clusterIP ?? "", "spec.type": (service) => service.spec.type ?? "" },
};
