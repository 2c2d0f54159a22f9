import { expect, test } from "vitest";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { ServiceKind } from "../../../actors/kinds/core/service.ts";
import type { ConfigMap, Service, ServiceCIDR } from "../../../actors/kinds/generated/types.ts";
import { apiServicePort } from "../../../cluster/boot/api-service-port.ts";
import { ensureBootstrapObjects, keepBootstrapObjects } from "../../../cluster/boot/bootstrap-objects.ts";
import { until } from "../../../cluster/chaos/until.ts";
import { silentLogger, virtualClock } from "../../../runtime/mod.ts";
import { startRegistry } from "../../actors/registry/harness.ts";

const FACTS = {
  ca: "clients",
  frontProxyCa: "front",
  metricsOfNodes: true,
  serviceRange: "10.96.0.0/16",
  apiPort: 443,
  dns: true,
  ingress: true,
  localVolumes: true,
};

const clock = virtualClock();

test("what every cluster has is there, and comes back when it was deleted", async () => {
  const { registry, store, stop } = await startRegistry();
  const view = store.replica;
  const isThere = (): boolean => view.entry("services/default/kubernetes") !== undefined;
  await ensureBootstrapObjects(registry, view, FACTS, clock);
  const { revision } = view;
  await ensureBootstrapObjects(registry, view, FACTS, clock);
  expect(view.revision).toBe(revision);
  expect(isThere()).toBe(true);
  expect(view.get<ServiceCIDR>("servicecidrs.networking.k8s.io/kubernetes")).toMatchObject({
    spec: { cidrs: ["10.96.0.0/16"] },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  });

  expect(view.get<Service>("services/kube-system/kube-dns")?.spec.clusterIP).toBe("10.96.0.10");

  expect(view.entry("ingressclasses.networking.k8s.io/troupe")).toBeDefined();
  const keeping = keepBootstrapObjects(registry, view, FACTS, clock, silentLogger);
  for (let round = 0; round < 2; round++) {
    await registry.delete(ServiceKind as never, "default", "kubernetes");
    expect(isThere()).toBe(false);
    await until("the service", () => {
      clock.advance(10_000);
      return isThere();
    });
  }
  keeping.cancel();
  await registry.delete(ServiceKind as never, "default", "kubernetes");
  clock.advance(60_000);
  await view.until(view.revision);
  expect(isThere()).toBe(false);
  await stop();
});

test("since when track is kept of tokens in secrets is written down once, and mended", async () => {
  const { registry, store, stop } = await startRegistry();
  const view = store.replica;
  const key = "configmaps/kube-system/kube-apiserver-legacy-service-account-token-tracking";
  const since = (): string | undefined => view.get<ConfigMap>(key)?.data?.since;
  await ensureBootstrapObjects(registry, view, FACTS, clock);
  const begun = new Date(clock.now_ms()).toISOString().slice(0, 10);
  expect(since()).toBe(begun);
  await ensureBootstrapObjects(registry, view, FACTS, virtualClock(clock.now_ms() + 3 * 24 * 3_600_000));
  expect(since()).toBe(begun);
  await registry.modify(ConfigMapKind, "kube-system", key.split("/")[2] ?? "", (map) => ({ ...map, data: { since: "once" } }));
  await ensureBootstrapObjects(registry, view, FACTS, clock);
  expect(since()).toBe(begun);
  await stop();
});

test("the service of the API has the port that can be had, also when that is another one than at the start before", async () => {
  const { registry, store, stop } = await startRegistry();
  const view = store.replica;
  const ports = (): unknown => view.get<Service>("services/default/kubernetes")?.spec.ports;
  await ensureBootstrapObjects(registry, view, FACTS, clock);
  expect(ports()).toEqual([{ name: "https", port: 443, protocol: "TCP", targetPort: 6443 }]);
  await ensureBootstrapObjects(registry, view, { ...FACTS, apiPort: 6443 }, clock);
  expect(ports()).toEqual([{ name: "https", port: 6443, protocol: "TCP", targetPort: 6443 }]);
  await stop();
});

test("the port of HTTPS is the API's, unless it is refused", async () => {
  const asked: unknown[] = [];
  const answer = (can: boolean) => (host: string, port: number) => {
    asked.push([host, port]);
    return Promise.resolve(can);
  };
  expect(await apiServicePort("127.96.0.1", answer(true))).toBe(443);
  expect(await apiServicePort("127.96.0.1", answer(false))).toBe(6443);
  expect(asked).toEqual(Array(2).fill(["127.96.0.1", 443]));
  // The address is none of this machine's: no right is missing.
  expect(await apiServicePort("192.0.2.1")).toBe(443);
});
