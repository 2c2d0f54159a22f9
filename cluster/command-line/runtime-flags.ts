import { namespaceOf } from "../../actors/node/allocation/sysctl-allowlist.ts";
import { MACHINE_NODES_MAX, machineRange } from "../../actors/node/cidr.ts";
import type { EvictionSettings } from "../../actors/node/eviction/thresholds.ts";
import type { Reservation } from "../../actors/node/process/machine.ts";
import { amountsOf } from "../../actors/scheduler/resource-needs.ts";
import { EVICTION_FLAGS, evictionFlags } from "./eviction-flags.ts";
import type { Values } from "./flag.ts";
import { WrongUsage, wholeNumber } from "./wrong-usage.ts";

/** The names of kubelet, but for the catalog, the images and the plugins. */
export const RUNTIME_FLAGS = {
  runtime: {
    value: "hollow|process|sandbox|cri",
    choices: ["hollow", "process", "sandbox", "cri"],
    help: "hollow: pods are states only (if not given); process: they run as processes of this machine, no rights needed (docs/processes.md); sandbox: set apart and held to limits, as root (docs/sandbox.md); cri: containerd runs them, or CRI-O, as root (docs/cri.md)",
    section: "Real processes",
  },
  catalog: { value: "FILE", help: "what images stand for on this machine", section: "Real processes" },
  "volumes-directory": {
    value: "DIR",
    help: "where volumes are made on demand (volumes in the data directory, if not given)",
    section: "Real processes",
  },
  "kube-reserved": {
    value: "RESOURCE=N,...",
    help: "what of the machine Troupe keeps from pods: cpu, memory, ephemeral-storage, pid (cpu=100m,memory=512Mi, if not given)",
    section: "Real processes",
  },
  "system-reserved": { value: "RESOURCE=N,...", help: "what of it is kept from them beside that", section: "Real processes" },
  "static-pod-path": {
    value: "DIR",
    help: "manifests of pods that nodes run by themselves, as kubelet's staticPodPath (manifests in the data directory, if not given)",
    section: "Real processes",
  },
  images: {
    value: "DIR",
    help: "OCI image layouts and archives, for sandboxes (images in the data directory, if not given)",
    section: "Real processes",
  },
  "pod-cidr": {
    value: "CIDR",
    help: "what pods in sandboxes, their nodes and load balancers get their addresses from (10.244.0.0/16, if not given); with cri nodes and load balancers alone, and the runtime is told of it",
    section: "Real processes",
  },
  "pod-max-pids": {
    value: "N",
    help: "how many processes a pod may have in a sandbox, or with cri (4096, if not given; -1: no limit)",
    section: "Real processes",
  },
  "allowed-unsafe-sysctls": {
    value: "NAME,...",
    help: "settings of the kernel that pods in sandboxes may have for themselves beside the safe ones; net.* stands for all that begin so",
    section: "Real processes",
  },
  "cni-config": {
    value: "FILE",
    help: "the network of pods in sandboxes, as CNI has it (a bridge, if not given)",
    section: "Real processes",
  },
  "cni-bin-dir": {
    value: "DIR[:DIR]",
    help: "where CNI's plugins are (/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni, if not given)",
    section: "Real processes",
  },
  "container-runtime-endpoint": {
    value: "SOCKET",
    help: "of the container runtime, with cri (unix:///run/containerd/containerd.sock, if not given)",
    section: "Real processes",
  },
  "image-service-endpoint": {
    value: "SOCKET",
    help: "of what brings its images, if that is another one",
    section: "Real processes",
  },
} as const;

type RuntimeValues = Values<typeof RUNTIME_FLAGS & typeof EVICTION_FLAGS>;

