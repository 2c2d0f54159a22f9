/**
 * How lists and maps merge: facts that the official client does not carry. One text a definition, one word a field:
 *
 *   field=<patch strategies>/<merge key of strategic merge patch>=<list or map type of server-side apply>/<its keys>
 *
 * Either half may be empty. Source: the public Go types of the API, version 1.34 (patchStrategy, patchMergeKey, +listType, +listMapKey).
 */
const MERGE_FACTS: Readonly<Record<string, string>> = {
  Capabilities: "add==atomic drop==atomic",
  CephFSVolumeSource: "monitors==atomic",
  ConfigMapProjection: "items==atomic",
  ConfigMapVolumeSource: "items==atomic",
  Container:
    "command==atomic args==atomic ports=merge/containerPort=map/containerPort,protocol envFrom==atomic env=merge/name=map/name resizePolicy==atomic restartPolicyRules==atomic volumeMounts=merge/mountPath=map/mountPath volumeDevices=merge/devicePath=map/devicePath",
  ContainerImage: "names==atomic",
  ContainerRestartRuleOnExitCodes: "values==set",
  ContainerStatus: "volumeMounts=merge/mountPath=map/mountPath allocatedResourcesStatus=merge/name=map/name",
  DeleteOptions: "dryRun==atomic",
  DeploymentSpec: "strategy=retainKeys/=",
  DeploymentStatus: "conditions=merge/type=map/type",
  DownwardAPIProjection: "items==atomic",
  DownwardAPIVolumeSource: "items==atomic",
  Endpoint: "addresses==set",
  EndpointHints: "forZones==atomic forNodes==atomic",
  EndpointSlice: "endpoints==atomic ports==atomic",
  EndpointSubset: "addresses==atomic notReadyAddresses==atomic ports==atomic",
  Endpoints: "subsets==atomic",
  EphemeralContainer:
    "command==atomic args==atomic ports=merge/containerPort=map/containerPort,protocol envFrom==atomic env=merge/name=map/name resizePolicy==atomic restartPolicyRules==atomic volumeMounts=merge/mountPath=map/mountPath volumeDevices=merge/devicePath=map/devicePath",
  ExecAction: "command==atomic",
  FCVolumeSource: "targetWWNs==atomic wwids==atomic",
  HTTPGetAction: "httpHeaders==atomic",
  HostAlias: "hostnames==atomic",
  ISCSIVolumeSource: "portals==atomic",
  LabelSelector: "matchExpressions==atomic",
  LabelSelectorRequirement: "values==atomic",
  LinuxContainerUser: "supplementalGroups==atomic",
  LoadBalancerIngress: "ports==atomic",
  LoadBalancerStatus: "ingress==atomic",
  NamespaceSpec: "finalizers==atomic",
  NamespaceStatus: "conditions=merge/type=map/type",
  NodeAffinity: "preferredDuringSchedulingIgnoredDuringExecution==atomic",
  NodeSelector: "nodeSelectorTerms==atomic",
  NodeSelectorRequirement: "values==atomic",
  NodeSelectorTerm: "matchExpressions==atomic matchFields==atomic",
  NodeSpec: "podCIDRs=merge/=set taints==atomic",
  NodeStatus:
    "conditions=merge/type=map/type addresses=merge/type=map/type images==atomic volumesInUse==atomic volumesAttached==atomic runtimeHandlers==atomic",
  ObjectMeta: "ownerReferences=merge/uid=map/uid finalizers=merge/=set managedFields==atomic",
  PersistentVolumeClaimSpec: "accessModes==atomic",
  PodAffinity: "requiredDuringSchedulingIgnoredDuringExecution==atomic preferredDuringSchedulingIgnoredDuringExecution==atomic",
  PodAffinityTerm: "namespaces==atomic matchLabelKeys==atomic mismatchLabelKeys==atomic",
  PodAntiAffinity: "requiredDuringSchedulingIgnoredDuringExecution==atomic preferredDuringSchedulingIgnoredDuringExecution==atomic",
  PodDNSConfig: "nameservers==atomic searches==atomic options==atomic",
  PodDisruptionBudgetSpec: "selector=replace/=",
  PodDisruptionBudgetStatus: "conditions=merge/type=map/type",
  PodExtendedResourceClaimStatus: "requestMappings==atomic",
  PodSecurityContext: "supplementalGroups==atomic sysctls==atomic",
  PodSpec:
    "volumes=merge,retainKeys/name=map/name initContainers=merge/name=map/name containers=merge/name=map/name ephemeralContainers=merge/name=map/name nodeSelector==atomic imagePullSecrets=merge/name=map/name tolerations==atomic hostAliases=merge/ip=map/ip readinessGates==atomic topologySpreadConstraints=merge/topologyKey=map/topologyKey,whenUnsatisfiable schedulingGates=merge/name=map/name resourceClaims=merge,retainKeys/name=map/name",
  PodStatus:
    "conditions=merge/type=map/type hostIPs=merge/ip=atomic podIPs=merge/ip=map/ip initContainerStatuses==atomic containerStatuses==atomic ephemeralContainerStatuses==atomic resourceClaimStatuses=merge,retainKeys/name=map/name",
  ProjectedVolumeSource: "sources==atomic",
  RBDVolumeSource: "monitors==atomic",
  ReplicaSetStatus: "conditions=merge/type=map/type",
  ResourceRequirements: "claims==map/name",
  ResourceStatus: "resources==map/resourceID",
  SecretProjection: "items==atomic",
  SecretVolumeSource: "items==atomic",
  ServiceAccount: "secrets=merge/name=map/name imagePullSecrets==atomic",
  ServiceSpec:
    "ports=merge/port=map/port,protocol selector==atomic clusterIPs==atomic externalIPs==atomic loadBalancerSourceRanges==atomic ipFamilies==atomic",
  ServiceStatus: "conditions=merge/type=map/type",
  Status: "details==atomic",
  StatusDetails: "causes==atomic",
  TokenRequestSpec: "audiences==atomic",
  TopologySpreadConstraint: "matchLabelKeys==atomic",
};

