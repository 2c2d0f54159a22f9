/**
 * The configuration of a container, as the OCI runtime specification has it (config.md, config-linux.md; version 1.0.2), with what containerd gives to pods'
 * containers where Kubernetes leaves it to the runtime. Pure.
 */
import type { ContainerSecurity, ContainerUser, EnvVariable } from "../container-runtime.ts";
import type { Mount } from "../process/mount-plan.ts";

export interface Device {
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
}

/** Where a namespace is had from: a file of the kernel, one of its own, or the machine's. */
export type NamespaceFrom = { readonly path: string } | "own" | "machine";

export interface OciWanted {
  readonly command: readonly string[];
  readonly env: readonly EnvVariable[];
  readonly workingDir: string;
  readonly user: ContainerUser;
  readonly tty: boolean;
  /** Where its root is when it begins. */
  readonly root: string;
  readonly mounts: readonly Mount[];
  /** Of the pod: where its containers share memory. */
  readonly sharedMemory: string;
  readonly security: ContainerSecurity;
  /** Without `CAP_`. */
  readonly capabilities: readonly string[];
  /** Of the machine; a privileged container has them all. */
  readonly devices: readonly Device[];
  /** Those of its volumes. */
  readonly volumeDevices: readonly Device[];
  /** Undefined: it stays as it is. */
  readonly oomScore: number | undefined;
  readonly namespaces: {
    readonly network: NamespaceFrom;
    readonly ipc: NamespaceFrom;
    readonly uts: NamespaceFrom;
    readonly pid: NamespaceFrom;
  };
  /** From the root of the hierarchies; undefined: it is put there by somebody else. */
  readonly cgroupsPath: string | undefined;
  /** What may be called of the kernel, as config-linux.md has it; undefined: everything. */
  readonly seccomp: object | undefined;
  /** Paths of which nothing is shown. */
  readonly hidden: readonly string[];
  /** Run when its own command begins. */
  readonly begun: readonly string[];
}

/** Source: containerd's defaultUnixCaps. */
const CAPABILITIES = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FSETID",
  "FOWNER",
  "MKNOD",
  "NET_RAW",
  "SETGID",
  "SETUID",
  "SETFCAP",
  "SETPCAP",
  "NET_BIND_SERVICE",
  "SYS_CHROOT",
  "KILL",
  "AUDIT_WRITE",
];
/** Source: containerd's spec of masked and read-only paths; kubelet's defaultMaskedPaths. */
export const MASKED_PATHS: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
export const READ_ONLY_PATHS: readonly string[] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
/** Source: containerd's WithMounts. */
const PROPAGATION = { None: "rprivate", HostToContainer: "rslave", Bidirectional: "rshared" } as const;
const QUIET = ["nosuid", "noexec", "nodev"];

/** A process of the container but for its arguments: its own command, or one beside it. */
export interface OciProcess extends Readonly<Record<string, unknown>> {
  /** `NAME=value` */
  readonly env: readonly string[];
}

export function ociProcess({ env, workingDir, user, tty, capabilities: names, oomScore }: OciWanted): OciProcess {
  const { uid = 0, gid = 0, groups, mayGainPrivileges } = user;
  const capabilities = names.map((name) => `CAP_${name}`);
  return {
    terminal: tty,
    user: { uid, gid, additionalGids: groups },
    env: env.map(({ name, value }) => `${name}=${value}`),
    cwd: workingDir,
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    noNewPrivileges: !mayGainPrivileges,
    ...(oomScore === undefined ? {} : { oomScoreAdj: oomScore }),
  };
}

export function ociConfig(wanted: OciWanted): object {
  const { command, root, security, namespaces, cgroupsPath, seccomp, hidden, begun } = wanted;
  const [hook = "", ...words] = begun;
  return {
    ociVersion: "1.0.2",
    process: { ...ociProcess(wanted), args: command },
    root: { path: root, readonly: security.readOnlyRoot },
    mounts: mountsOf(wanted),
    hooks: { poststart: [{ path: hook, args: [hook, ...words] }] },
    linux: {
      ...rootPropagation(wanted.mounts),
      namespaces: [
        { type: "mount" },
        ...Object.entries(namespaces).flatMap(([type, from]) =>
          from === "machine" ? [] : [from === "own" ? { type } : { type, path: from.path }],
        ),
        ...(security.isPrivileged ? [] : [{ type: "cgroup" }]),
      ],
      ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
      resources: cgroupsPath === undefined ? {} : { devices: ociDevices(security, wanted.volumeDevices) },
      devices: security.isPrivileged
        ? wanted.devices.map(({ path, type, major, minor }) => ({ path, type, major, minor, fileMode: 0o660, uid: 0, gid: 0 }))
        : [],
      ...(security.showsAllOfProc
        ? { maskedPaths: hidden }
        : { maskedPaths: [...MASKED_PATHS, ...hidden], readonlyPaths: READ_ONLY_PATHS }),
      ...(seccomp === undefined ? {} : { seccomp }),
    },
  };
}

