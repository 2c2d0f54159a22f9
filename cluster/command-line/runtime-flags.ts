import { MACHINE_NODES_MAX } from "../../actors/node/cidr.ts";
import { amountsOf } from "../../actors/scheduler/resource-needs.ts";
import type { Values } from "./flag.ts";
import { WrongUsage } from "./wrong-usage.ts";

/** The names of kubelet, but for the catalog. */
export const RUNTIME_FLAGS = {
  runtime: {
    value: "hollow|process",
    choices: ["hollow", "process"],
    help: "hollow: pods are states only (if not given); process: they run as processes of this machine, no rights needed (docs/processes.md)",
    section: "Real processes",
  },
  catalog: { value: "FILE", help: "what images stand for, with --runtime process", section: "Real processes" },
  "volumes-directory": {
    value: "DIR",
    help: "where volumes are made on demand (volumes in the data directory, if not given)",
    section: "Real processes",
  },
  "kube-reserved": {
    value: "cpu=N,memory=N",
    help: "what of the machine Troupe keeps from pods (cpu=100m,memory=512Mi, if not given)",
    section: "Real processes",
  },
  "system-reserved": { value: "cpu=N,memory=N", help: "what of it is kept from them beside that", section: "Real processes" },
} as const;

type RuntimeValues = Values<typeof RUNTIME_FLAGS>;

/** Where pods run. */
export interface RuntimeFlags {
  readonly name: "hollow" | "process";
  /** A file of what images stand for; undefined: the one that comes along. */
  readonly catalog: string | undefined;
  /** Where volumes are made on demand; undefined: in the data directory. */
  readonly volumesDirectory: string | undefined;
  /** What of the machine is kept from pods. */
  readonly reserved: { readonly cpu_milli: number; readonly memory_bytes: number };
}

const RUNTIMES = ["hollow", "process", "sandbox", "cri"];
/** What Troupe takes for itself when it is not told otherwise. */
const KUBE_RESERVED = "cpu=100m,memory=512Mi";

/** Throws WrongUsage. */
export function runtimeFlags(values: RuntimeValues, nodes: number | undefined): RuntimeFlags {
  const { runtime: name = "hollow", catalog } = values;
  if (!RUNTIMES.includes(name)) throw new WrongUsage(`--runtime ${name} is none of ${RUNTIMES.join(", ")}`);
  if (name !== "hollow" && name !== "process")
    throw new WrongUsage(`--runtime ${name} is not part of this version, which has hollow and process; choose one of them`);
  if (name === "hollow") {
    const given = (["catalog", "kube-reserved", "system-reserved", "volumes-directory"] as const).find(
      (flag) => values[flag] !== undefined,
    );
    if (given !== undefined) throw new WrongUsage(`--${given} is for real processes; say --runtime process too`);
  }
  if (name === "process" && nodes !== undefined && nodes > MACHINE_NODES_MAX)
    throw new WrongUsage(`--nodes ${nodes} is more than ${MACHINE_NODES_MAX}, which one machine can be with --runtime process`);
  const kube = reservedBy("kube-reserved", values["kube-reserved"] ?? KUBE_RESERVED);
  const system = reservedBy("system-reserved", values["system-reserved"] ?? "");
  return {
    name,
    catalog,
    volumesDirectory: values["volumes-directory"],
    reserved: { cpu_milli: kube.cpu_milli + system.cpu_milli, memory_bytes: kube.memory_bytes + system.memory_bytes },
  };
}

/** `cpu=200m,memory=500Mi` */
function reservedBy(flag: string, text: string): RuntimeFlags["reserved"] {
  const parts = text.split(",").filter((part) => part !== "");
  const amounts = parts.map((part) => part.split("="));
  const wrong = amounts.find(([name, quantity, ...more]) => (name !== "cpu" && name !== "memory") || !quantity || more.length > 0);
  if (wrong !== undefined) throw new WrongUsage(`--${flag} ${wrong.join("=")} is not an amount such as cpu=200m or memory=500Mi`);
  try {
    const { cpu = 0, memory = 0 } = amountsOf(Object.fromEntries(amounts) as Record<string, string>);
    return { cpu_milli: cpu, memory_bytes: memory };
  } catch (error) {
    throw new WrongUsage(`--${flag} ${text}: ${(error as Error).message}`);
  }
}
