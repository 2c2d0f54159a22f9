import type { SandboxSpec } from "../container-runtime.ts";
import { type CriSent, GROUPS_POLICY, NAMESPACE, PROTOCOL, SECCOMP } from "./messages.ts";
import { podLabels } from "./names.ts";

export interface SandboxPlace {
  readonly owner: string;
  readonly logDirectory: string;
  /** The control group of the pod, as the runtime's driver names it; empty: as the runtime likes. */
  readonly cgroupParent: string;
}

/** What a runtime is told of a sandbox. Pure. Source: kubelet's generatePodSandboxConfig. */
export function sandboxConfigOf(spec: SandboxSpec, { owner, logDirectory, cgroupParent }: SandboxPlace): CriSent<"PodSandboxConfig"> {
  const { uid, namespace, name, attempt, hostname, labels, annotations, dns, hostPorts, sysctls, isPrivileged, user } = spec;
  return {
    metadata: { uid, namespace, name, attempt },
    hostname,
    logDirectory,
    dnsConfig: { servers: dns.nameservers, searches: dns.searches, options: dns.options },
    portMappings: hostPorts.map(({ protocol, containerPort, hostPort, hostIP }) => ({
      protocol: PROTOCOL[protocol],
      containerPort,
      hostPort,
      hostIp: hostIP,
    })),
    labels: { ...labels, ...podLabels(spec, owner) },
    annotations,
    linux: {
      cgroupParent,
      sysctls,
      securityContext: {
        namespaceOptions: namespacesOf(spec),
        privileged: isPrivileged,
        runAsUser: user.uid === undefined ? undefined : { value: user.uid },
        runAsGroup: user.gid === undefined ? undefined : { value: user.gid },
        supplementalGroups: user.groups,
        supplementalGroupsPolicy: GROUPS_POLICY[user.isStrict ? "Strict" : "Merge"],
        seccomp: { profileType: SECCOMP.RuntimeDefault },
      },
    },
  };
}

/** Source: kubelet's NamespacesForPod. */
export function namespacesOf({
  hostNetwork,
  hostPID,
  hostIPC,
  sharesProcesses,
}: Pick<SandboxSpec, "hostNetwork" | "hostPID" | "hostIPC" | "sharesProcesses">): CriSent<"NamespaceOption"> {
  return {
    network: hostNetwork ? NAMESPACE.node : NAMESPACE.pod,
    ipc: hostIPC ? NAMESPACE.node : NAMESPACE.pod,
    pid: hostPID ? NAMESPACE.node : sharesProcesses ? NAMESPACE.pod : NAMESPACE.container,
  };
}
