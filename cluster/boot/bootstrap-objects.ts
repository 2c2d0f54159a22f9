import { dayOf, startOfDay, TRACKING } from "../../actors/controllers/accounts/legacy-tokens.ts";
import { LOCAL_DIRECTORY, MACHINE_SCOPE, SCOPE } from "../../actors/controllers/volumes/volume-provisioner.ts";
import { FlowSchemaKind } from "../../actors/kinds/flowcontrol/flow-schema.ts";
import { PriorityLevelConfigurationKind } from "../../actors/kinds/flowcontrol/priority-level-configuration.ts";
import type { IngressClass, ServiceCIDR, StorageClass } from "../../actors/kinds/generated/types.ts";
import { IngressClassKind } from "../../actors/kinds/networking/ingress-class.ts";
import { ServiceCIDRKind } from "../../actors/kinds/networking/service-cidr.ts";
import { ClusterRoleKind } from "../../actors/kinds/rbac/cluster-role.ts";
import { StorageClassKind } from "../../actors/kinds/storage/storage-class.ts";
import {
  APIServiceKind,
  type ConfigMap,
  ConfigMapKind,
  type Kind,
  type KubeObject,
  keyFor,
  NamespaceKind,
  type PriorityClass,
  PriorityClassKind,
  type Registry,
  type Service,
  ServiceKind,
  StatusError,
  type View,
} from "../../actors/mod.ts";
import { DNS_ADDRESS_NUMBER, DNS_NAMESPACE, DNS_PROXY_NAME, DNS_SERVICE } from "../../actors/node/dns/dns-service.ts";
import { INGRESS_CLASS, INGRESS_CONTROLLER } from "../../actors/node/ingress/ingress-rules.ts";
import { PROXY_NAME_LABEL } from "../../actors/node/proxy/forwarding-rules.ts";
import { API_ADDRESS_NUMBER, addressInRange } from "../../actors/registry/service-range.ts";
import type { Clock, Logger, Timer } from "../../runtime/mod.ts";
import { DEFAULT_LEVELS, DEFAULT_SCHEMAS } from "../gateway/fairness/defaults.ts";
import type { StartHook } from "../gateway/server-checks.ts";
import { FRONT_PROXY } from "../pki/certificates.ts";
import { METRICS_API_SERVICE, METRICS_READER } from "../resource-metrics/objects.ts";
import { LOCAL_API_SERVICES } from "./local-api-services.ts";

/** Filled in by the registry. */
const NEW = { uid: "", creationTimestamp: "" };

