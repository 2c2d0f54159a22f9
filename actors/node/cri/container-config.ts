import { totalmem } from "node:os";
import { CPU_PERIOD_US, oomScoreOf, quotaOf, sharesOf } from "../cgroups/resource-values.ts";
import type { ContainerSecurity, ContainerSize, ContainerSpec, QosClass, SandboxSpec } from "../container-runtime.ts";
import { MASKED_PATHS, READ_ONLY_PATHS } from "../sandbox/oci-config.ts";
import { type CriSent, GROUPS_POLICY, NAMESPACE, SECCOMP } from "./messages.ts";
import { containerAnnotations, LABEL, podLabels } from "./names.ts";
import { namespacesOf } from "./sandbox-config.ts";

/** What a runtime is told of a container beside what its spec says. */
export interface ContainerPlace {
  readonly owner: string;
  readonly mounts: readonly CriSent<"Mount">[];
  readonly devices: readonly CriSent<"Device">[];
  /** The file of a profile that is the machine's; undefined: its profile is none of these. */
  readonly seccompFile: string | undefined;
  /** The container whose processes it sees; undefined: those that its pod lets it see. */
  readonly targetId: string | undefined;
  readonly imageUser: ImageUser;
  readonly machine: LinuxMachine;
}

/** Whom an image runs as where nothing else is said: a number, or else a name. */
export interface ImageUser {
  readonly uid: number | undefined;
  readonly name: string;
}

/** What of the machine limits depend on. */
export interface LinuxMachine {
  /** `2MB`: sizes of huge pages, of which nobody gets any. */
  readonly hugePageSizes: readonly string[];
  /** It has control groups of version 2, and with it all that runs in a container can be killed together. */
  readonly killsTogether: boolean;
}

/** For a cpu quota: none. */
const UNLIMITED = -1;

/** Pure. Source: kubelet's generateContainerConfig and generateLinuxContainerConfig. */
export function containerConfigOf(spec: ContainerSpec, pod: SandboxSpec, place: ContainerPlace): CriSent<"ContainerConfig"> {
  const { name, attempt, image, imageId, command, args, workingDir, env, stdin, stdinOnce, tty, size, qosClass } = spec;
  const { owner, mounts, devices, machine } = place;
  return {
    metadata: { name, attempt },
    image: { image: imageId, userSpecifiedImage: image },
    command,
    args,
    workingDir,
    envs: env.map(({ name: key, value }) => ({ key, value: Buffer.from(value) })),
    mounts,
    devices,
    labels: { ...podLabels(pod, owner), [LABEL.container]: name },
    annotations: containerAnnotations(spec),
    logPath: logFileOf(spec),
    stdin,
    stdinOnce,
    tty,
    cdiDevices: (spec.cdiDevices ?? []).map((device) => ({ name: device })),
    linux: { resources: resourcesOf(size, qosClass, machine), securityContext: securityOf(spec, pod, place) },
  };
}

/** Below the pod's directory of logs. */
export function logFileOf({ name, attempt }: Pick<ContainerSpec, "name" | "attempt">): string {
  return `${name}/${attempt}.log`;
}

/** Source: kubelet's generateLinuxContainerResources. */
export function resourcesOf(
  { requests, limits }: ContainerSize,
  qosClass: QosClass,
  machine: LinuxMachine,
): CriSent<"LinuxContainerResources"> {
  return {
    // Who says only what it may take at the most asks for that.
    cpuShares: sharesOf(requests.cpu ?? limits.cpu ?? 0),
    cpuPeriod: CPU_PERIOD_US,
    cpuQuota: quotaOf(limits.cpu) ?? UNLIMITED,
    memoryLimitInBytes: limits.memory,
    oomScoreAdj: oomScoreOf(qosClass, requests.memory ?? 0, totalmem()),
    hugepageLimits: machine.hugePageSizes.map((pageSize) => ({ pageSize, limit: 0 })),
    unified: machine.killsTogether ? { "memory.oom.group": "1" } : {},
  };
}

function securityOf(
  { user, security }: ContainerSpec,
  pod: SandboxSpec,
  { seccompFile, targetId, imageUser }: ContainerPlace,
): CriSent<"LinuxContainerSecurityContext"> {
  const { capabilities, isPrivileged, readOnlyRoot, showsAllOfProc } = security;
  const namespaces = namespacesOf(pod);
  const uid = user.uid ?? imageUser.uid;
  return {
    capabilities: { addCapabilities: capabilities.add, dropCapabilities: capabilities.drop },
    privileged: isPrivileged,
    namespaceOptions:
      targetId === undefined || namespaces.pid !== NAMESPACE.container ? namespaces : { ...namespaces, pid: NAMESPACE.target, targetId },
    runAsUser: uid === undefined ? undefined : { value: uid },
    runAsUsername: uid === undefined ? imageUser.name : undefined,
    runAsGroup: user.gid === undefined ? undefined : { value: user.gid },
    readonlyRootfs: readOnlyRoot,
    supplementalGroups: user.groups,
    supplementalGroupsPolicy: GROUPS_POLICY[user.isStrict ? "Strict" : "Merge"],
    noNewPrivs: !user.mayGainPrivileges,
    maskedPaths: showsAllOfProc ? [] : MASKED_PATHS,
    readonlyPaths: showsAllOfProc ? [] : READ_ONLY_PATHS,
    seccomp: seccompOf(security.seccomp, seccompFile),
  };
}

function seccompOf({ type }: ContainerSecurity["seccomp"], file: string | undefined): CriSent<"SecurityProfile"> {
  return { profileType: SECCOMP[type], localhostRef: type === "Localhost" ? file : undefined };
}
