import { expect, test } from "vitest";
import { NamespaceKind } from "../../../../actors/kinds/core/namespace.ts";
import { ServiceKind } from "../../../../actors/kinds/core/service.ts";
import { EndpointSliceKind } from "../../../../actors/kinds/discovery/endpoint-slice.ts";
import type { EndpointSlice, Namespace, Service } from "../../../../actors/kinds/generated/types.ts";
import { namesIn } from "../../../../actors/node/dns/cluster-names.ts";
import { createDnsKind, DNS_ADDRESS } from "../../../../actors/node/dns/dns.ts";
import { answerOf } from "../../../../actors/node/dns/zone.ts";
import { RUNTIME_LABEL } from "../../../../actors/node/runtime.ts";
import type { ObjectView } from "../../../../actors/store/view.ts";
import { named, startRegistry } from "../../registry/harness.ts";

const from = (view: ObjectView) => ({ view, nodes: { label: RUNTIME_LABEL }, isOwn: (address: string) => address.startsWith("127.") });

test("where it cannot listen it says so, at both of its ports", async () => {
  const { store, registry, stop } = await startRegistry();
  await registry.create(NamespaceKind, named<Namespace>("kube-system", undefined, { spec: {} }));
  await registry.create(ServiceKind, named<Service>("kube-dns", "kube-system", { spec: { ports: [{ port: 53 }] } }));
  const told: string[] = [];
  const recorder = { event: (_about: object, _type: string, _reason: string, message: string) => told.push(message) };
  const { host, replica: view } = store;
  // Of the addresses that are for documentation, no machine has one.
  host.register(createDnsKind({ ...from(view), recorder, clusterDomain: "cluster.local", address: "192.0.2.10", upstreams: [] }));
  host.messenger.tell(DNS_ADDRESS, { type: "start" });
  const why = "the address is none of this machine; use one of 127.0.0.0/8 or of its network interfaces";
  await expect
    .poll(() => told)
    .toEqual([
      `the nameserver cannot listen at 192.0.2.10:53: ${why}; answering at 192.0.2.10:1053, and trying again`,
      `the nameserver cannot listen at 192.0.2.10:1053: ${why}; trying again`,
    ]);
  await stop();
});

test("what was created has its name at once, and none when it was deleted", async () => {
  const { store, registry, stop } = await startRegistry();
  const names = namesIn(from(store.replica));
  const ask = (name: string, type: string): unknown => {
    const reply = answerOf(names, { domain: "cluster.local", nameserver: "127.96.0.10", serial: 1 }, { name, type });
    return reply?.answers.map((record) => ("address" in record ? record.address : "target" in record ? record.target : "")) ?? "elsewhere";
  };
  await registry.create(ServiceKind, named<Service>("web", "d", { spec: { clusterIP: "10.96.0.77", ports: [{ port: 80 }] } }));
  await registry.create(
    EndpointSliceKind,
    named<EndpointSlice>("web-1", "d", {
      metadata: { labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.1.0.1"], hostname: "one" }],
      ports: [],
    }),
  );
  expect(ask("web.d.svc.cluster.local", "A")).toEqual(["10.96.0.77"]);
  expect(ask("one.web.d.svc.cluster.local", "A")).toEqual(["10.1.0.1"]);
  expect(ask("77.0.96.10.in-addr.arpa", "PTR")).toEqual(["web.d.svc.cluster.local"]);
  expect(ask("1.0.1.10.in-addr.arpa", "PTR")).toEqual(["one.web.d.svc.cluster.local"]);
  await registry.delete(ServiceKind, "d", "web");
  expect(ask("web.d.svc.cluster.local", "A")).toEqual([]);
  expect(ask("77.0.96.10.in-addr.arpa", "PTR")).toBe("elsewhere");
  await stop();
});
