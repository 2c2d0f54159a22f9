import { mkdir, readFile, writeFile } from "node:fs/promises";
import { hostname as machineName } from "node:os";
import { join } from "node:path";
import type { SandboxSpec } from "../container-runtime.ts";
import { resolvConfText } from "../dns/resolv-conf.ts";

/** Of a pod's directory: the files of its own that its containers see in /etc. */
export const ETC_DIRECTORY = "etc";
export const ETC_FILES = ["hosts", "resolv.conf", "hostname"] as const;

export async function writeSandboxFiles(directory: string, spec: SandboxSpec): Promise<void> {
  const texts = { hosts: await hostsFile(spec), "resolv.conf": resolvConfText(spec.dns), hostname: `${hostnameOf(spec)}\n` };
  await mkdir(directory, { recursive: true, mode: 0o755 });
  await Promise.all(ETC_FILES.map((name) => writeFile(join(directory, name), texts[name], { mode: 0o644 })));
}

/** What the kernel calls the machine, to who is on its network. */
export function hostnameOf({ hostname }: Pick<SandboxSpec, "hostname">): string {
  return hostname === "" ? machineName() : hostname;
}

/** A pod's /etc/hosts. Source: kubelet's managedHostsFileContent. */
async function hostsFile({ hostNetwork, address, names, hostAliases }: SandboxSpec): Promise<string> {
  const aliases = hostAliases.map(({ address: at, names: others }) => `${at}\t${others.join("\t")}`);
  const added = aliases.length === 0 ? [] : ["", "# Entries added by HostAliases.", ...aliases];
  if (hostNetwork) {
    const own = await readFile("/etc/hosts", "utf8").catch(() => "");
    return `# Kubernetes-managed hosts file (host network).\n${own}${added.join("\n")}\n`;
  }
  return [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    `${address}\t${names.join("\t")}`,
    ...added,
    "",
  ].join("\n");
}
