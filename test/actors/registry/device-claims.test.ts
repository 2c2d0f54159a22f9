/** Claims on devices at the door: whose devices they may want, and what they are charged for. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { ResourceQuotaKind } from "../../../actors/kinds/core/resource-quota.ts";
import type { Namespace, ResourceResourceClaim as ResourceClaim, ResourceQuota } from "../../../actors/kinds/generated/types.ts";
import { ResourceClaimKind } from "../../../actors/kinds/resource/resource-claim.ts";
import { usageOf } from "../../../actors/registry/admission/quota-usage.ts";
import type { TestRegistry } from "./harness.ts";
import { named, refusalOf, startRegistry } from "./harness.ts";

let t: TestRegistry;
beforeEach(async () => {
  t = await startRegistry();
});
afterEach(() => t.stop());

const claim = (name: string, namespace: string, ...requests: object[]): ResourceClaim =>
  named<ResourceClaim>(name, namespace, { spec: { devices: { requests } } });
const exactly = (more: object): object => ({ name: "r", exactly: { deviceClassName: "gpu", ...more } });
const LABEL = "resource.kubernetes.io/admin-access";
const WORDS = `Forbidden: admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`;
const requester = { user: "u", groups: [] };

test("devices that others use are for namespaces whose administrators say so", async () => {
  const watching = exactly({ adminAccess: true });
  const refused = await refusalOf(t.registry.create(ResourceClaimKind, claim("c", "d", watching)));
  expect(refused.message).toBe(`ResourceClaim.resource.k8s.io "c" is invalid: spec.devices.requests[0].adminAccess: ${WORDS}`);
  await t.registry.create(NamespaceKind, named<Namespace>("admins", undefined, { metadata: { labels: { [LABEL]: "true" } }, spec: {} }));
  await t.registry.create(ResourceClaimKind, claim("c", "admins", watching));
  await t.registry.create(ResourceClaimKind, claim("c", "d", exactly({})));
  const allocation = { devices: { results: [{ request: "r", driver: "x", pool: "p", device: "g", adminAccess: true }] } };
  const given = (namespace: string): Promise<unknown> =>
    t.registry.modify(ResourceClaimKind, namespace, "c", (current) => ({ ...current, status: { allocation } }), {
      subresource: "status",
      requester,
    });
  const status = await refusalOf(given("d"));
  expect(status.details?.causes).toEqual([
    { reason: "FieldValueForbidden", field: "status.allocation.devices.results[0].adminAccess", message: WORDS },
  ]);
  await given("admins");
});

test("claims are charged for the devices that they may come to", async () => {
  const wanted = claim("c", "d", exactly({ allocationMode: "ExactCount", count: 3 }), {
    name: "s",
    firstAvailable: [
      { name: "a", deviceClassName: "gpu", allocationMode: "ExactCount", count: 2 },
      { name: "b", deviceClassName: "tpu", allocationMode: "All" },
    ],
  });
  const usage = Object.entries(usageOf("resourceclaims.resource.k8s.io", wanted)).map(([name, { nano }]) => [
    name,
    Number(nano / 1_000_000_000n),
  ]);
  expect(Object.fromEntries(usage)).toEqual({
    "count/resourceclaims.resource.k8s.io": 1,
    "gpu.deviceclass.resource.k8s.io/devices": 5,
    "tpu.deviceclass.resource.k8s.io/devices": 32,
  });
  const hard = { "gpu.deviceclass.resource.k8s.io/devices": "2" };
  await t.registry.create(ResourceQuotaKind, named<ResourceQuota>("q", "d", { spec: { hard } }));
  await t.registry.modify(
    ResourceQuotaKind,
    "d",
    "q",
    (quota) => ({ ...quota, status: { hard, used: { [Object.keys(hard)[0] ?? ""]: "0" } } }),
    { subresource: "status" },
  );
  await t.registry.create(ResourceClaimKind, claim("two", "d", exactly({ count: 2 })));
  const refused = await refusalOf(t.registry.create(ResourceClaimKind, claim("more", "d", exactly({}))));
  expect(refused.message).toContain(
    "exceeded quota: q, requested: gpu.deviceclass.resource.k8s.io/devices=1, used: gpu.deviceclass.resource.k8s.io/devices=2",
  );
  const quota = t.store.replica.get<ResourceQuota>("resourcequotas/d/q");
  expect(quota?.status?.used).toEqual({ "gpu.deviceclass.resource.k8s.io/devices": "2" });
});
