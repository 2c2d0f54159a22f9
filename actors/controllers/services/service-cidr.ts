import { BlockList, isIPv4 } from "node:net";
import type { Condition, IPAddress, ServiceCIDR } from "../../kinds/generated/types.ts";
import { ServiceCIDRKind } from "../../kinds/networking/service-cidr.ts";
import { controllerAccount } from "../../registry/authors.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { View } from "../../store/view.ts";
import { anyKind, modify, updateStatus } from "../actions.ts";
import { conditionOf } from "../conditions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";

const RANGES = "servicecidrs.networking.k8s.io";
const ADDRESSES = "ipaddresses.networking.k8s.io";
const FINALIZER = "networking.k8s.io/service-cidr-finalizer";
const MANAGED_BY = "ipaddress.kubernetes.io/managed-by";
const ALLOCATOR = "ipallocator.k8s.io";
/** A range that is to go is given out by nobody when so long has passed. Source: deletionGracePeriod. */
const GRACE_MS = 10_000;

const READY = { type: "Ready", status: "True", reason: "", message: "Kubernetes Service CIDR is ready" } as const;
const TERMINATING = {
  type: "Ready",
  status: "False",
  reason: "Terminating",
  message: "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
} as const;

/**
 * Says of each range of service addresses that it is ready, and lets one that is to go wait until nobody has an address that only it has. Source:
 * pkg/controller/servicecidrs; KEP-1880.
 */
export const serviceCidrController: Controller = {
  name: "service-cidr",
  component: "service-cidr-controller",
  author: controllerAccount("service-cidrs-controller"),
  kind: anyKind(ServiceCIDRKind),
  watches: [
    // What one range may do may rest on all others.
    { resource: RANGES, keys: (_change, view) => view.list(RANGES).map(({ key }) => key) },
    { resource: ADDRESSES, keys: (_change, view) => goingRanges(view) },
  ],
  reconcile,
};

function goingRanges(view: View): readonly string[] {
  const entries = view.list(RANGES).filter((entry) => view.decode(entry).metadata.deletionTimestamp !== undefined);
  return entries.length === 0 ? NO_KEYS : entries.map(({ key }) => key);
}

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const range = view.get<ServiceCIDR>(key);
  if (range === undefined) return NOTHING;
  const { deletionTimestamp, finalizers = [] } = range.metadata;
  if (deletionTimestamp === undefined) {
    const held = finalizers.includes(FINALIZER) ? NOTHING : [modify(ServiceCIDRKind, range, kept)];
    return [...held, ...told(range, READY, now_ms)];
  }
  if (isNeeded(view, range)) return told(range, TERMINATING, now_ms);
  const wait_ms = Date.parse(deletionTimestamp) + GRACE_MS - now_ms;
  if (wait_ms > 0) return [{ do: "requeue", after_ms: wait_ms }];
  return finalizers.includes(FINALIZER) ? [modify(ServiceCIDRKind, range, released)] : NOTHING;
}

function kept(range: ServiceCIDR): ServiceCIDR {
  return { ...range, metadata: { ...range.metadata, finalizers: [...(range.metadata.finalizers ?? []), FINALIZER] } };
}

function released(range: ServiceCIDR): ServiceCIDR {
  const finalizers = (range.metadata.finalizers ?? []).filter((one) => one !== FINALIZER);
  return { ...range, metadata: { ...range.metadata, finalizers } };
}

function told(range: ServiceCIDR, wanted: typeof READY | typeof TERMINATING, now_ms: number): readonly Action[] {
  const conditions = range.status?.conditions ?? [];
  const said = conditionOf(conditions, wanted.type);
  if (said?.status === wanted.status && said.reason === wanted.reason && said.message === wanted.message) return NOTHING;
  const next: Condition = { ...wanted, lastTransitionTime: timestamp(now_ms) };
  return [updateStatus(ServiceCIDRKind, range, { ...range.status, conditions: [...conditions.filter((one) => one !== said), next] })];
}

/** Whether somebody has an address that no other range has. */
function isNeeded(view: View, range: ServiceCIDR): boolean {
  const others = view
    .list(RANGES)
    .map((entry) => view.decode<ServiceCIDR>(entry))
    .filter(({ metadata }) => metadata.uid !== range.metadata.uid)
    .flatMap(({ spec }) => spec?.cidrs ?? []);
  const own = range.spec?.cidrs ?? [];
  if (own.every((cidr) => others.some((other) => contains(other, cidr)))) return false;
  const [mine, elsewhere] = [blockOf(own), blockOf(others)];
  return view
    .list(ADDRESSES)
    .map((entry) => view.decode<IPAddress>(entry).metadata)
    .filter(({ labels }) => labels?.[MANAGED_BY] === ALLOCATOR)
    .some(({ name }) => mine.check(name, familyOf(name)) && !elsewhere.check(name, familyOf(name)));
}

function contains(outer: string, inner: string): boolean {
  const [[, outerBits], [address, innerBits]] = [partsOf(outer), partsOf(inner)];
  return outerBits <= innerBits && familyOf(outer) === familyOf(inner) && blockOf([outer]).check(address, familyOf(address));
}

function blockOf(cidrs: readonly string[]): BlockList {
  const block = new BlockList();
  for (const cidr of cidrs) {
    const [address, bits] = partsOf(cidr);
    block.addSubnet(address, bits, familyOf(address));
  }
  return block;
}

function partsOf(cidr: string): readonly [address: string, bits: number] {
  const [address = "", bits = ""] = cidr.split("/");
  return [address, Number(bits)];
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv4(address.split("/")[0] ?? "") ? "ipv4" : "ipv6";
}
