import { afterEach, beforeEach, expect, test } from "vitest";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { ServiceKind } from "../../../../actors/kinds/core/service.ts";
import { EndpointSliceKind } from "../../../../actors/kinds/discovery/endpoint-slice.ts";
import type { EndpointSlice, Node, Pod, Service } from "../../../../actors/kinds/generated/types.ts";
import type { Forwarder, ForwarderReport, ServiceForwarding } from "../../../../actors/node/proxy/forwarding.ts";
import { createServiceProxyKind, SERVICE_PROXY_ADDRESS } from "../../../../actors/node/proxy/service-proxy.ts";
import { RUNTIME_LABEL } from "../../../../actors/node/runtime.ts";
import { named, startRegistry, type TestRegistry } from "../../registry/harness.ts";

let cluster: TestRegistry;
let told: Map<string, ServiceForwarding | undefined>;
let events: string[];
let report: (report: ForwarderReport) => void;
let fail: (error: Error) => void;
let made: number;

beforeEach(async () => {
  cluster = await startRegistry();
  told = new Map();
  events = [];
  made = 0;
  const createForwarder = (reports: typeof report, failed: typeof fail): Forwarder => {
    [report, fail] = [reports, failed];
    made++;
    return { apply: (service, forwarding) => told.set(service, forwarding), close: async () => told.clear() };
  };
  const recorder = {
    event: (about: { readonly metadata: { readonly name: string } }, _type: string, reason: string, message: string) =>
      events.push(`${about.metadata.name} ${reason}: ${message}`),
  };
  const isOwn = (address: string): boolean => address.startsWith("127.");
  const { host, replica: view } = cluster.store;
  host.register(createServiceProxyKind({ view, recorder, nodes: { label: RUNTIME_LABEL, runtime: "process" }, isOwn, createForwarder }));
  host.messenger.tell(SERVICE_PROXY_ADDRESS, { type: "start" });
});
afterEach(() => cluster.stop());

const PORTS = [{ name: "http", port: 80, nodePort: 30_080 }];
const service = (spec: object = {}): Promise<unknown> =>
  cluster.registry.create(ServiceKind, named<Service>("web", "d", { spec: { type: "NodePort", ports: PORTS, ...spec } }));

function slice(ready: boolean, nodeName = "n"): EndpointSlice {
  return named<EndpointSlice>("web-1", "d", {
    metadata: { labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready }, nodeName }],
    ports: [{ name: "http", port: 8_080, protocol: "TCP" }],
  });
}

const entrances = (): string[] =>
  (told.get("services/d/web")?.ports ?? []).flatMap((port) => port.entrances.map(({ address, port: at }) => `${address}:${at}`));

test("the forwarder hears of a service, of its endpoints as they become ready and unready, and of its end", async () => {
  await service();
  await cluster.registry.create(EndpointSliceKind, slice(true));
  await expect.poll(entrances).toHaveLength(2);
  await cluster.registry.modify(EndpointSliceKind, "d", "web-1", (now) => ({ ...now, endpoints: slice(false).endpoints ?? [] }));
  await expect.poll(entrances).toEqual([]);
  await cluster.registry.modify(EndpointSliceKind, "d", "web-1", (now) => ({ ...now, endpoints: slice(true).endpoints ?? [] }));
  await expect.poll(entrances).toHaveLength(2);
  // As it is stored, where there are none.
  const stored = { ...EndpointSliceKind, validate: () => [], validateUpdate: () => [] };
  await cluster.registry.modify(stored, "d", "web-1", (now) => ({ ...now, endpoints: null as never }));
  await expect.poll(entrances).toEqual([]);
  await cluster.registry.delete(ServiceKind, "d", "web");
  await expect.poll(() => [...told]).toEqual([["services/d/web", undefined]]);
});

