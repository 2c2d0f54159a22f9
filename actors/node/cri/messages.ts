/**
 * The messages of Kubernetes' Container Runtime Interface, version v1, as far as Troupe says or reads them. Source: runtime.v1 of k8s.io/cri-api (Kubernetes 1.34).
 */
import { type Received, type Sent, type Service, serviceOf } from "../grpc/messages.ts";

const MESSAGES = {
  Empty: {},
  // What there is.
  VersionRequest: { version: "1 string" },
  VersionResponse: { version: "1 string", runtimeName: "2 string", runtimeVersion: "3 string", runtimeApiVersion: "4 string" },
  StatusRequest: { verbose: "1 bool" },
  StatusResponse: { status: "1 RuntimeStatus", info: "2 map", runtimeHandlers: "3 repeated RuntimeHandler", features: "4 RuntimeFeatures" },
  RuntimeHandler: { name: "1 string", features: "2 RuntimeHandlerFeatures" },
  RuntimeHandlerFeatures: { recursiveReadOnlyMounts: "1 bool", userNamespaces: "2 bool" },
  RuntimeFeatures: { supplementalGroupsPolicy: "1 bool" },
  RuntimeStatus: { conditions: "1 repeated RuntimeCondition" },
  RuntimeCondition: { type: "1 string", status: "2 bool", reason: "3 string", message: "4 string" },
  RuntimeConfigResponse: { linux: "1 LinuxRuntimeConfiguration" },
  LinuxRuntimeConfiguration: { cgroupDriver: "1 int32" },
  UpdateRuntimeConfigRequest: { runtimeConfig: "1 RuntimeConfig" },
  RuntimeConfig: { networkConfig: "1 NetworkConfig" },
  NetworkConfig: { podCidr: "1 string" },
  // Sandboxes.
  PodSandboxMetadata: { name: "1 string", uid: "2 string", namespace: "3 string", attempt: "4 uint32" },
  DNSConfig: { servers: "1 repeated string", searches: "2 repeated string", options: "3 repeated string" },
  PortMapping: { protocol: "1 int32", containerPort: "2 int32", hostPort: "3 int32", hostIp: "4 string" },
  PodSandboxConfig: {
    metadata: "1 PodSandboxMetadata",
    hostname: "2 string",
    logDirectory: "3 string",
    dnsConfig: "4 DNSConfig",
    portMappings: "5 repeated PortMapping",
    labels: "6 map",
    annotations: "7 map",
    linux: "8 LinuxPodSandboxConfig",
  },
  LinuxPodSandboxConfig: {
    cgroupParent: "1 string",
    securityContext: "2 LinuxSandboxSecurityContext",
    sysctls: "3 map",
    resources: "5 LinuxContainerResources",
  },
  LinuxSandboxSecurityContext: {
    namespaceOptions: "1 NamespaceOption",
    runAsUser: "3 Int64Value",
    supplementalGroups: "5 repeated int64",
    privileged: "6 bool",
    runAsGroup: "8 Int64Value",
    seccomp: "9 SecurityProfile",
    supplementalGroupsPolicy: "11 int32",
  },
  NamespaceOption: { network: "1 int32", pid: "2 int32", ipc: "3 int32", targetId: "4 string" },
  SecurityProfile: { profileType: "1 int32", localhostRef: "2 string" },
  Int64Value: { value: "1 int64" },
  RunPodSandboxRequest: { config: "1 PodSandboxConfig", runtimeHandler: "2 string" },
  RunPodSandboxResponse: { podSandboxId: "1 string" },
  SandboxRequest: { podSandboxId: "1 string" },
  PodSandboxFilter: { labelSelector: "3 map" },
  ListPodSandboxRequest: { filter: "1 PodSandboxFilter" },
  ListPodSandboxResponse: { items: "1 repeated PodSandbox" },
  PodSandbox: {
    id: "1 string",
    metadata: "2 PodSandboxMetadata",
    state: "3 int32",
    createdAt: "4 int64",
    labels: "5 map",
  },
  PodSandboxStatusResponse: { status: "1 PodSandboxStatus" },
  PodSandboxStatus: { id: "1 string", state: "3 int32", network: "5 PodSandboxNetworkStatus" },
  PodSandboxNetworkStatus: { ip: "1 string" },
  // Images.
  ImageSpec: { image: "1 string", userSpecifiedImage: "18 string" },
  ImageRequest: { image: "1 ImageSpec" },
  ImageStatusResponse: { image: "1 Image" },
  Image: {
    id: "1 string",
    repoTags: "2 repeated string",
    repoDigests: "3 repeated string",
    size: "4 uint64",
    uid: "5 Int64Value",
    username: "6 string",
  },
  ListImagesResponse: { images: "1 repeated Image" },
  PullImageRequest: { image: "1 ImageSpec", auth: "2 AuthConfig" },
  PullImageResponse: { imageRef: "1 string" },
  AuthConfig: {
    username: "1 string",
    password: "2 string",
    auth: "3 string",
    serverAddress: "4 string",
    identityToken: "5 string",
    registryToken: "6 string",
  },
  // Containers.
  ContainerMetadata: { name: "1 string", attempt: "2 uint32" },
  KeyValue: { key: "1 string", value: "2 bytes" },
  Mount: { containerPath: "1 string", hostPath: "2 string", readonly: "3 bool", propagation: "5 int32", recursiveReadOnly: "8 bool" },
  Device: { containerPath: "1 string", hostPath: "2 string", permissions: "3 string" },
  ContainerConfig: {
    metadata: "1 ContainerMetadata",
    image: "2 ImageSpec",
    command: "3 repeated string",
    args: "4 repeated string",
    workingDir: "5 string",
    envs: "6 repeated KeyValue",
    mounts: "7 repeated Mount",
    devices: "8 repeated Device",
    labels: "9 map",
    annotations: "10 map",
    logPath: "11 string",
    stdin: "12 bool",
    stdinOnce: "13 bool",
    tty: "14 bool",
    linux: "15 LinuxContainerConfig",
  },
  LinuxContainerConfig: { resources: "1 LinuxContainerResources", securityContext: "2 LinuxContainerSecurityContext" },
  LinuxContainerResources: {
    cpuPeriod: "1 int64",
    cpuQuota: "2 int64",
    cpuShares: "3 int64",
    memoryLimitInBytes: "4 int64",
    oomScoreAdj: "5 int64",
    hugepageLimits: "8 repeated HugepageLimit",
    unified: "9 map",
  },
  HugepageLimit: { pageSize: "1 string", limit: "2 uint64" },
  LinuxContainerSecurityContext: {
    capabilities: "1 Capability",
    privileged: "2 bool",
    namespaceOptions: "3 NamespaceOption",
    runAsUser: "5 Int64Value",
    runAsUsername: "6 string",
    readonlyRootfs: "7 bool",
    supplementalGroups: "8 repeated int64",
    noNewPrivs: "11 bool",
    runAsGroup: "12 Int64Value",
    maskedPaths: "13 repeated string",
    readonlyPaths: "14 repeated string",
    seccomp: "15 SecurityProfile",
    supplementalGroupsPolicy: "17 int32",
  },
  Capability: { addCapabilities: "1 repeated string", dropCapabilities: "2 repeated string" },
  CreateContainerRequest: { podSandboxId: "1 string", config: "2 ContainerConfig", sandboxConfig: "3 PodSandboxConfig" },
  ContainerRequest: { containerId: "1 string" },
  StopContainerRequest: { containerId: "1 string", timeout: "2 int64" },
  ContainerFilter: { labelSelector: "4 map" },
  ListContainersRequest: { filter: "1 ContainerFilter" },
  ListContainersResponse: { containers: "1 repeated Container" },
  Container: {
    id: "1 string",
    podSandboxId: "2 string",
    metadata: "3 ContainerMetadata",
    imageRef: "5 string",
    state: "6 int32",
    createdAt: "7 int64",
    labels: "8 map",
    imageId: "10 string",
  },
  ContainerStatusResponse: { status: "1 ContainerStatus" },
  ContainerStatus: {
    id: "1 string",
    metadata: "2 ContainerMetadata",
    state: "3 int32",
    createdAt: "4 int64",
    startedAt: "5 int64",
    finishedAt: "6 int64",
    exitCode: "7 int32",
    image: "8 ImageSpec",
    imageRef: "9 string",
    reason: "10 string",
    message: "11 string",
    labels: "12 map",
    annotations: "13 map",
    logPath: "15 string",
    imageId: "17 string",
    user: "18 ContainerUser",
  },
  ContainerUser: { linux: "1 LinuxContainerUser" },
  LinuxContainerUser: { uid: "1 int64", gid: "2 int64", supplementalGroups: "3 repeated int64" },
  UpdateContainerResourcesRequest: { containerId: "1 string", linux: "2 LinuxContainerResources" },
  ContainerEventResponse: { containerId: "1 string", podSandboxStatus: "4 PodSandboxStatus" },
  // Commands and ports.
  ExecSyncRequest: { containerId: "1 string", cmd: "2 repeated string", timeout: "3 int64" },
  ExecSyncResponse: { stdout: "1 bytes", stderr: "2 bytes", exitCode: "3 int32" },
  ExecRequest: { containerId: "1 string", cmd: "2 repeated string", tty: "3 bool", stdin: "4 bool", stdout: "5 bool", stderr: "6 bool" },
  AttachRequest: { containerId: "1 string", stdin: "2 bool", tty: "3 bool", stdout: "4 bool", stderr: "5 bool" },
  PortForwardRequest: { podSandboxId: "1 string", port: "2 repeated int32" },
  StreamingResponse: { url: "1 string" },
  // What is used.
  ContainerStatsFilter: { labelSelector: "3 map" },
  ListContainerStatsRequest: { filter: "1 ContainerStatsFilter" },
  ListContainerStatsResponse: { stats: "1 repeated ContainerStats" },
  ContainerStatsResponse: { stats: "1 ContainerStats" },
  ContainerStats: { attributes: "1 ContainerAttributes", cpu: "2 CpuUsage", memory: "3 MemoryUsage", writableLayer: "4 FilesystemUsage" },
  ContainerAttributes: { id: "1 string", metadata: "2 ContainerMetadata", labels: "3 map" },
  CpuUsage: { timestamp: "1 int64", usageCoreNanoSeconds: "2 UInt64Value", usageNanoCores: "3 UInt64Value" },
  MemoryUsage: { timestamp: "1 int64", workingSetBytes: "2 UInt64Value" },
  FilesystemUsage: { timestamp: "1 int64", usedBytes: "3 UInt64Value" },
  UInt64Value: { value: "1 uint64" },
} as const;

