import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ControlGroup, makeGroup, rootGroup } from "../cgroups/control-group.ts";
import { KernelNetwork } from "../pod-network/kernel-network.ts";
import type { NetworkPlace } from "../pod-network/place.ts";
import { findTools, type Tools } from "../process/isolation.ts";
import { Cni, type NetworkConfig, pluginsOf } from "./cni.ts";
import { ownCapabilities } from "./machine-rights.ts";
import { findOciRuntime, type OciRuntime } from "./oci-runtime.ts";
import { bridgeOf, checkFree, OWN_PLUGINS, ownNetwork } from "./own-network.ts";
import { type ForPods, PodGroups } from "./pod-groups.ts";
import { findSeccompProfile, type SeccompProfile } from "./seccomp.ts";

/** What of this machine sandboxes are made with. */
export interface Machine {
  readonly oci: OciRuntime;
  readonly tools: Tools;
  /** Undefined: it has no control groups that may be used, so nobody is held to limits. */
  readonly groups: PodGroups | undefined;
  readonly network: Cni;
  /** Of networks of pods. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Of the kernel, that Troupe has. */
  readonly capabilities: readonly string[];
  /** What `RuntimeDefault` is; undefined: there is none, and it is nothing. */
  readonly seccomp: SeccompProfile | undefined;
  /** What it cannot do, for people. */
  readonly wants: readonly string[];
}

export interface MachineWanted {
  /** Of the pods' files. */
  readonly directory: string;
  /** Undefined: a bridge with addresses out of `pods`. */
  readonly network: NetworkConfig | undefined;
  readonly pods: NetworkPlace["pods"];
  /** Directories of CNI plugins. */
  readonly pluginPlaces: readonly string[];
  readonly podPidsMax: number | undefined;
  /** Of the machine. */
  readonly forPods: ForPods;
}

/** Finds out what the machine has and lets this user do. Throws an Error that says what it takes, where there can be no sandboxes at all. */
export async function findMachine({ directory, network, pods, pluginPlaces, podPidsMax, forPods }: MachineWanted): Promise<Machine> {
  if (process.getuid?.() !== 0) throw new Error("it takes root; start Troupe as root, or choose --runtime process");
  const [oci, tools] = await Promise.all([findOciRuntime(), findTools()]);
  if (oci === undefined) throw new Error("it takes crun or runc, and neither is in PATH (Debian: apt install crun)");
  const missing = (["unshare", "mount"] as const).filter((tool) => tools[tool] === "");
  if (missing.length > 0) throw new Error(`it takes ${missing.join(" and ")} (Debian: apt install util-linux mount)`);
  const cni = new Cni(async (address) => network ?? ownNetwork(directory, await rangeOf(pods, directory), address), pluginPlaces);
  const noPlugins = cni.missing(network === undefined ? OWN_PLUGINS : pluginsOf(network));
  if (noPlugins.length > 0) {
    const plugins = `the CNI ${noPlugins.length === 1 ? "plugin" : "plugins"} ${noPlugins.join(" and ")}`;
    throw new Error(`it takes ${plugins}, and ${pluginPlaces.join(", ")} have none (Debian: apt install containernetworking-plugins)`);
  }
  await tryNamespaces(directory, tools);
  const found = findPodGroups(directory, podPidsMax, forPods);
  const seccomp = await findSeccompProfile();
  return {
    oci,
    tools,
    groups: found.groups,
    network: cni,
    // Addresses that lead nowhere are only tried in vain.
    sysctls: network === undefined ? { "net.ipv6.conf.default.disable_ipv6": "1" } : {},
    capabilities: ownCapabilities(),
    seccomp,
    wants: [
      ...found.wants,
      ...(seccomp === undefined ? ["seccomp's RuntimeDefault is not enforced: there is no profile on this machine"] : []),
      ...(network === undefined && !KernelNetwork.masquerades
        ? ["pods reach this machine only: there is no iptables to masquerade with"]
        : []),
    ],
  };
}

/** Throws an Error where there is no range yet, or somebody else has it. */
async function rangeOf(pods: NetworkPlace["pods"], directory: string): Promise<string> {
  const range = pods();
  if (range === undefined) throw new Error("the cluster has not given the node a range for its pods yet");
  await checkFree(range, bridgeOf(directory));
  return range;
}

/** Makes what every container takes, once, in a directory of its own. Throws an Error that says what the machine would not have. */
async function tryNamespaces(directory: string, { unshare, mount }: Tools): Promise<void> {
  const trial = join(directory, "trial");
  const [upper, work, at] = ["upper", "work", "root"].map((name) => join(trial, name));
  for (const path of [upper, work, at]) await mkdir(path ?? "", { recursive: true, mode: 0o700 });
  const overlay = [mount, "-t", "overlay", "overlay", "-o", `lowerdir=/,upperdir=${upper},workdir=${work}`, at ?? ""];
  await promisify(execFile)(unshare, ["--mount", "--net", "--ipc", "--uts", "--", ...overlay]).catch(
    (error: { readonly stderr: string }) => {
      throw new Error(`this machine lets Troupe make no namespaces, or no overlays in them (${error.stderr.trim()})`);
    },
  );
  await rm(trial, { recursive: true, force: true });
}

/** The control groups of the pods of a directory, and what they cannot do, for people. Undefined: there are none that may be used, so nobody is held to limits. */
export function findPodGroups(
  directory: string,
  podPidsMax: number | undefined,
  forPods: ForPods,
): { readonly groups: PodGroups | undefined; readonly wants: readonly string[] } {
  const names = groupNames(directory);
  const found = usableRoot(names);
  if (typeof found === "string") return { groups: undefined, wants: [`limits are not enforced: ${found}`] };
  const groups = new PodGroups(found, names, podPidsMax);
  return { groups, wants: [...wantsOf(found), ...held(groups, forPods)] };
}

/** Of the cluster, below the machine's root; another one for each directory of pods. */
export function groupNames(directory: string): readonly [string, string] {
  return [`troupe-${createHash("sha256").update(directory).digest("hex").slice(0, 8)}`, "kubepods"];
}

/** The machine's root, if this user may make groups in it; else why not. */
function usableRoot(names: readonly string[]): ControlGroup | string {
  const root = rootGroup(readFileSync("/proc/self/mountinfo", "utf8"));
  if (root === undefined) return "no control groups are mounted";
  try {
    makeGroup(root, names);
    return root;
  } catch (error) {
    return `control groups cannot be made (${(error as Error).message})`;
  }
}

function held(groups: PodGroups, forPods: ForPods): readonly string[] {
  try {
    groups.hold(forPods);
    return [];
  } catch (error) {
    return [`pods are not held to what is kept for them: ${(error as Error).message}`];
  }
}

function wantsOf({ directories }: ControlGroup): readonly string[] {
  const missing = (["cpu", "memory", "pids"] as const).filter((controller) => directories[controller] === undefined);
  return missing.length === 0 ? [] : [`limits of ${missing.join(" and ")} are not enforced: the machine has no such control groups`];
}