/** Where pods run. */
export interface RuntimeFlags {
  readonly name: "hollow" | "process" | "sandbox" | "cri";
  /** A file of what images stand for; undefined: the one that comes along. */
  readonly catalog: string | undefined;
  /** Where volumes are made on demand; undefined: in the data directory. */
  readonly volumesDirectory: string | undefined;
  /** Manifests of static pods; undefined: in the data directory. */
  readonly staticPodPath: string | undefined;
  /** What of the machine is kept from pods. */
  readonly reserved: Reservation;
  readonly eviction: EvictionSettings;
  /** Of pods that have a network of their own, here or on machines that join: a MachineRange. */
  readonly podCidr: string;
  /** Settings of the kernel that pods may have beside the safe ones, and patterns. */
  readonly unsafeSysctls: readonly string[];
  /** Of pods that have a network of their own and are held to limits; undefined: they are not. */
  readonly sandbox: SandboxFlags | undefined;
  /** Of pods that a container runtime runs; undefined: none does. */
  readonly cri: CriFlags | undefined;
}

export interface CriFlags {
  /** Paths of sockets. */
  readonly socket: string;
  readonly imageSocket: string;
  readonly podPidsMax: number | undefined;
}

export interface SandboxFlags {
  /** A directory of OCI image layouts and archives; undefined: in the data directory. */
  readonly images: string | undefined;
  /** How many processes a pod may have; undefined: as many as it likes. */
  readonly podPidsMax: number | undefined;
  /** A file with the configuration of a network; undefined: Troupe's own. */
  readonly cniConfig: string | undefined;
  /** Directories of CNI plugins. */
  readonly cniPlaces: readonly string[];
}

const STORAGE = "ephemeral-storage";
const RESERVED: readonly string[] = ["cpu", "memory", STORAGE, "pid"];
/** What Troupe takes for itself when it is not told otherwise. */
const KUBE_RESERVED = "cpu=100m,memory=512Mi";
/** As kubeadm's users of flannel know it. */
const POD_CIDR = "10.244.0.0/16";
const POD_PIDS_MAX = 4_096;
const PIDS_MAX = 4_194_304;
/** Where distributions and others put them. */
const CNI_PLACES = "/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni";
/** Source: kubelet's --container-runtime-endpoint. */
const CRI_ENDPOINT = "unix:///run/containerd/containerd.sock";
/** Which runtimes a flag is for, and what they are called together. */
const OF_RUNTIMES: readonly {
  readonly flags: readonly (keyof RuntimeValues)[];
  readonly runtimes: readonly string[];
  readonly what: string;
}[] = [
  {
    flags: [
      "kube-reserved",
      "static-pod-path",
      "system-reserved",
      "volumes-directory",
      ...(Object.keys(EVICTION_FLAGS) as (keyof typeof EVICTION_FLAGS)[]),
    ],
    runtimes: ["process", "sandbox", "cri"],
    what: "real processes",
  },
  { flags: ["catalog"], runtimes: ["process", "sandbox"], what: "real processes" },
  { flags: ["images", "cni-config", "cni-bin-dir"], runtimes: ["sandbox"], what: "sandboxes" },
  { flags: ["allowed-unsafe-sysctls", "pod-cidr", "pod-max-pids"], runtimes: ["sandbox", "cri"], what: "sandboxes" },
  { flags: ["container-runtime-endpoint", "image-service-endpoint"], runtimes: ["cri"], what: "container runtimes" },
];

/** Throws WrongUsage. */
export function runtimeFlags(values: RuntimeValues, nodes: number | undefined): RuntimeFlags {
  const { runtime: name = "hollow", catalog } = values;
  if (!isRuntime(name)) throw new WrongUsage(`--runtime ${name} is none of ${RUNTIME_FLAGS.runtime.choices.join(", ")}`);
  for (const { flags, runtimes, what } of OF_RUNTIMES) {
    const given = flags.find((flag) => values[flag] !== undefined);
    if (given !== undefined && !runtimes.includes(name))
      throw new WrongUsage(`--${given} is for ${what}; say --runtime ${runtimes.join(" or ")} too`);
  }
  if (name !== "hollow" && nodes !== undefined && nodes > MACHINE_NODES_MAX)
    throw new WrongUsage(`--nodes ${nodes} is more than ${MACHINE_NODES_MAX}, which one machine can be with --runtime ${name}`);
  const kube = reservedBy("kube-reserved", values["kube-reserved"] ?? KUBE_RESERVED);
  const system = reservedBy("system-reserved", values["system-reserved"] ?? "");
  return {
    name,
    catalog,
    volumesDirectory: values["volumes-directory"],
    staticPodPath: values["static-pod-path"],
    reserved: {
      cpu_milli: kube.cpu_milli + system.cpu_milli,
      memory_bytes: kube.memory_bytes + system.memory_bytes,
      storage_bytes: kube.storage_bytes + system.storage_bytes,
      pids: kube.pids + system.pids,
    },
    eviction: evictionFlags(values),
    podCidr: podCidr(values),
    unsafeSysctls: sysctlsNamed(values["allowed-unsafe-sysctls"] ?? ""),
    sandbox: name === "sandbox" ? sandboxFlags(values) : undefined,
    cri: name === "cri" ? criFlags(values) : undefined,
  };
}