type CriMessages = typeof MESSAGES;
export type CriSent<Name extends keyof CriMessages> = Sent<CriMessages, Name>;
export type CriReceived<Name extends keyof CriMessages> = Received<CriMessages, Name>;

/** Messages that say the same go by one name here; the wire has none. */
const RUNTIME_METHODS = {
  Version: ["VersionRequest", "VersionResponse"],
  Status: ["StatusRequest", "StatusResponse"],
  RuntimeConfig: ["Empty", "RuntimeConfigResponse"],
  UpdateRuntimeConfig: ["UpdateRuntimeConfigRequest", "Empty"],
  RunPodSandbox: ["RunPodSandboxRequest", "RunPodSandboxResponse"],
  StopPodSandbox: ["SandboxRequest", "Empty"],
  RemovePodSandbox: ["SandboxRequest", "Empty"],
  PodSandboxStatus: ["SandboxRequest", "PodSandboxStatusResponse"],
  ListPodSandbox: ["ListPodSandboxRequest", "ListPodSandboxResponse"],
  CreateContainer: ["CreateContainerRequest", "ContainerRequest"],
  StartContainer: ["ContainerRequest", "Empty"],
  StopContainer: ["StopContainerRequest", "Empty"],
  RemoveContainer: ["ContainerRequest", "Empty"],
  ListContainers: ["ListContainersRequest", "ListContainersResponse"],
  ContainerStatus: ["ContainerRequest", "ContainerStatusResponse"],
  UpdateContainerResources: ["UpdateContainerResourcesRequest", "Empty"],
  ReopenContainerLog: ["ContainerRequest", "Empty"],
  ExecSync: ["ExecSyncRequest", "ExecSyncResponse"],
  Exec: ["ExecRequest", "StreamingResponse"],
  Attach: ["AttachRequest", "StreamingResponse"],
  PortForward: ["PortForwardRequest", "StreamingResponse"],
  ContainerStats: ["ContainerRequest", "ContainerStatsResponse"],
  ListContainerStats: ["ListContainerStatsRequest", "ListContainerStatsResponse"],
  GetContainerEvents: ["Empty", "ContainerEventResponse", "stream"],
} as const;

