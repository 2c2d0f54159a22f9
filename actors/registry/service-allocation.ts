import { internalError, invalid } from "../kinds/errors.ts";
import { invalid as invalidField } from "../kinds/field-error.ts";
import type { Service, ServiceSpec } from "../kinds/generated/types.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { FieldError, StatusError } from "../kinds/status.ts";
import { encodeObject } from "../kinds/text.ts";
import type { Key, Mutation } from "../store/transaction.ts";
import type { Companion, Plan } from "./companion.ts";
import {
  clusterIpOf,
  HEADLESS,
  isHeadless,
  keepAllocated,
  needsClusterIp,
  needsHealthCheckPort,
  needsNodePorts,
  nodePortsOf,
} from "./service-fields.ts";
import type { NumberRange, ServiceCidr } from "./service-range.ts";
import { formatIpv4, parseIpv4, pickFree, rangesOf } from "./service-range.ts";
import type { StoreAccess } from "./store-access.ts";
import { timestamp } from "./timestamps.ts";

const SERVICE = { group: "", kind: "Service" } as const;
/** Kubernetes' own objects for the addresses that services hold (KEP-1880). */
const ADDRESSES = "ipaddresses.networking.k8s.io";
/** Ours, not served: Kubernetes keeps a bitmap in its place. */
const NODE_PORTS = "nodeports.troupe";
const NODE_PORT_RANGE: NumberRange = { first: 30_000, firstDynamic: 30_086, last: 32_767 };

const TAKEN_IP = "provided IP is already allocated";
const TAKEN_PORT = "provided port is already allocated";
const OUTSIDE_IP = "the provided network does not match the current range";
const OUTSIDE_PORT = `provided port is not in the valid range. The range of valid ports is ${NODE_PORT_RANGE.first}-${NODE_PORT_RANGE.last}`;

/**
 * The addresses and node ports of services: each is held by a marker object that is created and deleted in the transaction of its
 * service, so that no two services ever have the same, whichever hosts they were written on.
 */
export function createServiceAllocation(access: StoreAccess, cidr: ServiceCidr): Companion<Service> {
  const { view, random } = access;
  const taken = (key: Key): boolean => view.entry(key) !== undefined;
  return {
    resource: "services",
    keep: keepAllocated,
    plan(next, current) {
      const ranges = rangesOf(view, cidr);
      checkWishes(next, current, ranges);
      const spec = allocate(next.spec, {
        ip: () => firstFree(ranges, (range) => pickFree(range, random, (value) => taken(addressKey(formatIpv4(value))))),
        port: (used) => pickFree(NODE_PORT_RANGE, random, (value) => used.has(value) || taken(portKey(value))),
      });
      return withMarkers({ ...next, spec }, current, access);
    },
    release: (current) => heldKeys(current.spec).flatMap((key) => deletion(access, key)),
    refusal(next, requested, mutation) {
      if (mutation.op !== "create" || !heldKeys(requested.spec).includes(mutation.key)) return undefined;
      const { spec } = requested;
      const port = (spec.ports ?? []).findIndex((candidate) => portKey(candidate.nodePort ?? 0) === mutation.key);
      return refuse(next, mutation.key.startsWith(NODE_PORTS) ? portError(spec, port, TAKEN_PORT) : ipError(spec, TAKEN_IP));
    },
  };
}

function firstFree(ranges: readonly ServiceCidr[], pick: (range: ServiceCidr) => number | undefined): number | undefined {
  for (const range of ranges) {
    const value = pick(range);
    if (value !== undefined) return value;
  }
  return undefined;
}

function addressKey(ip: string): Key {
  return `${ADDRESSES}/${ip}`;
}

function portKey(port: number): Key {
  return `${NODE_PORTS}/${port}`;
}

/** The markers of all that a service holds. */
function heldKeys(spec: ServiceSpec): Key[] {
  const ip = needsClusterIp(spec) ? clusterIpOf(spec) : undefined;
  const keys = ip === undefined ? [] : [addressKey(ip)];
  for (const port of nodePortsOf(spec)) keys.push(portKey(port));
  return keys;
}

function refuse(service: Service, error: FieldError): StatusError {
  return invalid(SERVICE, service.metadata.name, [error]);
}

function ipError(spec: ServiceSpec, why: string): FieldError {
  const ip = clusterIpOf(spec) ?? "";
  return invalidField("spec.clusterIPs", spec.clusterIPs ?? [ip], `failed to allocate IP ${ip}: ${why}`);
}

