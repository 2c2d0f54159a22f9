import { createHash } from "node:crypto";
import { isIPv4 } from "node:net";
import type { Key } from "../../../store/transaction.ts";
import type { Entrance, PortForwarding, ServiceForwarding, Target } from "../forwarding.ts";

/**
 * What of a service the kernel does, as rules of nftables. Pure. A map leads from where clients come in, `address . protocol . port`, to a chain, which chooses an endpoint at random and
 * rewrites the destination; chains of clients that are to stay remember them in a set for each endpoint. Source: pkg/proxy/nftables of kube-proxy, whose layout this is, but that
 * whatever is led nowhere comes to a socket of the userspace proxy, at the address that the client has asked for.
 */
export interface KernelRules {
  /** Rules by the name of their chain. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** What sets of clients that are to stay are, by name. */
  readonly sets: ReadonlyMap<string, string>;
  /** Chains by where clients come in. */
  readonly entrances: ReadonlyMap<string, string>;
  /** Of UDP, where the kernel remembers flows of. */
  readonly flows: readonly Flow[];
}

/** Datagrams that come in here are led there. */
export interface Flow {
  readonly entrance: Target;
  readonly target: Target;
}

export const NO_RULES: KernelRules = { chains: new Map(), sets: new Map(), entrances: new Map(), flows: [] };

/** Clients of an endpoint that are remembered. */
const AFFINITY_CLIENTS_MAX = 65_536;
const MS_PER_S = 1_000;
/** The kernel takes names of up to 255 characters, and not all that there are in names of pods' ports. */
const NAME_CHARACTERS_MAX = 120;
const LOOPBACK = "127.";
const DIRECTORY_CHARACTERS_MAX = 100;

/**
 * Marks of a connection. The first: its endpoint may be on another machine, so it has to see the connection as coming from here, or it would answer by another way. The second: so it is
 * only where the client is here, or beside the endpoint.
 */
const MASQUERADE = "0x1000";
const MASQUERADE_NEIGHBOUR = "0x2000";

/** Of the cluster whose data is in a directory. */
export function tableOf(directory: string): string {
  return `${TABLE_PREFIX}${createHash("sha256").update(directory).digest("hex").slice(0, 8)}`;
}

export const TABLE_PREFIX = "troupe-";

/** Takes the place of whatever was in the table. `directory` is told to people who look at it. */
export function emptyTable(table: string, directory: string): readonly string[] {
  const chain = (name: string, hook: string): string => `add chain ip ${table} ${name} { ${hook} }`;
  const rule = (name: string, words: string): string => `add rule ip ${table} ${name} ${words}`;
  return [
    `add table ip ${table}`,
    `delete table ip ${table}`,
    `add table ip ${table} { comment "${commentOf(directory)}"; }`,
    `add map ip ${table} entrances { type ipv4_addr . inet_proto . inet_service : verdict; }`,
    chain("prerouting", "type nat hook prerouting priority -100;"),
    chain("output", "type nat hook output priority -100;"),
    chain("forward", "type filter hook forward priority 0;"),
    chain("postrouting", "type nat hook postrouting priority 100;"),
    `add chain ip ${table} services`,
    rule("prerouting", "jump services"),
    rule("output", "jump services"),
    // The kernel takes connections that it has not seen begin for new ones: those that stand from before this table have their way already.
    rule("services", "tcp flags & (fin | syn | rst | ack) != syn return"),
    rule("services", "ip daddr . meta l4proto . th dport vmap @entrances"),
    // Answers to neighbours on the same link, a bridge for example, would pass this machine by.
    rule(
      "forward",
      `ct state new ct mark & ${MASQUERADE_NEIGHBOUR} == ${MASQUERADE_NEIGHBOUR} fib daddr . iif oif exists ct mark set ct mark | ${MASQUERADE}`,
    ),
    rule("postrouting", 'oifname "lo" return'),
    // From here by the address of the service itself, which is this machine's.
    rule("postrouting", `ct mark & ${MASQUERADE_NEIGHBOUR} == ${MASQUERADE_NEIGHBOUR} fib saddr type local masquerade fully-random`),
    rule("postrouting", `ct mark & ${MASQUERADE} == ${MASQUERADE} masquerade fully-random`),
  ];
}

/** A comment has 128 characters at most, and no quotes in it. */
function commentOf(directory: string): string {
  return `Troupe, ${directory.replaceAll(/[^\x20-\x7e]|["\\]/g, "?").slice(-DIRECTORY_CHARACTERS_MAX)}`;
}

/** The directory of the cluster that a table belongs to, of what nft prints of it; undefined: it is none of Troupe's, or one whose path could not be written down whole. */
export function directoryIn(table: string, listing: string): string | undefined {
  const directory = /^\s*comment "Troupe, (?<directory>[^"]*)"$/m.exec(listing)?.groups?.directory;
  return directory !== undefined && tableOf(directory) === table ? directory : undefined;
}