/** Structs that server-side apply takes or leaves as a whole. Source: +structType=atomic. */
export const ATOMIC_STRUCTS: ReadonlySet<string> = new Set([
  "ConfigMapKeySelector",
  "DiscoveryEndpointPort",
  "EndpointAddress",
  "EndpointPort",
  "FileKeySelector",
  "LabelSelector",
  "LocalObjectReference",
  "NodeSelector",
  "NodeSelectorTerm",
  "ObjectFieldSelector",
  "ObjectReference",
  "OwnerReference",
  "ResourceFieldSelector",
  "SecretKeySelector",
  "TypedLocalObjectReference",
]);

export interface MergeFacts {
  /** `merge`, `replace`, `retainKeys`; none means that a list is replaced and a map merged. */
  readonly strategies: readonly string[];
  /** The field that tells the items of a merged list apart; undefined for lists of scalars. */
  readonly mergeKey: string | undefined;
  /** `map`, `set` or `atomic`; undefined where Kubernetes says nothing: a list is atomic then. */
  readonly listType: string | undefined;
  /** The fields that tell the items of a `map` list apart in server-side apply. */
  readonly listKeys: readonly string[];
}

const NONE: MergeFacts = { strategies: [], mergeKey: undefined, listType: undefined, listKeys: [] };
const read = new Map<string, ReadonlyMap<string, MergeFacts>>();

function words(text: string | undefined): string[] {
  return text === undefined || text === "" ? [] : text.split(",");
}

function readFacts(type: string): ReadonlyMap<string, MergeFacts> {
  const facts = new Map<string, MergeFacts>();
  const text = Object.hasOwn(MERGE_FACTS, type) ? (MERGE_FACTS[type] ?? "") : "";
  for (const word of text.split(" ")) {
    const [field = "", patch = "", list = ""] = word.split("=");
    const [strategies, mergeKey] = patch.split("/");
    const [listType, listKeys] = list.split("/");
    facts.set(field, {
      strategies: words(strategies),
      mergeKey: mergeKey || undefined,
      listType: listType || undefined,
      listKeys: words(listKeys),
    });
  }
  return facts;
}

/** The facts of a field of a definition, by the definition's TypeScript name: `("PodSpec", "containers")`. */
export function mergeFactsOf(type: string | undefined, field: string): MergeFacts {
  if (type === undefined) return NONE;
  let facts = read.get(type);
  if (facts === undefined) {
    facts = readFacts(type);
    read.set(type, facts);
  }
  return facts.get(field) ?? NONE;
}
