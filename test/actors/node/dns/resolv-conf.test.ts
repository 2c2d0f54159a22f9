import { describe, expect, test } from "vitest";
import type { Pod } from "../../../../actors/kinds/generated/types.ts";
import { parseResolvConf, podResolver, resolvConfText } from "../../../../actors/node/dns/resolv-conf.ts";

const HOST = parseResolvConf(`
# a comment
nameserver 192.0.2.53
  nameserver 192.0.2.54
search old.example
search corp.example. example.com .
options ndots:2 rotate
options ndots:3
`);
const CLUSTER = { addresses: ["127.96.0.10"], domain: "cluster.local" };
const OWN = ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"];
const HOSTS = ["corp.example", "example.com"];

const pod = (spec: object): Pod => ({ metadata: { name: "p", namespace: "shop", uid: "u", creationTimestamp: "" }, spec }) as Pod;
const names = (count: number, length = 5): string[] => Array.from({ length: count }, (_none, index) => `${"x".repeat(length)}${index}`);

test("a resolv.conf is read as kubelet reads it", () => {
  expect(HOST).toEqual({ nameservers: ["192.0.2.53", "192.0.2.54"], searches: HOSTS, options: ["ndots:3", "rotate"] });
});

describe("a pod's resolv.conf", () => {
  test.each<[string, object, object]>([
    ["ClusterFirst", { dnsPolicy: "ClusterFirst" }, { nameservers: CLUSTER.addresses, searches: [...OWN, ...HOSTS], options: ["ndots:5"] }],
    ["nothing said", {}, { nameservers: CLUSTER.addresses, searches: [...OWN, ...HOSTS], options: ["ndots:5"] }],
    ["Default", { dnsPolicy: "Default" }, HOST],
    ["ClusterFirst on the host's network", { dnsPolicy: "ClusterFirst", hostNetwork: true }, HOST],
    [
      "ClusterFirstWithHostNet",
      { dnsPolicy: "ClusterFirstWithHostNet", hostNetwork: true },
      { nameservers: CLUSTER.addresses, searches: [...OWN, ...HOSTS], options: ["ndots:5"] },
    ],
    [
      "None",
      {
        dnsPolicy: "None",
        dnsConfig: { nameservers: ["192.0.2.1"], searches: ["a.example"], options: [{ name: "ndots", value: "1" }, { name: "edns0" }] },
      },
      { nameservers: ["192.0.2.1"], searches: ["a.example"], options: ["ndots:1", "edns0"] },
    ],
    [
      "what is asked for beside it",
      {
        dnsConfig: {
          nameservers: ["127.96.0.10", "192.0.2.1"],
          searches: ["cluster.local", "a.example"],
          options: [{ name: "ndots", value: "2" }],
        },
      },
      { nameservers: ["127.96.0.10", "192.0.2.1"], searches: [...OWN, ...HOSTS, "a.example"], options: ["ndots:2"] },
    ],
  ])("%s", (_what, spec, expected) => {
    expect(podResolver(pod(spec), CLUSTER, HOST)).toEqual({ warnings: [], ...expected });
  });

  test("keeps to the limits of resolvers, and says so", () => {
    const none = { dnsPolicy: "None" };
    const many = podResolver(pod({ ...none, dnsConfig: { nameservers: names(4), searches: names(33) } }), CLUSTER, HOST);
    expect([many.nameservers.length, many.searches.length, many.warnings.map(({ reason }) => reason)]).toEqual([
      3,
      32,
      ["DNSConfigForming", "DNSConfigForming"],
    ]);
    const long = podResolver(pod({ ...none, dnsConfig: { searches: [...names(20, 200), "y".repeat(254)] } }), CLUSTER, HOST);
    expect(long.searches.join(" ").length).toBeLessThanOrEqual(2_048);
    expect(long.searches.length).toBe(10);
    expect(long.warnings[0]?.message).toBe(
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${long.searches.join(" ")}`,
    );
  });

  test("without a nameserver of the cluster is the host's, with a warning", () => {
    const made = podResolver(pod({}), { addresses: [], domain: "cluster.local" }, HOST);
    expect(made).toMatchObject({ ...HOST, warnings: [{ reason: "MissingClusterDNS" }] });
  });

  test("as text", () => {
    expect(resolvConfText(podResolver(pod({}), CLUSTER, HOST))).toBe(
      `search ${[...OWN, ...HOSTS].join(" ")}\nnameserver 127.96.0.10\noptions ndots:5\n`,
    );
  });
});