/** What the kernel does of a service, of those entrances that are `ours` to lead from. */
export function kernelRules(
  service: Key,
  forwarding: ServiceForwarding | undefined,
  ours: (port: PortForwarding, entrance: Entrance) => boolean,
): KernelRules {
  const chains = new Map<string, readonly string[]>();
  const sets = new Map<string, string>();
  const entrances = new Map<string, string>();
  const flows: Flow[] = [];
  for (const port of forwarding?.ports ?? []) {
    const name = (kind: string, more = ""): string => nameOf(kind, service, port, more);
    for (const entrance of port.entrances) {
      const targets = entrance.traffic === "internal" ? port.internal : port.external;
      if (!isForKernel(entrance, targets) || !ours(port, entrance)) continue;
      const chosen = name(entrance.traffic);
      if (!chains.has(chosen)) addChoice(chosen, entrance.traffic, port, targets, name, chains, sets);
      entrances.set(placeOf(port, entrance), guarded(entrance, chosen, name, chains));
      if (port.protocol === "UDP")
        for (const target of targets) flows.push({ entrance: { address: entrance.address, port: entrance.port }, target });
    }
  }
  return { chains, sets, entrances, flows };
}

/**
 * A packet of loopback leaves it as little as one from elsewhere gets there, whatever its destination is rewritten to: the kernel drops both. Nor is what is no IPv4 address for these rules.
 */
function isForKernel({ address }: Entrance, targets: readonly Target[]): boolean {
  return (
    targets.length > 0 &&
    [address, ...targets.map((target) => target.address)].every(
      (one) => isIPv4(one) && one.startsWith(LOOPBACK) === address.startsWith(LOOPBACK),
    )
  );
}

function placeOf({ protocol }: PortForwarding, { address, port }: Entrance): string {
  return `${address} . ${protocol.toLowerCase()} . ${port}`;
}

function addChoice(
  chain: string,
  traffic: Entrance["traffic"],
  port: PortForwarding,
  targets: readonly Target[],
  name: (kind: string, more: string) => string,
  chains: Map<string, readonly string[]>,
  sets: Map<string, string>,
): void {
  const rules: string[] = [];
  const protocol = port.protocol.toLowerCase();
  if (targets.some(({ address }) => !address.startsWith(LOOPBACK))) {
    const mark = traffic === "external" && !port.keepsClients ? MASQUERADE : MASQUERADE_NEIGHBOUR;
    rules.push(`ct mark set ct mark | ${mark}`);
  }
  const led = `meta l4proto ${protocol} dnat ip to`;
  if (port.affinity_ms === 0) {
    rules.push(`${led} ${choice(targets, "map", ({ address, port: at }) => `${address} . ${at}`)}`);
    chains.set(chain, rules);
    return;
  }
  const endpoints = targets.map((target) => {
    const endpoint = `${target.address}:${target.port}`;
    const timeout_s = Math.ceil(port.affinity_ms / MS_PER_S);
    // Of another time is another set: that of one that is there cannot be changed.
    const clients = name("clients", `${endpoint}/${timeout_s}`);
    sets.set(clients, `{ type ipv4_addr; size ${AFFINITY_CLIENTS_MAX}; flags dynamic, timeout; timeout ${timeout_s}s; }`);
    const own = name("endpoint", `${endpoint}/${timeout_s}`);
    chains.set(own, [`update @${clients} { ip saddr }`, `${led} ${endpoint}`]);
    rules.push(`ip saddr @${clients} goto ${own}`);
    return own;
  });
  rules.push(choice(endpoints, "vmap", (own) => `goto ${own}`));
  chains.set(chain, rules);
}

function choice<T>(all: readonly T[], map: "map" | "vmap", print: (one: T) => string): string {
  return `numgen random mod ${all.length} ${map} { ${all.map((one, index) => `${index} : ${print(one)}`).join(", ")} }`;
}

/** The chain that an entrance leads to: the choice itself, or one that lets nobody come to it but clients with these addresses. */
function guarded(
  { sources }: Entrance,
  chosen: string,
  name: (kind: string, more: string) => string,
  chains: Map<string, readonly string[]>,
): string {
  if (sources.length === 0) return chosen;
  const guard = name("guard", sources.join());
  chains.set(
    guard,
    sources.filter(isPrefix).map((source) => `ip saddr ${source} goto ${chosen}`),
  );
  return guard;
}

function isPrefix(source: string): boolean {
  const [address = "", bits = "32", ...more] = source.split("/");
  return more.length === 0 && isIPv4(address) && /^\d{1,2}$/.test(bits) && Number(bits) <= 32;
}

/** Readable, and different for what is different, whatever is cut off. */
function nameOf(kind: string, service: Key, { protocol, name }: PortForwarding, more: string): string {
  const whole = [service, protocol.toLowerCase(), name, more].join("/");
  const hash = createHash("sha256").update(whole).digest("hex").slice(0, 12);
  return `${kind}-${hash}-${whole.replaceAll(/[^\w./-]/g, "_")}`.slice(0, NAME_CHARACTERS_MAX);
}