function portError(spec: ServiceSpec, index: number, why: string): FieldError {
  if (index < 0) return invalidField("spec.healthCheckNodePort", spec.healthCheckNodePort ?? 0, why);
  return invalidField(`spec.ports[${index}].nodePort`, spec.ports?.[index]?.nodePort ?? 0, why);
}

/** Refuses wishes outside the ranges. What the service holds already was good once and stays so. */
function checkWishes(next: Service, current: Service | undefined, ranges: readonly ServiceCidr[]): void {
  const held = new Set(current === undefined ? [] : heldKeys(current.spec));
  const { spec } = next;
  const ip = needsClusterIp(spec) ? clusterIpOf(spec) : undefined;
  if (ip !== undefined && !held.has(addressKey(ip))) {
    const value = parseIpv4(ip);
    if (value === undefined || !ranges.some(({ first, last }) => value >= first && value <= last))
      throw refuse(next, ipError(spec, OUTSIDE_IP));
  }
  for (const [index, { nodePort = 0 }] of (spec.ports ?? []).entries()) {
    if (nodePort === 0 || held.has(portKey(nodePort))) continue;
    if (nodePort < NODE_PORT_RANGE.first || nodePort > NODE_PORT_RANGE.last) throw refuse(next, portError(spec, index, OUTSIDE_PORT));
  }
}

interface Free {
  ip(): number | undefined;
  port(used: ReadonlySet<number>): number | undefined;
}

/** The spec with everything that it needs and did not say. */
function allocate(asked: ServiceSpec, free: Free): ServiceSpec {
  const spec: ServiceSpec = { ...asked };
  if (needsClusterIp(spec)) {
    const headless = isHeadless(spec);
    let ip = headless ? HEADLESS : clusterIpOf(spec);
    if (ip === undefined) {
      const value = free.ip();
      if (value === undefined) throw internalError("failed to allocate a serviceIP: range is full");
      ip = formatIpv4(value);
    }
    const dual = headless && Object.keys(spec.selector ?? {}).length === 0;
    spec.clusterIP = ip;
    spec.clusterIPs = [ip];
    if ((spec.ipFamilies ?? []).length === 0) spec.ipFamilies = dual ? ["IPv4", "IPv6"] : ["IPv4"];
    spec.ipFamilyPolicy ??= dual ? "RequireDualStack" : "SingleStack";
  }
  if (needsNodePorts(spec)) {
    const used = nodePortsOf(spec);
    spec.ports = (spec.ports ?? []).map((port) => (port.nodePort ? port : { ...port, nodePort: takePort(free, used) }));
  }
  if (needsHealthCheckPort(spec) && !spec.healthCheckNodePort) spec.healthCheckNodePort = takePort(free, nodePortsOf(spec));
  return spec;
}

function takePort(free: Free, used: Set<number>): number {
  const port = free.port(used);
  if (port === undefined) throw internalError("failed to allocate a nodePort: range is full");
  used.add(port);
  return port;
}

function withMarkers(next: Service, current: Service | undefined, access: StoreAccess): Plan<Service> {
  const before = current === undefined ? [] : heldKeys(current.spec);
  const after = heldKeys(next.spec);
  const mutations: Mutation[] = [];
  for (const key of after) if (!before.includes(key)) mutations.push({ op: "create", key, text: encodeObject(marker(key, next, access)) });
  for (const key of before) if (!after.includes(key)) mutations.push(...deletion(access, key));
  return { object: next, mutations };
}

function marker(key: Key, service: Service, { random, clock }: StoreAccess): KubeObject {
  const { name, namespace } = service.metadata;
  const address = key.startsWith(ADDRESSES);
  const labels = address
    ? { labels: { "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" } }
    : {};
  const object = {
    metadata: {
      name: key.slice(key.indexOf("/") + 1),
      uid: random.uuid(),
      ...(address ? { generation: 1 } : {}),
      creationTimestamp: timestamp(clock.now_ms()),
      ...labels,
    },
    spec: { parentRef: { group: "", name, namespace, resource: "services" } },
  };
  return object;
}

/** A marker that somebody took away by hand needs no deletion. */
function deletion({ view }: StoreAccess, key: Key): Mutation[] {
  const entry = view.entry(key);
  return entry === undefined ? [] : [{ op: "delete", key, expect: entry.revision }];
}
