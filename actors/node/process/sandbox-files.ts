import { readFile } from "node:fs/promises";
import type { DnsConfig, SandboxSpec } from "../container-runtime.ts";

/** A pod's /etc/hosts. Source: kubelet's managedHostsFileContent. */
export async function hostsFile({ hostNetwork, address, hostname, fqdn, hostAliases }: SandboxSpec): Promise<string> {
  const aliases = hostAliases.map(({ address: at, names }) => `${at}\t${names.join("\t")}`);
  const added = aliases.length === 0 ? [] : ["", "# Entries added by HostAliases.", ...aliases];
  if (hostNetwork) {
    const own = await readFile("/etc/hosts", "utf8").catch(() => "");
    return `# Kubernetes-managed hosts file (host network).\n${own}${added.join("\n")}\n`;
  }
  const names = fqdn === undefined ? hostname : `${fqdn}\t${hostname}`;
  return [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    `${address}\t${names}`,
    ...added,
    "",
  ].join("\n");
}

/** A pod's /etc/resolv.conf. */
export async function resolvFile({ ofMachine, servers, searches, options }: DnsConfig): Promise<string> {
  const own = ofMachine === "nothing" ? NOTHING : parsed(await readFile("/etc/resolv.conf", "utf8").catch(() => ""));
  const all = ofMachine === "all";
  const search = [...new Set(all ? [...own.searches, ...searches] : [...searches, ...own.searches])];
  return [
    search.length === 0 ? "" : `search ${search.join(" ")}\n`,
    ...[...new Set([...(all ? own.servers : []), ...servers])].map((server) => `nameserver ${server}\n`),
    ...(all ? [...own.options, ...options] : options).map((option) => `options ${option}\n`),
  ].join("");
}

interface Resolver {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

const NOTHING: Resolver = { servers: [], searches: [], options: [] };

function parsed(text: string): Resolver {
  const words = text.split("\n").map((line) =>
    line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/),
  );
  const of = (keyword: string): readonly string[] => words.filter(([first]) => first === keyword).flatMap(([, ...rest]) => rest);
  // The last search line counts.
  const searches = words.findLast(([first]) => first === "search")?.slice(1) ?? [];
  return { servers: of("nameserver"), searches, options: of("options") };
}
