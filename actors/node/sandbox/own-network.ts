import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MachineRange } from "../cidr.ts";
import { programNamed } from "../process/catalog.ts";
import type { NetworkConfig } from "./cni.ts";

/** The name of the bridge of a cluster's pods, which is another one for each directory of pods. A network device's name has 15 characters at most. */
function bridgeOf(pods: string): string {
  return `troupe${createHash("sha256").update(pods).digest("hex").slice(0, 8)}`;
}

/**
 * The network that pods have when no other is configured: a bridge of the machine, which is their gateway, with addresses from `cidr`. What leaves the machine is
 * masqueraded where it has iptables to do that with.
 */
export function ownNetwork(pods: string, cidr: string, masquerades: boolean): NetworkConfig {
  const bridge = bridgeOf(pods);
  return {
    cniVersion: "0.4.0",
    name: bridge,
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        ipMasq: masquerades,
        hairpinMode: true,
        ipam: { type: "host-local", dataDir: join(pods, "..", "cni"), ranges: [[{ subnet: cidr }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
    ],
  };
}

export interface AddressesWanted {
  /** The directory of the pods' files. */
  readonly pods: string;
  readonly range: MachineRange;
  /** Undefined: it is ownNetwork's; `others`: somebody else makes it. */
  readonly network: NetworkConfig | "others" | undefined;
  readonly services: readonly string[];
  readonly nodes: readonly string[];
}

/**
 * Makes the addresses of nodes, services and load balancers the machine's own, so that what listens on them here is reached from pods by way of their gateway. Throws an Error
 * when somebody else has the range of the pods.
 */
export async function takeAddresses({ pods, range, network, services, nodes }: AddressesWanted): Promise<void> {
  const ip = programNamed("ip");
  if (ip === undefined) throw new Error("it takes the program ip (Debian: apt install iproute2)");
  const run = promisify(execFile);
  if (network === undefined) await checkFree(range.pods, bridgeOf(pods));
  for (const local of [range.own, ...services]) await run(ip, ["route", "replace", "local", local, "dev", "lo"]);
  for (const node of nodes) await run(ip, ["address", "replace", `${node}/32`, "dev", "lo"]);
}

/** Gives up what is taken for pods in a directory; what is not there is no trouble. */
export async function releaseNetwork(pods: string): Promise<void> {
  const ip = programNamed("ip");
  if (ip !== undefined) await promisify(execFile)(ip, ["link", "delete", bridgeOf(pods)]).catch(() => {});
}

/** Another network with the same addresses would get what is for this one, or the other way round. */
async function checkFree(cidr: string, bridge: string): Promise<void> {
  const [address = "", bits = "0"] = cidr.split("/");
  const mask = maskOf(Number(bits));
  const base = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const routes = (await readFile("/proc/net/route", "utf8").catch(() => "")).split("\n").slice(1);
  for (const line of routes) {
    const [device = "", destination = "", , , , , , netmask = ""] = line.split("\t");
    if (device === "" || device === bridge || netmask === "00000000") continue;
    const [to, narrower] = [littleEndian(destination), Math.min(mask, littleEndian(netmask))];
    if (bitsOf(to, narrower) === bitsOf(base, narrower))
      throw new Error(`the range ${cidr} of its pods is also behind ${device}; choose another with --pod-cidr`);
  }
}

function maskOf(bits: number): number {
  return 2 ** 32 - 2 ** (32 - bits);
}

function bitsOf(address: number, mask: number): number {
  return (address & mask) >>> 0;
}

function littleEndian(hex: string): number {
  return Number.parseInt(hex.match(/../g)?.reverse().join("") ?? "0", 16);
}
