import { describe, expect, test } from "vitest";
import type { EndpointSlice, Service } from "../../../../actors/kinds/generated/types.ts";
import type { ClusterNames } from "../../../../actors/node/dns/cluster-names.ts";
import type { DnsRecord } from "../../../../actors/node/dns/records.ts";
import { answerOf } from "../../../../actors/node/dns/zone.ts";

const ZONE = { domain: "cluster.local", nameserver: "10.3.0.10", serial: 1 };
const META = { uid: "u", creationTimestamp: "" };
const HTTPS = { name: "https", port: 443, protocol: "TCP" };

function service(name: string, spec: object): Service {
  return { metadata: { name, namespace: "default", ...META }, spec } as Service;
}

function slice(of: string, endpoints: readonly object[], rest: object = {}): EndpointSlice {
  return {
    metadata: { name: `${of}-1`, namespace: "default", labels: { "kubernetes.io/service-name": of }, ...META },
    addressType: "IPv4",
    endpoints,
    ports: [HTTPS],
    ...rest,
  } as unknown as EndpointSlice;
}

const HEADLESS = { clusterIP: "None", clusterIPs: ["None"], ports: [HTTPS] };
const SERVICES = [
  service("kubernetes", { clusterIPs: ["10.3.0.1"], ports: [HTTPS, { port: 80 }] }),
  service("six", { clusterIPs: ["2001:db8::1"], ports: [HTTPS] }),
  service("both", { clusterIPs: ["10.3.0.3", "2001:db8::3"], ports: [HTTPS] }),
  service("unnamed", { clusterIPs: ["10.3.0.4"], ports: [{ port: 80 }] }),
  service("headless", HEADLESS),
  service("portless", { clusterIP: "None", clusterIPs: ["None"] }),
  service("empty", HEADLESS),
  service("foo", { type: "ExternalName", externalName: "www.example.com" }),
  service("inside", { type: "ExternalName", externalName: "kubernetes.default.svc.cluster.local." }),
  service("nowhere", { type: "ExternalName", externalName: "absent.default.svc.cluster.local" }),
  service("circle", { type: "ExternalName", externalName: "circle.default.svc.cluster.local" }),
  service("number", { type: "ExternalName", externalName: "192.0.2.1" }),
];
const SLICES = [
  slice("headless", [
    { addresses: ["10.3.0.100"], hostname: "my-pet", conditions: { ready: true } },
    { addresses: ["10.3.0.101"] },
    { addresses: ["10.3.0.102"], hostname: "ill", conditions: { ready: false } },
  ]),
  slice("headless", [{ addresses: ["2001:db8::"], conditions: { ready: true } }], { addressType: "IPv6" }),
  slice("portless", [{ addresses: ["10.3.0.110"] }], { ports: [] }),
  slice("empty", [{ addresses: ["10.3.0.120"], conditions: { ready: false } }]),
  slice("kubernetes", [{ addresses: ["10.9.9.9"] }]),
];
const named = (of: string) => SLICES.filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === of);
const NAMES: ClusterNames = {
  hasNamespace: (name) => name === "default",
  service: (namespace, name) => (namespace === "default" ? SERVICES.find(({ metadata }) => metadata.name === name) : undefined),
  slices: (_namespace, of) => named(of),
  servicesAt: (address) => SERVICES.filter(({ spec }) => spec.clusterIPs?.includes(address)),
  slicesAt: (address) => SLICES.filter(({ endpoints = [] }) => endpoints.some(({ addresses }) => addresses.includes(address))),
};

function printed(record: DnsRecord): string {
  const { name, ttl_s, type } = record;
  const head = `${name} ${ttl_s} ${type}`;
  switch (record.type) {
    case "A":
    case "AAAA":
      return `${head} ${record.address}`;
    case "SRV":
      return `${head} ${record.priority} ${record.weight} ${record.port} ${record.target}`;
    case "TXT":
      return `${head} ${record.text}`;
    case "SOA":
      return head;
    default:
      return `${head} ${record.target}`;
  }
}

/** `NXDOMAIN`, `NODATA`, `elsewhere`, or the answers. What is beside them is told with `+`, where it leads to with `->`. */
function ask(name: string, type: string): string[] {
  const reply = answerOf(NAMES, ZONE, { name, type });
  if (reply === undefined) return ["elsewhere"];
  const lines = [
    ...reply.answers.map(printed),
    ...reply.additional.map((record) => `+ ${printed(record)}`),
    ...(reply.leadsTo === undefined ? [] : [`-> ${reply.leadsTo}`]),
  ];
  if (reply.answers.length === 0 && reply.code !== "REFUSED") expect(reply.authority.map(printed)).toEqual(["cluster.local 5 SOA"]);
  if (reply.code !== "NOERROR") lines.push(reply.code);
  return lines.length === 0 ? ["NODATA"] : lines;
}