/** The namespaces that kube-apiserver makes. */
const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Source: k8s.io/kubernetes/pkg/apis/scheduling, SystemPriorityClasses. */
const PRIORITY_CLASSES: readonly PriorityClass[] = [
  {
    metadata: { name: "system-node-critical", ...NEW },
    value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
  },
  {
    metadata: { name: "system-cluster-critical", ...NEW },
    value: 2_000_000_000,
    description: "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  },
];

/** What the services that every cluster has are alike in. */
function ofCluster(address: string): Omit<Service["spec"], "ports"> {
  return {
    type: "ClusterIP",
    clusterIP: address,
    clusterIPs: [address],
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
    sessionAffinity: "None",
  };
}

/** How pods find the API: the first address of the service range. */
function kubernetesService({ serviceRange: range, apiPort: port }: BootstrapFacts): Service {
  return {
    metadata: { name: "kubernetes", namespace: "default", labels: { component: "apiserver", provider: "kubernetes" }, ...NEW },
    spec: { ...ofCluster(addressInRange(range, API_ADDRESS_NUMBER)), ports: [{ name: "https", port, protocol: "TCP", targetPort: 6443 }] },
  };
}

/** How pods find the names of the cluster: the tenth address, which the nameserver takes itself. */
function dnsService(range: string): Service {
  const labels = { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" };
  return {
    metadata: { name: DNS_SERVICE, namespace: DNS_NAMESPACE, labels: { ...labels, [PROXY_NAME_LABEL]: DNS_PROXY_NAME }, ...NEW },
    spec: {
      ...ofCluster(addressInRange(range, DNS_ADDRESS_NUMBER)),
      ports: [
        { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
        { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
      ],
    },
  };
}

/** Of ingresses that name no class. */
const INGRESS_CLASS_OBJECT: IngressClass = {
  metadata: { name: INGRESS_CLASS, annotations: { "ingressclass.kubernetes.io/is-default-class": "true" }, ...NEW },
  spec: { controller: INGRESS_CONTROLLER },
};

/** Volumes made on demand, which are directories of the machine: of a node, and of all nodes at once. */
const STORAGE_CLASSES: readonly StorageClass[] = [
  {
    metadata: { name: "local", annotations: { "storageclass.kubernetes.io/is-default-class": "true" }, ...NEW },
    volumeBindingMode: "WaitForFirstConsumer",
  },
  { metadata: { name: "shared", ...NEW }, volumeBindingMode: "Immediate", parameters: { [SCOPE]: MACHINE_SCOPE } },
].map((special) => ({ ...special, provisioner: LOCAL_DIRECTORY, reclaimPolicy: "Delete", allowVolumeExpansion: true }));

/** What differs from cluster to cluster. */
export interface BootstrapFacts {
  /** The authority of clients, which servers behind APIServices trust; PEM. */
  readonly ca: string;
  /** That of whoever speaks for clients. */
  readonly frontProxyCa: string;
  /** There are nodes that know what their pods use: `metrics.k8s.io` is served. */
  readonly metricsOfNodes: boolean;
  /** What services get their addresses from. */
  readonly serviceRange: string;
  /** The port of the API's service. */
  readonly apiPort: number;
  /** There is a nameserver of the cluster. */
  readonly dns: boolean;
  /** Ingresses are served. */
  readonly ingress: boolean;
  /** Volumes are made on demand. */
  readonly localVolumes: boolean;
}

/** What servers behind APIServices read to know whom to believe. Source: pkg/controlplane/controller/clusterauthenticationtrust. */
function extensionAuthentication({ ca, frontProxyCa }: BootstrapFacts): ConfigMap {
  const list = (...words: readonly string[]): string => JSON.stringify(words);
  return {
    metadata: { name: "extension-apiserver-authentication", namespace: "kube-system", ...NEW },
    data: {
      "client-ca-file": ca,
      "requestheader-allowed-names": list(FRONT_PROXY),
      "requestheader-client-ca-file": frontProxyCa,
      "requestheader-extra-headers-prefix": list("X-Remote-Extra-"),
      "requestheader-group-headers": list("X-Remote-Group"),
      "requestheader-username-headers": list("X-Remote-User"),
    },
  };
}

/** How often it is made sure that they are all there. Source: kube-apiserver's kubernetesservice controller. */
const BOOTSTRAP_PERIOD_MS = 10_000;

/** Makes sure of them again and again, as kube-apiserver does, for as long as it is not cancelled. */
export function keepBootstrapObjects(registry: Registry, view: View, facts: BootstrapFacts, clock: Clock, log: Logger): Timer {
  let timer: Timer | undefined;
  let cancelled = false;
  const look = async (): Promise<void> => {
    await ensureBootstrapObjects(registry, view, facts, clock).catch((error: unknown) => {
      if (!cancelled) log.warn({ error: String(error) }, "what every cluster has could not be made sure of; trying again");
    });
    if (!cancelled) timer = clock.after(BOOTSTRAP_PERIOD_MS, () => void look());
  };
  timer = clock.after(BOOTSTRAP_PERIOD_MS, () => void look());
  return {
    cancel() {
      cancelled = true;
      timer?.cancel();
    },
  };
}

/** Makes what every Kubernetes cluster has from its first second on, where it is not there yet. */
export async function ensureBootstrapObjects(registry: Registry, view: View, facts: BootstrapFacts, clock: Clock): Promise<void> {
  await Promise.all(NAMESPACES.map((name) => ensure(registry, view, NamespaceKind, { metadata: { name, ...NEW }, spec: {}, status: {} })));
  await Promise.all([
    ensureApiService(registry, view, kubernetesService(facts)),
    ...(facts.dns ? [ensure(registry, view, ServiceKind, dnsService(facts.serviceRange))] : []),
    ...(facts.ingress ? [ensure(registry, view, IngressClassKind, INGRESS_CLASS_OBJECT)] : []),
    ...(facts.localVolumes ? STORAGE_CLASSES.map((storageClass) => ensure(registry, view, StorageClassKind, storageClass)) : []),
    ensureServiceRange(registry, view, facts.serviceRange),
    ...DEFAULT_LEVELS.map((level) => ensure(registry, view, PriorityLevelConfigurationKind, level)),
    ...DEFAULT_SCHEMAS.map((schema) => ensure(registry, view, FlowSchemaKind, schema)),
    ensure(registry, view, ConfigMapKind, extensionAuthentication(facts)),
    ensureTracking(registry, view, clock.now_ms()),
    ...LOCAL_API_SERVICES.map((service) => ensure(registry, view, APIServiceKind, service)),
    ...PRIORITY_CLASSES.map((priorityClass) => ensure(registry, view, PriorityClassKind, priorityClass)),
    ...(facts.metricsOfNodes
      ? [ensure(registry, view, APIServiceKind, METRICS_API_SERVICE), ensure(registry, view, ClusterRoleKind, METRICS_READER)]
      : []),
  ]);
}

/** What Kubernetes calls the work of making them, for health checks. Source: pkg/controlplane, pkg/registry and kube-aggregator's pkg/apiserver. */
export const START_HOOKS: readonly StartHook[] = [
  { name: "start-system-namespaces-controller", keys: NAMESPACES.map((name) => keyFor(NamespaceKind, undefined, name)) },
  { name: "bootstrap-controller", keys: [keyFor(ServiceKind, "default", "kubernetes")] },
  { name: "start-kubernetes-service-cidr-controller", keys: [keyFor(ServiceCIDRKind, undefined, "kubernetes")] },
  {
    name: "start-cluster-authentication-info-controller",
    keys: [keyFor(ConfigMapKind, "kube-system", "extension-apiserver-authentication")],
  },
  { name: "start-legacy-token-tracking-controller", keys: [keyFor(ConfigMapKind, TRACKING.namespace, TRACKING.name)] },
  { name: "rbac/bootstrap-roles", keys: [keyFor(ClusterRoleKind, undefined, "cluster-admin")] },
  {
    name: "scheduling/bootstrap-system-priority-classes",
    keys: PRIORITY_CLASSES.map(({ metadata }) => keyFor(PriorityClassKind, undefined, metadata.name)),
  },
  {
    name: "priority-and-fairness-config-producer",
    keys: [
      ...DEFAULT_LEVELS.map(({ metadata }) => keyFor(PriorityLevelConfigurationKind, undefined, metadata.name)),
      ...DEFAULT_SCHEMAS.map(({ metadata }) => keyFor(FlowSchemaKind, undefined, metadata.name)),
    ],
  },
  {
    name: "kube-apiserver-autoregistration",
    keys: LOCAL_API_SERVICES.map(({ metadata }) => keyFor(APIServiceKind, undefined, metadata.name)),
  },
];

/** The range that services get their addresses from. Source: pkg/controlplane/controller/defaultservicecidr. */
async function ensureServiceRange(registry: Registry, view: View, cidr: string): Promise<void> {
  const range: ServiceCIDR = { metadata: { name: "kubernetes", ...NEW }, spec: { cidrs: [cidr] } };
  const { name } = range.metadata;
  await ensure(registry, view, ServiceCIDRKind, range);
  if (view.get<ServiceCIDR>(keyFor(ServiceCIDRKind, undefined, name))?.status?.conditions !== undefined) return;
  const ready = { type: "Ready", status: "True", reason: "", message: "Kubernetes default Service CIDR is ready" };
  const told = (current: ServiceCIDR): ServiceCIDR | undefined => {
    const since = current.metadata.creationTimestamp;
    return current.status?.conditions === undefined
      ? { ...current, status: { conditions: [{ ...ready, lastTransitionTime: since }] } }
      : undefined;
  };
  await registry.modify(ServiceCIDRKind, undefined, name, told, { fieldManager: "kube-apiserver", subresource: "status" });
}

/** Since when track is kept of the use of tokens that live in secrets. Source: pkg/controlplane/controller/legacytokentracking. */
async function ensureTracking(registry: Registry, view: View, now_ms: number): Promise<void> {
  const { namespace, name } = TRACKING;
  const data = { since: dayOf(now_ms) };
  await ensure(registry, view, ConfigMapKind, { metadata: { name, namespace, ...NEW }, data });
  const isRight = (map: ConfigMap | undefined): boolean => startOfDay(map?.data?.since) !== undefined;
  const current = view.get<ConfigMap>(keyFor(ConfigMapKind, namespace, name));
  if (current === undefined || isRight(current)) return;
  const mended = (map: ConfigMap): ConfigMap | undefined => (isRight(map) ? undefined : { ...map, data: { ...map.data, ...data } });
  await registry.modify(ConfigMapKind, namespace, name, mended, { fieldManager: "kube-apiserver" });
}

/** Another start may find that it has other rights to ports. Source: getMasterServiceUpdateIfNeeded. */
async function ensureApiService(registry: Registry, view: View, wanted: Service): Promise<void> {
  await ensure(registry, view, ServiceKind, wanted);
  const { name, namespace } = wanted.metadata;
  const [port] = wanted.spec.ports ?? [];
  const isRight = ({ spec }: Service): boolean => spec.ports?.[0]?.port === port?.port;
  const current = view.get<Service>(keyFor(ServiceKind, namespace, name));
  if (current === undefined || isRight(current)) return;
  const change = (now: Service): Service | undefined =>
    isRight(now) ? undefined : { ...now, spec: { ...now.spec, ports: wanted.spec.ports ?? [] } };
  await registry.modify(ServiceKind, namespace, name, change, { fieldManager: "kube-apiserver" });
}

async function ensure<T extends KubeObject>(registry: Registry, view: View, kind: Kind<T>, object: T): Promise<void> {
  if (view.entry(keyFor(kind, object.metadata.namespace, object.metadata.name)) !== undefined) return;
  try {
    await registry.create(kind, structuredClone(object), { fieldManager: "kube-apiserver" });
  } catch (error) {
    if (!(error instanceof StatusError && error.status.code === 409)) throw error;
  }
}
