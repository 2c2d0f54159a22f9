import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { MetricsSource } from "../../../actors/controllers/autoscaling/metrics-source.ts";
import { APIServiceKind } from "../../../actors/kinds/apiregistration/api-service.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ServiceKind } from "../../../actors/kinds/core/service.ts";
import type { APIService, Pod, Service } from "../../../actors/kinds/generated/types.ts";
import { KindTable } from "../../../actors/kinds/kinds.ts";
import type { UsageReader } from "../../../actors/node/usage/usage-reader.ts";
import { RemoteCaller } from "../../../cluster/aggregation/remote-caller.ts";
import { RemoteServices } from "../../../cluster/aggregation/remote-services.ts";
import { Dialer } from "../../../cluster/outbound/dialer.ts";
import { OwnAddresses } from "../../../cluster/outbound/own-address.ts";
import { autoscalerMetrics } from "../../../cluster/resource-metrics/autoscaler-metrics.ts";
import { systemRandom } from "../../../runtime/mod.ts";
import { named, startRegistry, type TestRegistry } from "../../actors/registry/harness.ts";
import { type Authority, makeAuthority } from "../gateway/certificates.ts";
import { MetricsServer } from "./metrics-server.ts";

const HOST = "metrics.d.svc";
const AT = "2026-01-01T00:00:00Z";

let t: TestRegistry;
let authority: Authority;
let server: MetricsServer;
let dialer: Dialer;
let services: RemoteServices;
let source: MetricsSource;
/** Of a cluster that plays no nodes. */
let nodeless: MetricsSource;

beforeAll(async () => {
  t = await startRegistry();
  const front = await makeAuthority("front-proxy");
  authority = await makeAuthority("extension-ca");
  server = await MetricsServer.start(authority, HOST, front.cert);
  const own = await authority.server();
  dialer = new Dialer(new OwnAddresses({ ports: new Set(), certificate: own.cert }));
  const view = t.store.replica;
  services = new RemoteServices(view, () => false);
  const frontProxy = await front.client("front-proxy-client", []);
  const caller = new RemoteCaller({ view, random: systemRandom(), dialer, frontProxy: () => frontProxy });
  const usage = {
    pods: async (entries: Parameters<UsageReader["pods"]>[0]) =>
      new Map(
        entries.map(({ key }) => [key, { key, at_ms: 5_000, containers: [{ name: "c", cpu_nanocores: 1_500_001, memory_bytes: 7 }] }]),
      ),
  } as unknown as UsageReader;
  const options = { view, kinds: new KindTable(), services, caller };
  source = autoscalerMetrics({ ...options, usage });
  nodeless = autoscalerMetrics({ ...options, usage: undefined });
  const external = { type: "ExternalName", externalName: "localhost" };
  await t.registry.create(ServiceKind, named<Service>("metrics", "d", { spec: external }));
  for (const app of ["web", "dns"]) {
    const spec = { containers: [{ name: "c", image: "i" }] };
    await t.registry.create(PodKind, named<Pod>(app, "d", { metadata: { labels: { app } }, spec }));
  }
});
afterAll(async () => {
  services.cancel();
  await dialer.close();
  await server.stop();
  await t.stop();
});
beforeEach(() => {
  server.asked.length = 0;
  server.answers.clear();
});

const DECIDED: string[] = [];

/** Has the server behind this group and version, available or not. */
async function name(group: string, version: string, status = "True"): Promise<void> {
  const object = `${version}.${group}`;
  const spec = {
    ...{ group, version, groupPriorityMinimum: 1, versionPriority: 1 },
    caBundle: Buffer.from(authority.cert).toString("base64"),
    service: { namespace: "d", name: "metrics", port: server.port },
  };
  await t.registry.create(APIServiceKind, named<APIService>(object, undefined, { spec }));
  const available = (current: APIService) => ({ ...current, status: { conditions: [{ type: "Available", status }] } });
  await t.registry.modify(APIServiceKind, undefined, object, available, { subresource: "status" });
  DECIDED.push(object);
}

async function forget(): Promise<void> {
  for (const object of DECIDED.splice(0)) await t.registry.delete(APIServiceKind as never, undefined, object);
}

const metricOf = (name: string, value: string) => ({ describedObject: { kind: "Pod", namespace: "d", name }, timestamp: AT, value });