/**
 * What of the kernel's capabilities a container has. `own` are Troupe's: more it can give to nobody. Names are with or without `CAP_`.
 * Source: containerd's WithAddedCapabilities and WithDroppedCapabilities, and their order.
 */
export function ociCapabilities(
  { isPrivileged, capabilities: { add, drop } }: ContainerSecurity,
  own: readonly string[],
  limitsDevices: boolean,
): readonly string[] {
  if (isPrivileged) return own;
  const plain = (names: readonly string[]): readonly string[] => names.map((name) => name.toUpperCase().replace(/^CAP_/, ""));
  const [added, dropped] = [plain(add), plain(drop)];
  // Who can make device files and is kept from none could read the machine's disk.
  const usual = limitsDevices ? CAPABILITIES : CAPABILITIES.filter((name) => name !== "MKNOD");
  const all = added.includes("ALL");
  const left = (all ? own : dropped.includes("ALL") ? [] : usual).filter((name) => !dropped.includes(name));
  const more = all ? [] : added.filter((name) => dropped.includes("ALL") || !dropped.includes(name));
  return own.filter((name) => left.includes(name) || more.includes(name));
}

/** Those that every container has, and `m` of all others: a file of one may be made, and not be opened. Source: config-linux.md, default devices; containerd. */
const DEVICES = ["c *:* m", "b *:* m", ...[3, 5, 7, 8, 9].map((minor) => `c 1:${minor} rwm`), "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm"];

/** What may be used of devices, as cgroup v1 has it: type, numbers, and how. */
export function deviceRules({ isPrivileged }: ContainerSecurity, volumes: readonly Device[]): readonly string[] {
  return isPrivileged ? ["a *:* rwm"] : [...DEVICES, ...volumes.map(({ type, major, minor }) => `${type} ${major}:${minor} rwm`)];
}

function ociDevices(security: ContainerSecurity, volumes: readonly Device[]): readonly object[] {
  const rules = deviceRules(security, volumes).map((rule) => {
    const [type = "", numbers = "", access = ""] = rule.split(" ");
    const [major, minor] = numbers.split(":").map((number) => (number === "*" ? undefined : Number(number)));
    return { allow: true, type, access, ...(major === undefined ? {} : { major }), ...(minor === undefined ? {} : { minor }) };
  });
  return [{ allow: false, access: "rwm" }, ...rules];
}

/** What is mounted in the root goes no further than the root lets it. */
function rootPropagation(mounts: readonly Mount[]): object {
  const widest = (["Bidirectional", "HostToContainer"] as const).find((one) => mounts.some(({ propagation }) => propagation === one));
  return widest === undefined ? {} : { rootfsPropagation: PROPAGATION[widest] };
}

function mountsOf({ mounts, sharedMemory, security, namespaces }: OciWanted): readonly object[] {
  const access = security.isPrivileged ? "rw" : "ro";
  const own = [
    { destination: "/proc", type: "proc", source: "proc", options: QUIET },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: QUIET },
    {
      destination: "/dev/shm",
      type: "bind",
      source: namespaces.ipc === "machine" ? "/dev/shm" : sharedMemory,
      options: ["bind", "nosuid", "nodev", "noexec"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: [...QUIET, access] },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...QUIET, "relatime", access] },
  ];
  const targets = new Set(mounts.map(({ target }) => target));
  const binds = mounts.map(({ source, target, readOnly, isRecursive = false, propagation = "None", isDirectory }) => ({
    destination: target,
    type: "bind",
    source,
    options: [isDirectory ? "rbind" : "bind", PROPAGATION[propagation], readOnly ? (isRecursive ? "rro" : "ro") : "rw"],
  }));
  const depth = (path: string): number => path.split("/").length;
  return [
    ...own.filter(({ destination }) => !targets.has(destination)),
    ...binds.sort((a, b) => depth(a.destination) - depth(b.destination)),
  ];
}
