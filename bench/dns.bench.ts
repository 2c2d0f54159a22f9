import { availableParallelism, loadavg } from "node:os";
import { encode, RECURSION_DESIRED, type RecordType } from "dns-packet";
import { Bench } from "tinybench";
import { EndpointSliceKind } from "../actors/kinds/discovery/endpoint-slice.ts";
import { encodeObject } from "../actors/kinds/text.ts";
import { type KubeObject, keyFor, NamespaceKind, Replica, ServiceKind } from "../actors/mod.ts";
import { namesIn } from "../actors/node/dns/cluster-names.ts";
import { Resolver } from "../actors/node/dns/resolver.ts";
import { Upstream } from "../actors/node/dns/upstream.ts";
import { RUNTIME_LABEL } from "../actors/node/runtime.ts";
import { formatIpv4, parseIpv4 } from "../actors/registry/service-range.ts";
import { silentLogger, systemClock, systemRandom } from "../runtime/mod.ts";
import { type Figure, printFigures } from "./figure.ts";

/** `npm run bench -- dns [--json]`: how long the cluster's nameserver takes from the bytes of a question to the bytes of the answer, with 10,000 services. */
const SERVICES = 10_000;
const ENDPOINTS = 100;
const RUN_TIME_MS = 1_000;
const US_PER_MS = 1_000;
const FIRST: number = parseIpv4("10.96.1.0") ?? 0;

const clock = systemClock();
const random = systemRandom();
const view = new Replica({ clock, log: silentLogger });
const objects: [key: string, object: KubeObject][] = [];
const meta = (name: string, namespace?: string): KubeObject["metadata"] => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  uid: name,
  creationTimestamp: "2026-01-01T00:00:00Z",
});
objects.push([keyFor(NamespaceKind, undefined, "shop"), { metadata: meta("shop") }]);
for (let n = 0; n < SERVICES; n++) {
  const clusterIP = formatIpv4(FIRST + n);
  const spec = { clusterIP, clusterIPs: [clusterIP], ports: [{ name: "http", port: 80, protocol: "TCP" }] };
  objects.push([keyFor(ServiceKind, "shop", `s${n}`), { metadata: meta(`s${n}`, "shop"), spec } as KubeObject]);
}
const headless = { clusterIP: "None", clusterIPs: ["None"], ports: [{ name: "http", port: 80, protocol: "TCP" }] };
objects.push([keyFor(ServiceKind, "shop", "headless"), { metadata: meta("headless", "shop"), spec: headless } as KubeObject]);
const endpoints = Array.from({ length: ENDPOINTS }, (_none, n) => ({
  addresses: [`10.128.0.${n + 1}`],
  conditions: { ready: true },
  hostname: `pod-${n}`,
}));
objects.push([
  keyFor(EndpointSliceKind, "shop", "headless-1"),
  {
    metadata: { ...meta("headless-1", "shop"), labels: { "kubernetes.io/service-name": "headless" } },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "http", port: 8_080, protocol: "TCP" }],
  } as KubeObject,
]);
const records = objects.map(([key, object], index) => ({
  key,
  revision: index + 1,
  op: "create" as const,
  stored: { text: encodeObject(object) },
  request: undefined,
}));
view.apply(1, { firstRevision: 1, lastRevision: records.length, records });

const upstream = new Upstream({ servers: [], clock, random, log: silentLogger });
const resolver = new Resolver({
  names: namesIn({ view, nodes: { label: RUNTIME_LABEL }, isOwn: () => true }),
  domain: "cluster.local",
  nameserver: "10.96.0.10",
  upstream,
  clock,
  random,
});
let turn = 0;
const QUESTIONS: readonly (readonly [string, RecordType, () => string])[] = [
  ["address of a service, another each time", "A", () => `s${turn++ % SERVICES}.shop.svc.cluster.local`],
  ["address of the same service", "A", () => "s1.shop.svc.cluster.local"],
  ["a name that does not exist", "A", () => "absent.shop.svc.cluster.local"],
  ["a port of a service", "SRV", () => "_http._tcp.s1.shop.svc.cluster.local"],
  ["the service of an address", "PTR", () => "1.1.96.10.in-addr.arpa"],
  ["one of 100 endpoints", "A", () => "pod-7.headless.shop.svc.cluster.local"],
  ["100 endpoints, by TCP", "A", () => "headless.shop.svc.cluster.local"],
];
const bench = new Bench({ time: RUN_TIME_MS });
for (const [name, type, nameOf] of QUESTIONS) {
  const asked = Array.from({ length: name.includes("another") ? SERVICES : 1 }, () =>
    encode({ type: "query", id: 1, flags: RECURSION_DESIRED, questions: [{ name: nameOf(), type }] }),
  );
  const via = name.includes("TCP") ? "tcp" : "udp";
  let next = 0;
  bench.add(name, () => void resolver.answer(asked[next++ % asked.length] as Buffer, via));
}
await bench.run();
const conditions = `${SERVICES} services; ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the end, Node ${process.versions.node}`;
const figures = bench.tasks.flatMap(({ name, result }): Figure[] => {
  if (!("latency" in result)) return [];
  const { p50, p99 } = result.latency;
  return (
    [
      ["p50", p50],
      ["p99", p99],
    ] as const
  ).map(([metric, value]) => ({ suite: "dns", case: name, metric, value: (value ?? 0) * US_PER_MS, unit: "µs", conditions }));
});
printFigures(figures, process.argv.includes("--json"));
