import { describe, expect, test } from "vitest";
import type { Endpoint, EndpointSlice, Service } from "../../../../actors/kinds/generated/types.ts";
import type { PortForwarding, Target } from "../../../../actors/node/proxy/forwarding.ts";
import { forwardingOf, unforwardedPorts } from "../../../../actors/node/proxy/forwarding-rules.ts";
import type { Place } from "../../../../actors/node/proxy/usable-endpoints.ts";

const PLACE: Place = { nodes: new Set(["here"]), zones: new Set(["a"]), addresses: ["127.0.0.1", "127.1.0.1"] };
const HTTP = { name: "http", port: 80, protocol: "TCP", targetPort: 8080 };

function service(spec: object = {}, rest: object = {}): Service {
  const { metadata, ...others } = rest as { metadata?: object };
  return {
    metadata: { name: "s", namespace: "d", uid: "u", creationTimestamp: "", ...metadata },
    spec: { type: "ClusterIP", clusterIP: "127.96.0.9", clusterIPs: ["127.96.0.9"], ports: [HTTP], ...spec },
    ...others,
  } as Service;
}

function slice(endpoints: readonly Endpoint[], rest: object = {}): EndpointSlice {
  return {
    metadata: { name: "s-1", namespace: "d", uid: "u", creationTimestamp: "" },
    addressType: "IPv4",
    endpoints: [...endpoints],
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    ...rest,
  };
}

type Conditions = NonNullable<Endpoint["conditions"]>;
const READY: Conditions = { ready: true, serving: true, terminating: false };
const UNREADY: Conditions = { ready: false, serving: false, terminating: false };
const ENDING: Conditions = { ready: false, serving: true, terminating: true };
const ENDED: Conditions = { ready: false, serving: false, terminating: true };

let last = 0;
function endpoint(conditions: Conditions = READY, rest: Partial<Endpoint> = {}): Endpoint {
  last = (last % 250) + 1;
  return { addresses: [`127.1.0.${last}`], conditions, ...rest };
}
const on = (node: string, conditions: Conditions = READY): Endpoint => endpoint(conditions, { nodeName: node });
const forZones = (...zones: string[]): Endpoint => endpoint(READY, { hints: { forZones: zones.map((name) => ({ name })) } });
const forNodes = (...nodes: string[]): Endpoint => endpoint(READY, { hints: { forNodes: nodes.map((name) => ({ name })) } });

const only = (made: ReturnType<typeof forwardingOf>): PortForwarding => {
  const [port] = made?.ports ?? [];
  if (port === undefined) expect.fail("it is not forwarded");
  return port;
};
const addresses = (targets: readonly Target[]): string[] => targets.map(({ address }) => address);
const entrances = (made: ReturnType<typeof forwardingOf>): string[] =>
  (made?.ports ?? []).flatMap((port) => port.entrances.map((one) => `${one.address}:${one.port} ${one.traffic}`));

describe("which endpoints get traffic, as kube-proxy has it", () => {
  test.each<[string, object, readonly Endpoint[], readonly number[]]>([
    ["all that are ready", {}, [endpoint(), endpoint(), endpoint(UNREADY)], [0, 1]],
    ["what says nothing is ready", {}, [{ addresses: ["127.1.9.9"] }], [0]],
    ["none that is ending while one is ready", {}, [endpoint(), endpoint(ENDING)], [0]],
    ["those that are ending when none is ready", {}, [endpoint(UNREADY), endpoint(ENDING), endpoint(ENDED)], [1]],
    ["those published although they are not ready", {}, [endpoint({ ready: true, serving: false, terminating: false })], [0]],
    ["zone: those hinted for ours", {}, [forZones("a"), forZones("b"), forZones("b", "a")], [0, 2]],
    ["zone: all, when one has no hint", {}, [forZones("a"), endpoint(), forZones("b")], [0, 1, 2]],
    ["zone: all, when none is for ours", {}, [forZones("b"), forZones("c")], [0, 1]],
    ["node: those hinted for ours", {}, [forNodes("here"), forNodes("there")], [0]],
    [
      "node: else by zone",
      {},
      [{ ...forNodes("there"), hints: { forNodes: [{ name: "there" }], forZones: [{ name: "a" }] } }, endpoint()],
      [0, 1],
    ],
    ["ending ones do not ask for hints", {}, [forZones("a"), forZones("b"), endpoint(ENDING)], [0]],
    ["Local: those of this node", { internalTrafficPolicy: "Local" }, [on("here"), on("there"), endpoint()], [0]],
    [
      "Local: the ending of this node rather than ready ones of others",
      { internalTrafficPolicy: "Local" },
      [on("here", ENDING), on("there")],
      [0],
    ],
    ["Local: hints do not count", { internalTrafficPolicy: "Local" }, [{ ...on("here"), hints: { forZones: [{ name: "b" }] } }], [0]],
  ])("%s", (_what, spec, endpoints, chosen) => {
    const { internal } = only(forwardingOf(service(spec), [slice(endpoints)], PLACE));
    expect(addresses(internal)).toEqual(chosen.map((index) => endpoints[index]?.addresses[0]));
  });

  test("a port is the slice's of the same name and protocol", () => {
    const dns = [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "dns-tcp", port: 53, protocol: "TCP" },
    ];
    const ports = [
      { name: "dns", port: 5_353, protocol: "UDP" },
      { name: "dns-tcp", port: 5_354, protocol: "TCP" },
      { name: "dns", port: 1, protocol: "TCP" },
    ];
    const made = forwardingOf(service({ ports: dns }), [slice([endpoint()], { ports })], PLACE);
    expect(made?.ports.map(({ protocol, internal }) => [protocol, internal[0]?.port])).toEqual([
      ["UDP", 5_353],
      ["TCP", 5_354],
    ]);
  });

  test("an endpoint in two slices counts once; slices of names and of IPv6 do not count", () => {
    const twice = endpoint();
    const slices = [slice([twice]), slice([{ ...twice, conditions: UNREADY }]), slice([endpoint()], { addressType: "IPv6" })];
    expect(addresses(only(forwardingOf(service(), slices, PLACE)).internal)).toEqual(twice.addresses);
  });
});