const K = "kubernetes.default.svc.cluster.local";
const H = "headless.default.svc.cluster.local";

describe("the specification of DNS-based service discovery", () => {
  test.each<[string, string, string, readonly string[]]>([
    ["2.2", "dns-version.cluster.local", "TXT", ["dns-version.cluster.local 28800 TXT 1.1.0"]],
    ["2.2, of another type", "dns-version.cluster.local", "A", ["NODATA"]],
    ["2.3.1", K, "A", [`${K} 5 A 10.3.0.1`]],
    ["2.3.1, no such family", K, "AAAA", ["NODATA"]],
    ["2.3.1, IPv6", "six.default.svc.cluster.local", "AAAA", ["six.default.svc.cluster.local 5 AAAA 2001:db8::1"]],
    ["2.3.1, both", "both.default.svc.cluster.local", "A", ["both.default.svc.cluster.local 5 A 10.3.0.3"]],
    ["2.3.1, another service", "absent.default.svc.cluster.local", "A", ["NXDOMAIN"]],
    ["2.3.1, another namespace", "kubernetes.absent.svc.cluster.local", "A", ["NXDOMAIN"]],
    ["2.1, case", "KUBERNETES.Default.svc.CLUSTER.local", "A", ["KUBERNETES.Default.svc.CLUSTER.local 5 A 10.3.0.1"]],
    ["2.3.2", `_https._tcp.${K}`, "SRV", [`_https._tcp.${K} 5 SRV 0 100 443 ${K}`, `+ ${K} 5 A 10.3.0.1`]],
    ["2.3.2, of another type", `_https._tcp.${K}`, "A", ["NODATA"]],
    ["2.3.2, what is above it", `_tcp.${K}`, "SRV", ["NODATA"]],
    ["2.3.2, of another protocol", `_https._udp.${K}`, "SRV", ["NXDOMAIN"]],
    ["2.3.2, no protocol has a port", `_udp.${K}`, "SRV", ["NXDOMAIN"]],
    ["2.3.2, an unnamed port has none", "_80._tcp.unnamed.default.svc.cluster.local", "SRV", ["NXDOMAIN"]],
    ["2.3.3", "1.0.3.10.in-addr.arpa", "PTR", [`1.0.3.10.in-addr.arpa 5 PTR ${K}`]],
    ["2.3.3, of another type", "1.0.3.10.in-addr.arpa", "A", ["NODATA"]],
    ["2.3.3, somebody else's", "1.2.0.192.in-addr.arpa", "PTR", ["elsewhere"]],
    ["2.3.3, this machine's", "1.0.0.127.in-addr.arpa", "PTR", ["NXDOMAIN"]],
    [
      "2.3.3, IPv6",
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
      "PTR",
      ["1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa 5 PTR six.default.svc.cluster.local"],
    ],
    ["2.4.1", H, "A", [`${H} 5 A 10.3.0.100`, `${H} 5 A 10.3.0.101`]],
    ["2.4.1, IPv6", H, "AAAA", [`${H} 5 AAAA 2001:db8::`]],
    ["2.4.1, by its hostname", `my-pet.${H}`, "A", [`my-pet.${H} 5 A 10.3.0.100`]],
    ["2.4.1, by its address", `10-3-0-101.${H}`, "A", [`10-3-0-101.${H} 5 A 10.3.0.101`]],
    ["2.4.1, by an address that ends in nothing", `2001-db8--0.${H}`, "AAAA", [`2001-db8--0.${H} 5 AAAA 2001:db8::`]],
    ["2.4.1, a hostname of another family", `my-pet.${H}`, "AAAA", ["NODATA"]],
    ["2.4.1, an endpoint that is not ready", `ill.${H}`, "A", ["NXDOMAIN"]],
    ["2.4.1, none is ready", "empty.default.svc.cluster.local", "A", ["NXDOMAIN"]],
    ["2.4.1, no ports", "portless.default.svc.cluster.local", "A", ["portless.default.svc.cluster.local 5 A 10.3.0.110"]],
    [
      "2.4.2",
      `_https._tcp.${H}`,
      "SRV",
      [
        `_https._tcp.${H} 5 SRV 0 33 443 my-pet.${H}`,
        `_https._tcp.${H} 5 SRV 0 33 443 10-3-0-101.${H}`,
        `_https._tcp.${H} 5 SRV 0 33 443 2001-db8--0.${H}`,
        `+ my-pet.${H} 5 A 10.3.0.100`,
        `+ 10-3-0-101.${H} 5 A 10.3.0.101`,
        `+ 2001-db8--0.${H} 5 AAAA 2001:db8::`,
      ],
    ],
    ["2.4.3", "100.0.3.10.in-addr.arpa", "PTR", [`100.0.3.10.in-addr.arpa 5 PTR my-pet.${H}`]],
    ["2.4.3, not ready", "102.0.3.10.in-addr.arpa", "PTR", ["elsewhere"]],
    ["2.5", "foo.default.svc.cluster.local", "A", ["foo.default.svc.cluster.local 5 CNAME www.example.com", "-> www.example.com"]],
    ["2.5, itself", "foo.default.svc.cluster.local", "CNAME", ["foo.default.svc.cluster.local 5 CNAME www.example.com"]],
    ["2.5, nothing is below it", "x.foo.default.svc.cluster.local", "CNAME", ["NXDOMAIN"]],
    [
      "2.5, back into the cluster",
      "inside.default.svc.cluster.local",
      "A",
      [`inside.default.svc.cluster.local 5 CNAME ${K}`, `${K} 5 A 10.3.0.1`],
    ],
    [
      "2.5, to nothing",
      "nowhere.default.svc.cluster.local",
      "A",
      ["nowhere.default.svc.cluster.local 5 CNAME absent.default.svc.cluster.local", "NXDOMAIN"],
    ],
    ["2.5, an address is no name", "number.default.svc.cluster.local", "A", ["NXDOMAIN"]],
  ])("%s: %s %s", (_section, name, type, expected) => {
    expect(ask(name, type)).toEqual(expected);
  });
});

