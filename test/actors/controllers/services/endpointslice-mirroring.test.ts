import { afterEach, expect, test } from "vitest";
import { EndpointsKind } from "../../../../actors/kinds/core/endpoints.ts";
import { ServiceKind } from "../../../../actors/kinds/core/service.ts";
import type { EndpointSlice, Endpoints, Service } from "../../../../actors/kinds/generated/types.ts";
import { named, startCluster, type TestCluster } from "../harness.ts";

let cluster: TestCluster;
afterEach(() => cluster.stop());

const CONTROLLERS = ["endpointslice-mirroring", "endpointslice", "endpoints", "service-account", "garbage-collector"];
const slices = (): EndpointSlice[] => cluster.all<EndpointSlice>("endpointslices.discovery.k8s.io", "d");
const shown = (): unknown =>
  slices().map(({ addressType, endpoints, ports }) => [
    addressType,
    endpoints.map(({ addresses }) => addresses[0]),
    ports?.map(({ port }) => port),
  ]);
const external = (subsets: Endpoints["subsets"], metadata: object = {}): Endpoints => named<Endpoints>("db", "d", { metadata, subsets });
const service = (spec: object = {}): Service => named<Service>("db", "d", { spec: { ports: [{ port: 5432 }], ...spec } });

test("what users write into Endpoints is shown in slices, as long as the service has no selector", async () => {
  cluster = await startCluster({ controllers: CONTROLLERS });
  const { registry, until } = cluster;
  await registry.create(ServiceKind, service());
  await registry.create(
    EndpointsKind,
    external(
      [
        { addresses: [{ ip: "192.0.2.1" }, { ip: "2001:db8::1" }], notReadyAddresses: [{ ip: "192.0.2.2" }], ports: [{ port: 5432 }] },
        { addresses: [{ ip: "192.0.2.9" }], ports: [{ name: "admin", port: 1 }] },
      ],
      { labels: { team: "a" }, annotations: { note: "n", "kubectl.kubernetes.io/last-applied-configuration": "{}" } },
    ),
  );
  await until("three", () => slices().length === 3);
  expect(shown()).toEqual(
    expect.arrayContaining([
      ["IPv4", ["192.0.2.1", "192.0.2.2"], [5432]],
      ["IPv6", ["2001:db8::1"], [5432]],
      ["IPv4", ["192.0.2.9"], [1]],
    ]),
  );
  const [first] = slices().filter(({ endpoints }) => endpoints.length === 2);
  expect(first?.endpoints.map(({ conditions }) => conditions?.ready)).toEqual([true, false]);
  expect(first?.metadata.labels).toEqual({
    team: "a",
    "kubernetes.io/service-name": "db",
    "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
  });
  expect(first?.metadata.annotations).toEqual({ note: "n" });
  const next = external([{ addresses: [{ ip: "192.0.2.3" }], ports: [{ port: 5432 }] }]);
  await registry.modify(EndpointsKind, "d", "db", (current) => ({ ...current, subsets: next.subsets ?? [] }));
  await until("one", () => slices().length === 1);
  expect(shown()).toEqual([["IPv4", ["192.0.2.3"], [5432]]]);
  await registry.modify(ServiceKind, "d", "db", (current) => ({ ...current, spec: { ...current.spec, selector: { app: "x" } } }));
  await until("the service's own", () => slices().length === 1 && slices()[0]?.endpoints === null);
});

test("not without a service, and not where it is asked not to", async () => {
  cluster = await startCluster({ controllers: CONTROLLERS });
  const subsets = [{ addresses: [{ ip: "192.0.2.1" }], ports: [{ port: 1 }] }];
  await cluster.registry.create(EndpointsKind, external(subsets, { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } }));
  await cluster.registry.create(ServiceKind, service());
  await cluster.clock.run(1_000);
  expect(slices()).toEqual([]);
  await cluster.registry.modify(EndpointsKind, "d", "db", (current) => ({ ...current, metadata: { ...current.metadata, labels: {} } }));
  await cluster.until("mirrored", () => slices().length === 1);
  await cluster.registry.delete(ServiceKind, "d", "db", {});
  await cluster.until("gone with the service", () => slices().length === 0);
});