describe("usage", () => {
  test("is the nodes' where nobody else is named", async () => {
    expect(await source.usage("d", "app=web")).toEqual([
      { name: "web", at_ms: 5_000, window_ms: 15_000, containers: [{ name: "c", usage_milli: { cpu: 2, memory: 7_000 } }] },
    ]);
    expect(await source.usage("other", "app=web")).toEqual([]);
    const why = "the server could not find the requested resource (get pods.metrics.k8s.io)";
    await expect(nodeless.usage("d", "app=web")).rejects.toThrow(why);
  });

  test("is that of a metrics-server as soon as one is named", async () => {
    await name("metrics.k8s.io", "v1beta1");
    const containers = [{ name: "c", usage: { cpu: "250m", memory: "1Ki" } }];
    const items = [{ metadata: { name: "web", namespace: "d" }, timestamp: AT, window: "10.5s", containers }];
    server.answers.set("/apis/metrics.k8s.io/v1beta1/namespaces/d/pods?labelSelector=app in (web,dns)", { items });
    expect(await source.usage("d", "app in (web,dns)")).toEqual([
      { name: "web", at_ms: Date.parse(AT), window_ms: 10_500, containers: [{ name: "c", usage_milli: { cpu: 250, memory: 1_024_000 } }] },
    ]);
    expect(server.asked[0]?.user).toBe("system:serviceaccount:kube-system:horizontal-pod-autoscaler");
    await expect(source.usage("d", "x=y")).rejects.toThrow(
      "there is nothing at /apis/metrics.k8s.io/v1beta1/namespaces/d/pods?labelSelector=x=y",
    );
    await forget();
    expect((await source.usage("d", "app=web"))[0]?.at_ms).toBe(5_000);
  });

  test("is nobody's as long as the one that is named is not there", async () => {
    await name("metrics.k8s.io", "v1beta1", "False");
    const why = "the server is currently unable to handle the request (get pods.metrics.k8s.io)";
    await expect(source.usage("d", "app=web")).rejects.toThrow(why);
    await forget();
  });
});

describe("custom metrics", () => {
  test("are nobody's at first", async () => {
    const why = "no custom metrics API (custom.metrics.k8s.io) registered";
    await expect(source.ofPods("d", "app=web", "qps", "")).rejects.toThrow(why);
  });

  test("come from the newer version", async () => {
    await name("custom.metrics.k8s.io", "v1beta1");
    server.answers.set("/apis/custom.metrics.k8s.io/v1beta1/namespaces/d/pods/*/qps?labelSelector=app=web", {
      items: [metricOf("web", "1")],
    });
    expect(await source.ofPods("d", "app=web", "qps", "")).toEqual([{ name: "web", value_milli: 1_000 }]);
    await name("custom.metrics.k8s.io", "v1beta2");
    const path = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/d/pods/*/qps?labelSelector=app=web&metricLabelSelector=verb=GET";
    server.answers.set(path, { items: [metricOf("web", "2500m"), metricOf("dns", "3")] });
    expect(await source.ofPods("d", "app=web", "qps", "verb=GET")).toEqual([
      { name: "web", value_milli: 2_500 },
      { name: "dns", value_milli: 3_000 },
    ]);
  });

  test.each([
    [{ apiVersion: "v1", kind: "Service", name: "front" }, "services/front"],
    [{ apiVersion: "networking.k8s.io/v1", kind: "Ingress", name: "front" }, "ingresses.networking.k8s.io/front"],
    [{ apiVersion: "v1", kind: "Namespace", name: "ignored" }, "metrics"],
  ])("of an object: %o", async (object, where) => {
    server.answers.set(`/apis/custom.metrics.k8s.io/v1beta2/namespaces/d/${where}/hits`, { items: [metricOf("front", "7k")] });
    expect(await source.ofObject("d", object, "hits", "")).toEqual({ name: "front", value_milli: 7_000_000 });
  });

  test("of an object of a kind that nobody knows, and of none or of two", async () => {
    const object = (kind: string) => ({ apiVersion: "v1", kind, name: "front" });
    await expect(source.ofObject("d", object("Thing"), "hits", "")).rejects.toThrow('no matches for kind "Thing" in group ""');
    server.answers.set("/apis/custom.metrics.k8s.io/v1beta2/namespaces/d/services/front/hits", { items: [] });
    const why = (count: number) => `the custom metrics API server returned ${count} results when we asked for exactly one`;
    await expect(source.ofObject("d", object("Service"), "hits", "")).rejects.toThrow(why(0));
    const items = [metricOf("a", "1"), metricOf("b", "1")];
    server.answers.set("/apis/custom.metrics.k8s.io/v1beta2/namespaces/d/services/front/hits", { items });
    await expect(source.ofObject("d", object("Service"), "hits", "")).rejects.toThrow(why(2));
  });
});

test("external metrics", async () => {
  const why = "the server could not find the requested resource (get queue.external.metrics.k8s.io)";
  await expect(source.external("d", "queue", "")).rejects.toThrow(why);
  await name("external.metrics.k8s.io", "v1beta1");
  const items = ["30", "500m"].map((value) => ({ metricName: "queue", timestamp: AT, value }));
  server.answers.set("/apis/external.metrics.k8s.io/v1beta1/namespaces/d/queue?labelSelector=of=mail", { items });
  expect(await source.external("d", "queue", "of=mail")).toEqual([30_000, 500]);
});