test("node ports are at the nodes of this machine, and endpoints there are local", async () => {
  await service({ externalTrafficPolicy: "Local" });
  await cluster.registry.create(EndpointSliceKind, slice(true));
  await expect.poll(() => told.get("services/d/web")?.ports[0]?.internal).toHaveLength(1);
  expect(entrances().filter((entrance) => entrance.endsWith(":30080"))).toEqual([]);
  const node = (name: string, address: string): Node =>
    named<Node>(name, undefined, {
      metadata: { labels: { "troupe.dev/runtime": "process" } },
      status: { addresses: [{ type: "InternalIP", address }] },
    });
  await cluster.registry.create(NodeKind, node("n", "127.1.0.1"));
  await cluster.registry.create(NodeKind, node("abroad", "192.0.2.1"));
  await expect.poll(() => entrances().filter((entrance) => entrance.endsWith(":30080"))).toEqual(["127.0.0.1:30080", "127.1.0.1:30080"]);
});

test("what cannot be done is said where people look, with what to do", async () => {
  const ports = [...PORTS, { name: "sctp", port: 3_868, protocol: "SCTP" }];
  await service({ ports });
  await expect
    .poll(() => events)
    .toEqual(["web NotForwarded: port 3868 is not forwarded: there is no forwarding of SCTP, only of TCP and UDP"]);
  report({ type: "cannotListen", service: "services/d/web", protocol: "TCP", address: "127.96.0.9", port: 80, code: "EACCES" });
  await expect.poll(() => events[1]).toContain("web FailedToListen: cannot forward 127.96.0.9:80/TCP: ports below 1024 need rights");
  await cluster.registry.modify(ServiceKind, "d", "web", (now) => ({ ...now, metadata: { ...now.metadata, labels: { a: "b" } } }));
  await expect.poll(() => told.size).toBe(1);
  expect(events).toHaveLength(2);
});

test("a forwarder that has ended is replaced by another, which is told everything", async () => {
  await service();
  await expect.poll(() => told.size).toBe(1);
  fail(new Error("gone"));
  await expect.poll(() => [made, told.size]).toEqual([2, 1]);
});

test("a pod's host ports lead to it at its node's addresses from when it has its own until it has ended, and who cannot listen says so on the pod", async () => {
  const labels = { "troupe.dev/runtime": "process" };
  await cluster.registry.create(NodeKind, named<Node>("n", undefined, { metadata: { labels } }));
  const ports = [
    { containerPort: 80, hostPort: 8_080 },
    { containerPort: 81, hostPort: 8_081, hostIP: "127.0.0.9", protocol: "UDP" as const },
    { containerPort: 82 },
  ];
  const spec = { nodeName: "n", containers: [{ name: "c", image: "i", ports }] };
  await cluster.registry.create(PodKind, named<Pod>("p", "d", { spec }));
  const status = (change: object): Promise<unknown> =>
    cluster.registry.modify(PodKind, "d", "p", (now) => ({ ...now, status: { ...now.status, ...change } }), { subresource: "status" });
  const led = (): unknown =>
    told
      .get("pods/d/p")
      ?.ports.flatMap(({ protocol, entrances: all, external }) => all.map(({ address, port }) => [protocol, address, port, external]));
  await status({ phase: "Running", hostIP: "127.112.0.1", podIP: "127.64.0.2" });
  await expect.poll(led).toEqual([
    ["TCP", "127.112.0.1", 8_080, [{ address: "127.64.0.2", port: 80 }]],
    ["TCP", "127.0.0.1", 8_080, [{ address: "127.64.0.2", port: 80 }]],
    ["UDP", "127.0.0.9", 8_081, [{ address: "127.64.0.2", port: 81 }]],
  ]);
  report({ type: "cannotListen", service: "pods/d/p", protocol: "TCP", address: "127.0.0.1", port: 8_080, code: "EADDRINUSE" });
  await expect.poll(() => events.join()).toContain("p FailedToListen: cannot forward 127.0.0.1:8080/TCP: somebody else listens there");
  // Of two nodes on one machine each has its own address.
  await cluster.registry.create(NodeKind, named<Node>("m", undefined, { metadata: { labels } }));
  await expect.poll(() => JSON.stringify(led())).not.toContain('"127.0.0.1"');
  await status({ phase: "Succeeded" });
  await expect.poll(led).toBeUndefined();
});
