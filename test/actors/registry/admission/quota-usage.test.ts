import { expect, test } from "vitest";
import { formatQuantity } from "../../../../actors/kinds/machinery/quantity.ts";
import type { KubeObject } from "../../../../actors/kinds/object.ts";
import { usageOf } from "../../../../actors/registry/admission/quota-usage.ts";

const counted = (resource: string, object: object): object =>
  Object.fromEntries(
    Object.entries(usageOf(resource, { metadata: {}, ...object } as KubeObject))
      .filter(([name]) => name !== resource && name !== `count/${resource}`)
      .map(([name, amount]) => [name, formatQuantity(amount)]),
  );

const ports = [{ port: 1, nodePort: 30_000 }, { port: 2 }];

test.each<[string, object, object]>([
  ["a service inside", { ports }, {}],
  ["a service at nodes", { type: "NodePort", ports }, { "services.nodeports": "2" }],
  ["a balanced service", { type: "LoadBalancer", ports }, { "services.loadbalancers": "1", "services.nodeports": "2" }],
  [
    "one that gets no ports but those that it asks for",
    { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, ports },
    { "services.loadbalancers": "1", "services.nodeports": "1" },
  ],
])("%s counts for its ports at nodes", (_what, spec, usage) => {
  expect(counted("services", { spec })).toEqual(usage);
});

const claim = (storage: string, more: object = {}): object => ({ spec: { resources: { requests: { storage } } }, ...more });

test.each<[string, object, object]>([
  ["what it asks for", claim("1Gi"), { "requests.storage": "1Gi" }],
  ["whole bytes", claim("1500m"), { "requests.storage": "2" }],
  [
    "what it is being given, where that is more",
    claim("1Gi", { status: { allocatedResources: { storage: "2Gi" } } }),
    { "requests.storage": "2Gi" },
  ],
  ["no less than it asks for", claim("2Gi", { status: { allocatedResources: { storage: "1Gi" } } }), { "requests.storage": "2Gi" }],
  [
    "and for its class, by the annotation of old first",
    claim("1Gi", { metadata: { annotations: { "volume.beta.kubernetes.io/storage-class": "gold" } } }),
    {
      "requests.storage": "1Gi",
      "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
      "gold.storageclass.storage.k8s.io/requests.storage": "1Gi",
    },
  ],
])("a claim counts for %s", (_what, object, usage) => {
  expect(counted("persistentvolumeclaims", object)).toEqual(usage);
});

test("a pod counts for devices of others, and for none of Kubernetes' own names", () => {
  const requests = { "example.com/gpu": "2", "x.kubernetes.io/y": "1" };
  expect(counted("pods", { spec: { containers: [{ name: "c", resources: { requests } }] } })).toEqual({ "requests.example.com/gpu": "2" });
});
