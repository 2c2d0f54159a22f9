import type { PodSpec } from "../../kinds/generated/types.ts";

type Namespace = "IPC" | "Net";

/** What has no effect on other pods, of a kernel of 5.15 or newer. Source: kubelet's safeSysctls (Kubernetes 1.34). */
const SAFE: readonly string[] = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
];

/** Names that are as they are, and prefixes, which end in a point. Source: component-helpers' sysctl.GetNamespace. */
const NAMESPACES: Readonly<Record<string, Namespace>> = {
  "kernel.sem": "IPC",
  "kernel.shm": "IPC",
  "kernel.shmall": "IPC",
  "kernel.shmmax": "IPC",
  "kernel.shmmni": "IPC",
  "kernel.shm_rmid_forced": "IPC",
  "kernel.msg": "IPC",
  "kernel.msgmax": "IPC",
  "kernel.msgmnb": "IPC",
  "kernel.msgmni": "IPC",
  "fs.mqueue.": "IPC",
  "net.": "Net",
};

const exchanged = (name: string): string => name.replace(/[./]/g, (mark) => (mark === "/" ? "." : "/"));

/** With points between its parts, which may have slashes in them then. Source: sysctl.NormalizeName. */
function normal(name: string): string {
  return /[./]/.exec(name)?.[0] === "/" ? exchanged(name) : name;
}

/** Of a setting, below /proc/sys. */
export function sysctlPath(name: string): string {
  return exchanged(normal(name));
}

/** Undefined: it is of no namespace. A pattern ends in `*`. */
export function namespaceOf(sysctl: string): Namespace | undefined {
  const name = normal(sysctl).replace(/\*.*$/, "");
  return Object.entries(NAMESPACES).find(([known]) => (known.endsWith(".") ? name.startsWith(known) : name === known))?.[1];
}

/** Which settings of the kernel pods of a node may have for themselves. Source: kubelet's sysctl/allowlist.go. */
export class SysctlAllowlist {
  readonly #patterns: readonly string[];

  /** `unsafe`: names and patterns that are allowed beside the safe ones; undefined: a node whose pods have nothing of the kernel for themselves. */
  constructor(unsafe: readonly string[] | undefined) {
    this.#patterns = unsafe === undefined ? [] : [...SAFE, ...unsafe.map(normal)];
  }

  /** Why a pod may not have it; undefined: it may. */
  refusal(sysctl: string, { hostNetwork, hostIPC }: Pick<PodSpec, "hostNetwork" | "hostIPC">): string | undefined {
    const name = normal(sysctl);
    const isAllowed = this.#patterns.some((pattern) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name));
    const quoted = JSON.stringify(name);
    if (!isAllowed) return `${quoted} not allowlisted`;
    const namespace = namespaceOf(name);
    const isShared = (namespace === "IPC" && hostIPC === true) || (namespace === "Net" && hostNetwork === true);
    return isShared ? `${quoted} not allowed with host ${namespace} enabled` : undefined;
  }
}