describe("what CoreDNS answers beyond it", () => {
  test.each<[string, string, readonly string[]]>([
    ["cluster.local", "A", ["NODATA"]],
    ["cluster.local", "SOA", ["cluster.local 5 SOA"]],
    ["cluster.local", "NS", ["cluster.local 5 NS ns.dns.cluster.local", "+ ns.dns.cluster.local 5 A 10.3.0.10"]],
    ["ns.dns.cluster.local", "A", ["ns.dns.cluster.local 5 A 10.3.0.10"]],
    ["dns.cluster.local", "A", ["NODATA"]],
    ["svc.cluster.local", "A", ["NODATA"]],
    ["pod.cluster.local", "A", ["NODATA"]],
    ["default.svc.cluster.local", "NS", ["NODATA"]],
    ["foo.svc.cluster.local", "NS", ["NXDOMAIN"]],
    ["foo.cluster.local", "A", ["NXDOMAIN"]],
    ["cluster.local", "AXFR", ["REFUSED"]],
    [K, "HTTPS", ["NODATA"]],
    [K, "SRV", [`${K} 5 SRV 0 50 443 ${K}`, `${K} 5 SRV 0 50 80 ${K}`, `+ ${K} 5 A 10.3.0.1`]],
    [`10-9-9-9.${K}`, "A", [`10-9-9-9.${K} 5 A 10.9.9.9`]],
    [`a.b.c.${K}`, "A", ["NXDOMAIN"]],
    ["10-1-2-3.default.pod.cluster.local", "A", ["10-1-2-3.default.pod.cluster.local 5 A 10.1.2.3"]],
    ["10-1-2-3.default.pod.cluster.local", "AAAA", ["NODATA"]],
    ["2001-db8--1.default.pod.cluster.local", "AAAA", ["2001-db8--1.default.pod.cluster.local 5 AAAA 2001:db8::1"]],
    ["10-1-2-3.absent.pod.cluster.local", "A", ["NXDOMAIN"]],
    ["10-1-2-300.default.pod.cluster.local", "A", ["NXDOMAIN"]],
    ["www.example.com", "A", ["elsewhere"]],
    ["notcluster.local", "A", ["elsewhere"]],
  ])("%s %s", (name, type, expected) => {
    expect(ask(name, type)).toEqual(expected);
  });

  test("aliases that go round end", () => {
    const reply = answerOf(NAMES, ZONE, { name: "circle.default.svc.cluster.local", type: "A" });
    expect(reply?.answers.length).toBeLessThan(12);
    expect(new Set(reply?.answers.map(({ type }) => type))).toEqual(new Set(["CNAME"]));
  });
});
