import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { join } from "node:path";
import type { NetworkConfig } from "./cni.ts";

/** The plugins that make it. */
export const OWN_PLUGINS: readonly string[] = ["bridge", "host-local"];

/** The name of the bridge of a machine's pods, which is another one for each directory of pods. A network device's name has 15 characters at most. */
export function bridgeOf(pods: string): string {
  return `troupe${createHash("sha256").update(pods).digest("hex").slice(0, 8)}`;
}

/**
 * The network that pods have when no other is configured: a bridge of the machine, which is their gateway, with addresses from `cidr`. Nothing is masqueraded by it: what goes to pods of other
 * machines comes from the pod's own address, and what leaves the cluster is the affair of the machine's part in the network of pods. `address` is the pod's.
 */
export function ownNetwork(pods: string, cidr: string, address: string): NetworkConfig {
  const bridge = bridgeOf(pods);
  const args = isIPv4(address) ? { args: { cni: { mac: hardwareAddress(address) } } } : {};
  const ipam = { type: "host-local", dataDir: join(pods, "..", "cni"), ranges: [[{ subnet: cidr }]], routes: [{ dst: "0.0.0.0/0" }] };
  return { cniVersion: "0.4.0", name: bridge, plugins: [{ type: "bridge", bridge, isGateway: true, hairpinMode: true, ipam, ...args }] };
}

/** The same for an address whoever has it: neighbours remember it for half a minute, and the next pod with the address would not be heard for as long. */
function hardwareAddress(address: string): string {
  return ["0a", "58", ...address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(":");
}

/** Another network with the same addresses would get what is for this one, or the other way round. Throws an Error. */
export async function checkFree(cidr: string, bridge: string): Promise<void> {
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