describe("where clients come in", () => {
  const balanced = {
    loadBalancer: { ingress: [{ ip: "127.97.0.1", ipMode: "VIP" }, { ip: "127.97.0.2", ipMode: "Proxy" }, { hostname: "x.example" }] },
  };
  test.each<[string, Service, readonly string[]]>([
    ["the cluster address", service(), ["127.96.0.9:80 internal"]],
    ["external addresses", service({ externalIPs: ["127.98.0.1"] }), ["127.96.0.9:80 internal", "127.98.0.1:80 external"]],
    [
      "node ports at all addresses of the node",
      service({ type: "NodePort", ports: [{ ...HTTP, nodePort: 30_080 }] }),
      ["127.96.0.9:80 internal", "127.0.0.1:30080 external", "127.1.0.1:30080 external"],
    ],
    [
      "the load balancer's address, unless its traffic comes from afar",
      service({ type: "LoadBalancer" }, { status: balanced }),
      ["127.96.0.9:80 internal", "127.97.0.1:80 external"],
    ],
  ])("%s", (_what, one, expected) => {
    expect(entrances(forwardingOf(one, [slice([endpoint()])], PLACE))).toEqual(expected);
  });

  test.each<[string, Service]>([
    ["ExternalName", service({ type: "ExternalName", externalName: "x.example", clusterIP: undefined, clusterIPs: undefined })],
    ["headless", service({ clusterIP: "None", clusterIPs: ["None"] })],
    ["another proxy's", service({}, { metadata: { labels: { "service.kubernetes.io/service-proxy-name": "x" } } })],
    ["labelled headless", service({}, { metadata: { labels: { "service.kubernetes.io/headless": "" } } })],
  ])("not forwarded: %s", (_what, one) => {
    expect(forwardingOf(one, [slice([endpoint()])], PLACE)).toBeUndefined();
  });

  test("nowhere without endpoints, and not from outside without local ones where only these count", () => {
    expect(entrances(forwardingOf(service(), [slice([endpoint(UNREADY)])], PLACE))).toEqual([]);
    const local = service({ type: "NodePort", externalTrafficPolicy: "Local", ports: [{ ...HTTP, nodePort: 30_080 }] });
    expect(entrances(forwardingOf(local, [slice([on("there")])], PLACE))).toEqual(["127.96.0.9:80 internal"]);
  });

  test("from outside to local endpoints, from inside to all", () => {
    const one = service({ type: "NodePort", externalTrafficPolicy: "Local", ports: [{ ...HTTP, nodePort: 30_080 }] });
    const [here, there] = [on("here"), on("there")];
    const port = only(forwardingOf(one, [slice([here, there])], PLACE));
    expect([addresses(port.internal), addresses(port.external)]).toEqual([[...here.addresses, ...there.addresses], here.addresses]);
  });

  test("who may come to a load balancer", () => {
    const sources = (spec: object, annotations = {}): unknown =>
      only(
        forwardingOf(
          service({ type: "LoadBalancer", ...spec }, { status: balanced, metadata: { annotations } }),
          [slice([endpoint()])],
          PLACE,
        ),
      ).entrances.map((one) => one.sources);
    expect(sources({ loadBalancerSourceRanges: ["127.1.0.0/16"] })).toEqual([[], ["127.1.0.0/16"]]);
    expect(sources({ loadBalancerSourceRanges: ["0.0.0.0/0"] })).toEqual([[], []]);
    expect(sources({}, { "service.beta.kubernetes.io/load-balancer-source-ranges": "127.2.0.0/16, 127.3.0.0/16" })).toEqual([
      [],
      ["127.2.0.0/16", "127.3.0.0/16"],
    ]);
  });
});

test("clients stay for as long as the service says", () => {
  const of = (spec: object): number => only(forwardingOf(service(spec), [slice([endpoint()])], PLACE)).affinity_ms;
  expect(of({})).toBe(0);
  expect(of({ sessionAffinity: "ClientIP" })).toBe(10_800_000);
  expect(of({ sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 7 } } })).toBe(7_000);
});

test("load balancers that send to local endpoints alone are told how many are ready here", () => {
  const one = service({ type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 30_900 });
  const of = (...endpoints: Endpoint[]): unknown => forwardingOf(one, [slice(endpoints)], PLACE)?.healthCheck;
  expect(of(on("here"), on("here"), on("there"))).toEqual({ addresses: PLACE.addresses, port: 30_900, localEndpoints: 2 });
  expect(of(on("here", ENDING))).toMatchObject({ localEndpoints: 0 });
  expect(forwardingOf({ ...one, spec: { ...one.spec, externalTrafficPolicy: "Cluster" } }, [], PLACE)?.healthCheck).toBeUndefined();
});

test("other protocols than TCP and UDP are left out, and named", () => {
  const ports = [HTTP, { name: "signal", port: 3_868, protocol: "SCTP" }];
  const one = service({ ports });
  expect(forwardingOf(one, [slice([endpoint()])], PLACE)?.ports.map(({ name }) => name)).toEqual(["http"]);
  expect(unforwardedPorts(one).map(({ name }) => name)).toEqual(["signal"]);
});
