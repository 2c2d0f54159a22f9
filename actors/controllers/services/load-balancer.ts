import { ServiceKind } from "../../kinds/core/service.ts";
import type { Service } from "../../kinds/generated/types.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, View } from "../../store/view.ts";
import { anyKind, updateStatus } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { type AddressRange, freeAddress, isInPool } from "./address-pool.ts";

/** The class of services that ask for this controller by name; those that name no class are its own, too. */
export const LOAD_BALANCER_CLASS = "troupe.dev/loopback";
const SERVICES = "services";

/**
 * Gives services of type LoadBalancer addresses out of a pool, and takes them back when they are of another type, or gone. What is at the addresses
 * is the service proxy's business. An address is had by at most one service: one service after another is looked at, on a view that shows what the
 * one before it got. Source: what cloud providers do behind k8s.io/cloud-provider/controllers/service.
 */
export function loadBalancerController(pool: readonly AddressRange[]): Controller {
  return {
    name: "load-balancer",
    component: "service-controller",
    author: controllerAccount("service-controller"),
    kind: anyKind(ServiceKind),
    concurrency: 1,
    watches: [{ resource: SERVICES, keys: (change, view) => (pool.length === 0 ? NO_KEYS : keysOf(change, view)) }],
    reconcile: (view, key) => reconcile(pool, view, key),
  };
}

/** Whoever has something to do with load balancers; and when an address comes free, all that wait for one. */
function keysOf({ now, before }: Change, view: View): readonly string[] {
  const [next, last] = [now, before].map((entry) => (entry === undefined ? undefined : view.decode<Service>(entry)));
  if (![next, last].some((service) => service !== undefined && (isOurs(service) || addressesOf(service).length > 0))) return NO_KEYS;
  const key = now?.key ?? before?.key ?? "";
  const freed = last !== undefined && addressesOf(last).some((address) => next === undefined || !addressesOf(next).includes(address));
  return freed ? [key, ...waiting(view)] : [key];
}

function waiting(view: View): readonly string[] {
  return view
    .list(SERVICES)
    .map((entry) => [entry.key, view.decode<Service>(entry)] as const)
    .filter(([, service]) => isOurs(service) && addressesOf(service).length === 0)
    .map(([key]) => key);
}

function isOurs({ spec }: Service): boolean {
  return spec.type === "LoadBalancer" && (spec.loadBalancerClass ?? LOAD_BALANCER_CLASS) === LOAD_BALANCER_CLASS;
}

function addressesOf({ status }: Service): readonly string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined || ip === "" ? [] : [ip]));
}

function reconcile(pool: readonly AddressRange[], view: View, key: string): readonly Action[] {
  const service = view.get<Service>(key);
  if (service === undefined || service.metadata.deletionTimestamp !== undefined) return NOTHING;
  const has = addressesOf(service);
  if (!isOurs(service)) {
    // Of a class of its own, it is somebody else's, and so is what it has.
    const isLeft = service.spec.type !== "LoadBalancer" && has.some((address) => isInPool(pool, address));
    return isLeft ? [given(service, undefined)] : NOTHING;
  }
  const taken = takenByOthers(view, key);
  const wish = service.spec.loadBalancerIP ?? "";
  const [first] = has;
  const keeps = first !== undefined && isInPool(pool, first) && !taken.has(first) && (wish === "" || wish === first);
  if (keeps) return NOTHING;
  if (wish === "") {
    const free = freeAddress(pool, taken);
    return free === undefined ? [...taking(service), refusal(service, "there is no address left in the pool")] : [given(service, free)];
  }
  if (!isInPool(pool, wish)) return [...taking(service), refusal(service, `${wish} is not in the pool of addresses`)];
  return taken.has(wish) ? [...taking(service), refusal(service, `${wish} is the address of another service`)] : [given(service, wish)];
}

function takenByOthers(view: View, key: string): ReadonlySet<string> {
  const others = view.list(SERVICES).filter((entry) => entry.key !== key);
  return new Set(others.flatMap((entry) => addressesOf(view.decode<Service>(entry))));
}

/** What it has and may not keep. */
function taking(service: Service): readonly Action[] {
  return addressesOf(service).length === 0 ? NOTHING : [given(service, undefined)];
}

function given(service: Service, address: string | undefined): Action {
  const ingress = address === undefined ? {} : { ingress: [{ ip: address, ipMode: "VIP" }] };
  return updateStatus(ServiceKind, service, { ...service.status, loadBalancer: ingress });
}

function refusal({ metadata }: Service, why: string): Action {
  const about = { kind: "Service", apiVersion: "v1", metadata };
  return {
    do: "event",
    note: { about, type: "Warning", reason: "SyncLoadBalancerFailed", message: `Error syncing load balancer: ${why}` },
  };
}
