import { afterEach, beforeEach, expect, test } from "vitest";
import { DeploymentKind } from "../../../actors/kinds/apps/deployment.ts";
import type { Deployment, Scale } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import type { TestRegistry } from "./harness.ts";
import { named, objectOf, refusalOf, startRegistry } from "./harness.ts";

const KIND = DeploymentKind as unknown as Kind;

let t: TestRegistry;
let created: Deployment;
beforeEach(async () => {
  t = await startRegistry();
  const spec = {
    selector: { matchLabels: { tier: "a", app: "x" } },
    template: { metadata: { labels: { app: "x", tier: "a" } }, spec: { containers: [{ name: "c", image: "nginx" }] } },
  };
  created = objectOf<Deployment>(await t.registry.create(DeploymentKind, named<Deployment>("g", "d", { spec })));
});
afterEach(() => t.stop());

const deployment = (): Deployment | undefined => t.store.replica.get<Deployment>("deployments.apps/d/g");

test("a Scale says who, how many, and which pods", async () => {
  await t.registry.modify(DeploymentKind, "d", "g", (d) => ({ ...d, status: { ...d.status, replicas: 2 } }), { subresource: "status" });
  const { name, namespace, uid, creationTimestamp } = created.metadata;
  expect(await t.registry.getScale(KIND, "d", "g")).toEqual({
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, creationTimestamp, resourceVersion: deployment()?.metadata.resourceVersion },
    spec: { replicas: 1 },
    status: { replicas: 2, selector: "app=x,tier=a" },
  });
});

test("a new Scale changes replicas alone, and counts as a change", async () => {
  const scale = await t.registry.getScale(KIND, "d", "g");
  const answer = await t.registry.updateScale(KIND, { ...scale, spec: { replicas: 7 } });
  expect(answer).toMatchObject({ spec: { replicas: 7 }, metadata: { resourceVersion: deployment()?.metadata.resourceVersion } });
  expect(deployment()).toMatchObject({ metadata: { generation: 2 }, spec: { ...created.spec, replicas: 7 } });
  expect(await refusalOf(t.registry.updateScale(KIND, { ...scale, spec: { replicas: 8 } }))).toMatchObject({
    code: 409,
    message:
      'Operation cannot be fulfilled on deployments.apps "g": the object has been modified; please apply your changes to the latest version and try again',
  });
});

test("down to nothing", async () => {
  const scale: Scale = named<Scale>("g", "d", { spec: {} });
  expect(await t.registry.updateScale(KIND, scale)).toMatchObject({ spec: {}, status: { replicas: 0 } });
  expect(deployment()?.spec.replicas).toBe(0);
});

test.each([
  ["g", -1, 422, 'Scale.autoscaling "g" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
  ["nope", 1, 404, 'deployments.apps "nope" not found'],
])("%s to %d is refused", async (name, replicas, code, message) => {
  expect(await refusalOf(t.registry.updateScale(KIND, named<Scale>(name, "d", { spec: { replicas } })))).toMatchObject({ code, message });
});
