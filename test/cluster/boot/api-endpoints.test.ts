import { expect, test } from "vitest";
import type { EndpointSlice, Endpoints } from "../../../actors/kinds/generated/types.ts";
import { KindTable } from "../../../actors/kinds/kinds.ts";
import { createRegistry } from "../../../actors/registry/create-registry.ts";
import { ensureApiEndpoints } from "../../../cluster/boot/api-endpoints.ts";
import { ensureBootstrapObjects } from "../../../cluster/boot/bootstrap-objects.ts";
import { systemClock, systemRandom } from "../../../runtime/mod.ts";
import { refusalOf, startRegistry } from "../../actors/registry/harness.ts";

test("the service kubernetes leads to the API server, wherever that listens now", async () => {
  const { store, stop } = await startRegistry();
  const { replica: view, client } = store;
  const registryOf = (serviceCidr: string) =>
    createRegistry({ view, store: client, clock: systemClock(), random: systemRandom(), kinds: new KindTable(), serviceCidr });
  const registry = registryOf("127.96.0.0/16");
  const facts = { serviceRange: "127.96.0.0/16", apiPort: 443, metricsOfNodes: false, dns: false, ingress: false, localVolumes: false };
  await ensureBootstrapObjects(registry, view, { ...facts, ca: "", frontProxyCa: "" }, systemClock());
  const address = "127.0.0.1";
  await ensureApiEndpoints({ registry, view }, { address, port: 1 });
  await ensureApiEndpoints({ registry, view }, { address, port: 6_443 });
  const { revision } = view;
  await ensureApiEndpoints({ registry, view }, { address, port: 6_443 });
  expect(view.revision).toBe(revision);
  expect(view.get<Endpoints>("endpoints/default/kubernetes")?.subsets).toEqual([
    { addresses: [{ ip: address }], ports: [{ name: "https", port: 6_443, protocol: "TCP" }] },
  ]);
  expect(view.get<EndpointSlice>("endpointslices.discovery.k8s.io/default/kubernetes")).toMatchObject({
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: "https", port: 6_443, protocol: "TCP" }],
  });
  // Where services are elsewhere, loopback is what Kubernetes says that it is: no place for an endpoint.
  const refused = await refusalOf(ensureApiEndpoints({ registry: registryOf("10.96.0.0/16"), view }, { address, port: 7 }));
  expect(refused.message).toContain("may not be in the loopback range");
  await stop();
});
