import { posix } from "node:path";
import { qosClassOf } from "../../kinds/core/pod-qos.ts";
import type {
  Container,
  EphemeralContainer,
  NodeRuntimeHandlerFeatures,
  Pod,
  SeccompProfile,
  VolumeDevice,
  VolumeMount,
} from "../../kinds/generated/types.ts";
import type {
  ContainerMount,
  ContainerSecurity,
  ContainerSize,
  ContainerSpec,
  ContainerUser,
  EnvVariable,
} from "../../node/container-runtime.ts";
import type { MountedVolume } from "../../node/pod-volumes.ts";
import { amountsOf, podRequests } from "../../scheduler/resource-needs.ts";
import { ConfigMissing } from "./environment.ts";
import { expanded } from "./expansion.ts";
import { podTitle } from "./pod-containers.ts";
import { podLimits } from "./pod-limits.ts";

export interface Provided {
  readonly attempt: number;
  readonly imageId: string;
  readonly env: readonly EnvVariable[];
  /** Where the pod's volumes lie on the machine. */
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  /** What its runtime can do. */
  readonly features: NodeRuntimeHandlerFeatures;
}

/** What a runtime is told of a container. Throws ConfigMissing. Source: kubelet's generateContainerConfig. */
export function containerSpecOf(pod: Pod, container: Container, { attempt, imageId, env, volumes, features }: Provided): ContainerSpec {
  const variables = new Map(env.map(({ name, value }) => [name, value]));
  const expand = (words: readonly string[] | undefined): readonly string[] | undefined =>
    words === undefined || words.length === 0 ? undefined : words.map((word) => expanded(word, (name) => variables.get(name)));
  return {
    name: container.name,
    attempt,
    image: container.image ?? "",
    imageId,
    command: expand(container.command),
    args: expand(container.args),
    workingDir: container.workingDir === "" ? undefined : container.workingDir,
    env,
    mounts: [
      ...(container.volumeMounts ?? []).map((mount) => mountOf(mount, volumes, variables, features)),
      ...(container.volumeDevices ?? []).map((device) => deviceOf(device, volumes)),
    ],
    user: userOf(pod, container),
    security: securityOf(pod, container),
    target: (container as EphemeralContainer).targetContainerName,
    size: sizeOf(pod, container),
    qosClass: qosClassOf(pod),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    terminationMessage: {
      path: container.terminationMessagePath ?? "/dev/termination-log",
      fallsBackToLog: container.terminationMessagePolicy === "FallbackToLogsOnError",
    },
  };
}

/** Source: kubelet's calculateLinuxResources. */
export function sizeOf(pod: Pod, { resources = {} }: Container): ContainerSize {
  return {
    resources,
    requests: amountsOf(resources.requests),
    limits: amountsOf(resources.limits),
    // As they are to be, whatever has been granted so far.
    pod: { requests: podRequests({ ...pod, status: {} }), limits: podLimits(pod) },
  };
}

function mountOf(
  mount: VolumeMount,
  volumes: ReadonlyMap<string, MountedVolume>,
  variables: ReadonlyMap<string, string>,
  features: NodeRuntimeHandlerFeatures,
): ContainerMount {
  const volume = volumes.get(mount.name);
  if (volume === undefined) throw new ConfigMissing(`cannot find volume ${JSON.stringify(mount.name)} to mount into the container`);
  return {
    hostPath: volume.path,
    subPath: subPathOf(mount, variables),
    containerPath: mount.mountPath,
    readOnly: volume.readOnly || mount.readOnly === true,
    recursiveReadOnly: isRecursive(mount, features),
    propagation: (mount.mountPropagation ?? "None") as NonNullable<ContainerMount["propagation"]>,
    volume: mount.name,
  };
}

/** Whether what is mounted below is read-only, too. Throws ConfigMissing. Source: kubelet's resolveRecursiveReadOnly. */
export function isRecursive({ name, recursiveReadOnly: mode = "Disabled" }: VolumeMount, features: NodeRuntimeHandlerFeatures): boolean {
  const isPossible = features.recursiveReadOnlyMounts === true;
  if (mode === "Enabled" && !isPossible) {
    const told = `volume ${JSON.stringify(name)} requested recursive read-only mode, but it is not supported by the runtime`;
    throw new ConfigMissing(`failed to resolve recursive read-only mode: ${told}`);
  }
  return mode === "Enabled" || (mode === "IfPossible" && isPossible);
}

/** Source: kubelet's makeMounts and ExpandContainerVolumeMounts. */
function subPathOf({ subPath = "", subPathExpr = "" }: VolumeMount, variables: ReadonlyMap<string, string>): string {
  const missing = new Set<string>();
  const known = (name: string): string => {
    const value = variables.get(name) ?? "";
    if (value === "") missing.add(name);
    return value;
  };
  const within = subPathExpr === "" ? subPath : expanded(subPathExpr, known);
  if (missing.size > 0) throw new ConfigMissing(`missing value for ${[...missing].sort().join(", ")}`);
  if (posix.isAbsolute(within)) throw new ConfigMissing(`error SubPath \`${within}\` must not be an absolute path`);
  if (within.split("/").includes("..")) throw new ConfigMissing(`unable to provision SubPath \`${within}\`: must not contain '..'`);
  return within;
}

/** Source: kubelet's makeBlockVolumes. */
function deviceOf({ name, devicePath }: VolumeDevice, volumes: ReadonlyMap<string, MountedVolume>): ContainerMount {
  const volume = volumes.get(name);
  if (volume === undefined) throw new ConfigMissing(`cannot find volume ${JSON.stringify(name)} to map into the container`);
  return { hostPath: volume.path, subPath: "", containerPath: devicePath, readOnly: volume.readOnly, volume: name, isDevice: true };
}

/** Source: kubelet's DetermineEffectiveSecurityContext and getSeccompProfile. */
function securityOf({ spec }: Pod, { securityContext: own = {} }: Container): ContainerSecurity {
  const { privileged = false, readOnlyRootFilesystem = false, capabilities = {}, procMount } = own;
  return {
    isPrivileged: privileged,
    readOnlyRoot: readOnlyRootFilesystem,
    capabilities: { add: capabilities.add ?? [], drop: capabilities.drop ?? [] },
    seccomp: privileged ? { type: "Unconfined" } : seccompOf(own.seccompProfile ?? spec.securityContext?.seccompProfile),
    showsAllOfProc: privileged || procMount === "Unmasked",
  };
}

function seccompOf({ type, localhostProfile: path = "" }: Partial<SeccompProfile> = {}): ContainerSecurity["seccomp"] {
  if (type === "Localhost") return { type, path };
  return { type: type === "RuntimeDefault" ? type : "Unconfined" };
}

function userOf(pod: Pod, { name, securityContext: own = {} }: Container): ContainerUser {
  const { securityContext: common = {} } = pod.spec;
  const uid = own.runAsUser ?? common.runAsUser;
  const mustNotBeRoot = (own.runAsNonRoot ?? common.runAsNonRoot) === true;
  if (mustNotBeRoot && uid === 0) {
    throw new ConfigMissing(`container's runAsUser breaks non-root policy (pod: ${JSON.stringify(podTitle(pod))}, container: ${name})`);
  }
  return {
    uid,
    gid: own.runAsGroup ?? common.runAsGroup,
    groups: [...(common.supplementalGroups ?? []), ...(common.fsGroup === undefined ? [] : [common.fsGroup])],
    isStrict: common.supplementalGroupsPolicy === "Strict",
    mustNotBeRoot,
    mayGainPrivileges: own.allowPrivilegeEscalation !== false,
  };
}
