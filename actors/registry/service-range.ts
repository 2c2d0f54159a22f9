import type { Random } from "../../runtime/mod.ts";
import type { ServiceCIDR } from "../kinds/generated/types.ts";
import type { View } from "../store/view.ts";

/** Tries at random before the range is searched from end to end. */
const RANDOM_TRIES = 16;

/** Where services get their addresses when nobody says: the default of kubeadm. */
export const DEFAULT_SERVICE_CIDR = "10.96.0.0/16";

/** Of a range: where pods find the API. */
export const API_ADDRESS_NUMBER = 1;

/** The numbers that may be handed out: `first` to `last`, of which those below `firstDynamic` are preferably left to explicit wishes. */
export interface NumberRange {
  readonly first: number;
  readonly firstDynamic: number;
  readonly last: number;
}

/** An IPv4 range for services. Its first address (the network) and its last (broadcast) are not handed out. */
export interface ServiceCidr extends NumberRange {
  readonly cidr: string;
}

/** `10.96.0.0/16`. Throws on anything else than an IPv4 prefix of /8 to /30. */
export function parseServiceCidr(cidr: string): ServiceCidr {
  const [address = "", bits = ""] = cidr.split("/");
  const base = parseIpv4(address);
  const prefix = Number(bits);
  if (base === undefined || !Number.isInteger(prefix) || prefix < 8 || prefix > 30) {
    throw new RangeError(`the service range ${JSON.stringify(cidr)} is not an IPv4 prefix such as 10.96.0.0/16`);
  }
  const size = 2 ** (32 - prefix);
  const first = base - (base % size) + 1;
  const last = base - (base % size) + size - 2;
  return { cidr, first, firstDynamic: first + staticBand(size), last };
}

const RANGES = "servicecidrs.networking.k8s.io";

/**
 * What services get their addresses from: the cluster's own range, and those that ServiceCIDRs add and that are ready. One that is to go is none any more. Ranges of
 * IPv6, and those that are too small to give an address, are left out. Source: MetaAllocator.
 */
export function rangesOf(view: View, own: ServiceCidr): readonly ServiceCidr[] {
  const usable = new Map<string, boolean>();
  for (const entry of view.list(RANGES)) {
    const { metadata, spec, status } = view.decode<ServiceCIDR>(entry);
    const isReady = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
    const isUsable = isReady && metadata.deletionTimestamp === undefined;
    for (const cidr of spec?.cidrs ?? []) usable.set(cidr, isUsable || usable.get(cidr) === true);
  }
  const added = [...usable].flatMap(([cidr, isUsable]) =>
    isUsable && cidr !== own.cidr && isServiceCidr(cidr) ? [parseServiceCidr(cidr)] : [],
  );
  return usable.get(own.cidr) === false && added.length > 0 ? added : [own, ...added];
}

function isServiceCidr(cidr: string): boolean {
  const [address = "", bits] = cidr.split("/");
  return parseIpv4(address) !== undefined && Number(bits) >= 8 && Number(bits) <= 30;
}

const LOOPBACK: NumberRange = { first: 127 * 2 ** 24, firstDynamic: 127 * 2 ** 24, last: 128 * 2 ** 24 - 1 };

/** Whether the range lies in 127.0.0.0/8, all of which is this machine. */
export function isLoopback({ first, last }: NumberRange): boolean {
  return first >= LOOPBACK.first && last <= LOOPBACK.last;
}

/**
 * The address that this service of every cluster has: the first is that of `kubernetes`, the tenth that of `kube-dns`. Throws RangeError where the
 * range is too small.
 */
export function addressInRange(cidr: string, number: number): string {
  const { first, last } = parseServiceCidr(cidr);
  if (first + number - 1 > last) throw new RangeError(`the service range ${cidr} has no ${number} addresses`);
  return formatIpv4(first + number - 1);
}

/** How many addresses at the start are left to explicit wishes: between 16 and 256, a sixteenth of the range. Source: KEP-3070. */
function staticBand(size: number): number {
  const band = Math.min(Math.max(16, Math.floor(size / 16)), 256);
  return band < size - 2 ? band : 0;
}

/** The address as a number; undefined when the text is not one. */
export function parseIpv4(text: string): number | undefined {
  if (!/^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/.test(text)) return undefined;
  let value = 0;
  for (const part of text.split(".")) {
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** A number of the range that is not taken: first at random, then by search, the reserved ones last. Undefined when all are taken. */
export function pickFree(range: NumberRange, random: Random, isTaken: (value: number) => boolean): number | undefined {
  const dynamic = range.last - range.firstDynamic + 1;
  for (let i = 0; i < RANDOM_TRIES && dynamic > 0; i++) {
    const candidate = range.firstDynamic + random.below(dynamic);
    if (!isTaken(candidate)) return candidate;
  }
  for (let candidate = range.firstDynamic; candidate <= range.last; candidate++) if (!isTaken(candidate)) return candidate;
  for (let candidate = range.first; candidate < range.firstDynamic; candidate++) if (!isTaken(candidate)) return candidate;
  return undefined;
}