const IMAGE_METHODS = {
  ListImages: ["Empty", "ListImagesResponse"],
  RemoveImage: ["ImageRequest", "Empty"],
  ImageStatus: ["ImageRequest", "ImageStatusResponse"],
  PullImage: ["PullImageRequest", "PullImageResponse"],
} as const;

export type RuntimeService = Service<CriMessages, typeof RUNTIME_METHODS>;
export type ImageService = Service<CriMessages, typeof IMAGE_METHODS>;
export const RUNTIME_SERVICE: RuntimeService = serviceOf("runtime.v1.RuntimeService", MESSAGES, RUNTIME_METHODS);
export const IMAGE_SERVICE: ImageService = serviceOf("runtime.v1.ImageService", MESSAGES, IMAGE_METHODS);

// What numbers stand for.
export const NAMESPACE = { pod: 0, container: 1, node: 2, target: 3 } as const;
export const SANDBOX_READY = 0;
export const CONTAINER_STATE = { created: 0, running: 1, exited: 2, unknown: 3 } as const;
export const PROTOCOL: Readonly<Record<string, number>> = { TCP: 0, UDP: 1, SCTP: 2 };
export const PROPAGATION = { None: 0, HostToContainer: 1, Bidirectional: 2 } as const;
export const GROUPS_POLICY = { Merge: 0, Strict: 1 } as const;
export const SECCOMP = { RuntimeDefault: 0, Unconfined: 1, Localhost: 2 } as const;
export const CGROUP_DRIVER = { systemd: 0, cgroupfs: 1 } as const;