function isRuntime(name: string): name is RuntimeFlags["name"] {
  return (RUNTIME_FLAGS.runtime.choices as readonly string[]).includes(name);
}

/** `net.core.somaxconn,kernel.msg*` */
function sysctlsNamed(list: string): readonly string[] {
  const names = list.split(",").filter((name) => name !== "");
  const wrong = names.find((name) => namespaceOf(name) === undefined);
  if (wrong !== undefined) throw new WrongUsage(`--allowed-unsafe-sysctls ${wrong} is nothing that pods can have for themselves`);
  return names;
}

function sandboxFlags(values: RuntimeValues): SandboxFlags {
  const { "cni-bin-dir": places = CNI_PLACES } = values;
  return {
    images: values.images,
    podPidsMax: podPidsMax(values),
    cniConfig: values["cni-config"],
    cniPlaces: places.split(":").filter((place) => place !== ""),
  };
}

function criFlags(values: RuntimeValues): CriFlags {
  const { "container-runtime-endpoint": endpoint = CRI_ENDPOINT, "image-service-endpoint": imageEndpoint = endpoint } = values;
  return {
    socket: socketOf("--container-runtime-endpoint", endpoint),
    imageSocket: socketOf("--image-service-endpoint", imageEndpoint),
    podPidsMax: podPidsMax(values),
  };
}

function podCidr({ "pod-cidr": cidr = POD_CIDR }: RuntimeValues): string {
  if (machineRange(cidr) === undefined)
    throw new WrongUsage(`--pod-cidr ${cidr} is not an IPv4 prefix such as ${POD_CIDR}, of 17 bits at the most`);
  return cidr;
}

function podPidsMax({ "pod-max-pids": pids }: RuntimeValues): number | undefined {
  const most = pids === "-1" ? undefined : wholeNumber("--pod-max-pids", pids, 1, PIDS_MAX);
  return pids === undefined ? POD_PIDS_MAX : most;
}

/** `unix:///run/x.sock`, or its path alone. */
function socketOf(flag: string, endpoint: string): string {
  const path = endpoint.replace(/^unix:(\/\/)?/, "");
  if (path.startsWith("/")) return path;
  throw new WrongUsage(`${flag} ${endpoint} is not a socket of this machine such as ${CRI_ENDPOINT}`);
}

/** `cpu=200m,memory=500Mi` */
function reservedBy(flag: string, text: string): Reservation {
  const parts = text.split(",").filter((part) => part !== "");
  const amounts = parts.map((part) => part.split("="));
  const wrong = amounts.find(([name = "", quantity, ...more]) => !RESERVED.includes(name) || !quantity || more.length > 0);
  if (wrong !== undefined) throw new WrongUsage(`--${flag} ${wrong.join("=")} is not an amount such as cpu=200m or memory=500Mi`);
  try {
    const { cpu = 0, memory = 0, pid = 0, [STORAGE]: storage = 0 } = amountsOf(Object.fromEntries(amounts) as Record<string, string>);
    return { cpu_milli: cpu, memory_bytes: memory, storage_bytes: storage, pids: pid };
  } catch (error) {
    throw new WrongUsage(`--${flag} ${text}: ${(error as Error).message}`);
  }
}
