import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeploymentKind } from "../../../actors/kinds/apps/deployment.ts";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { ConfigMap, Deployment, Pod } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import type { Patch } from "../../../actors/registry/registry.ts";
import type { TestRegistry } from "./harness.ts";
import { configMap, named, objectOf, refusalOf, startRegistry } from "./harness.ts";

let t: TestRegistry;
beforeEach(async () => {
  t = await startRegistry();
  await t.registry.create(ConfigMapKind, configMap("j", { a: "1", b: "2" }));
});
afterEach(() => t.stop());

const patch = (change: Patch, name = "j"): Promise<ConfigMap> =>
  t.registry.patch(ConfigMapKind, "d", name, change).then((entry) => objectOf<ConfigMap>(entry));
const json = (...body: object[]): Patch => ({ type: "json", body });
const merge = (body: object): Patch => ({ type: "merge", body });

/** As Kubernetes 1.34.9 answered. */
describe("a patch", () => {
  test("of operations", async () => {
    const patched = await patch(
      json(
        { op: "replace", path: "/data/a", value: "9" },
        { op: "remove", path: "/data/b" },
        { op: "add", path: "/metadata/labels", value: { x: "y" } },
      ),
    );
    expect(patched).toMatchObject({ data: { a: "9" }, metadata: { labels: { x: "y" } } });
    expect(patched.data).toEqual({ a: "9" });
  });

  test("to be merged", async () => {
    expect((await patch(merge({ data: { a: null, c: "3" } }))).data).toEqual({ b: "2", c: "3" });
  });

  test("that changes nothing keeps the revision", async () => {
    const before = t.store.replica.entry("configmaps/d/j");
    expect(await t.registry.patch(ConfigMapKind, "d", "j", merge({ data: { a: "1" } }))).toEqual(before);
  });

  test("dry answers and leaves everything", async () => {
    const before = t.store.replica.entry("configmaps/d/j");
    const dry = await t.registry.patch(ConfigMapKind, "d", "j", merge({ data: { a: "2" } }), { dryRun: true });
    expect(objectOf<ConfigMap>(dry).data).toEqual({ a: "2", b: "2" });
    expect(t.store.replica.entry("configmaps/d/j")).toEqual(before);
  });

  test.each<[string, Patch, string, number, string]>([
    [
      "a test that fails",
      json({ op: "test", path: "/data/a", value: "2" }),
      "j",
      422,
      "the server rejected our request due to an error in our request",
    ],
    [
      "nothing to remove",
      json({ op: "remove", path: "/data/zzz" }),
      "j",
      422,
      "the server rejected our request due to an error in our request",
    ],
    ["nothing to patch", json(), "absent", 404, 'configmaps "absent" not found'],
    [
      "another name",
      merge({ metadata: { name: "other" } }),
      "j",
      400,
      "the name of the object (other) does not match the name on the URL (j)",
    ],
    [
      "another namespace",
      merge({ metadata: { namespace: "x" } }),
      "j",
      400,
      "the namespace of the provided object does not match the namespace sent on the request",
    ],
    [
      "an old revision",
      merge({ metadata: { resourceVersion: "1" } }),
      "j",
      409,
      'Operation cannot be fulfilled on configmaps "j": the object has been modified; please apply your changes to the latest version and try again',
    ],
  ])("is refused: %s", async (_what, change, name, code, message) => {
    expect(await refusalOf(patch(change, name))).toMatchObject({ code, message });
  });

  test("many at once all take effect", async () => {
    await Promise.all(Array.from({ length: 12 }, (_, i) => patch(merge({ data: { [`k${i}`]: String(i) } }))));
    expect(Object.keys(t.store.replica.get<ConfigMap>("configmaps/d/j")?.data ?? {}).length).toBe(14);
  });
});

describe("a workload", () => {
  beforeEach(async () => {
    const containers = [
      { name: "c", image: "a", env: [{ name: "A", value: "1" }], ports: [{ containerPort: 80 }] },
      { name: "d", image: "b" },
    ];
    const spec = { selector: { matchLabels: { app: "x" } }, template: { metadata: { labels: { app: "x" } }, spec: { containers } } };
    await t.registry.create(DeploymentKind, named<Deployment>("s", "d", { spec }));
  });

  const strategic = async (containers: object[]): Promise<Deployment> =>
    objectOf<Deployment>(
      await t.registry.patch(DeploymentKind, "d", "s", { type: "strategic", body: { spec: { template: { spec: { containers } } } } }),
    );

  test("merges its containers by name, and counts the change", async () => {
    const { metadata, spec } = await strategic([{ name: "c", image: "z", env: [{ name: "B", value: "2" }] }]);
    expect(metadata.generation).toBe(2);
    expect(spec.template.spec?.containers).toMatchObject([
      {
        name: "c",
        image: "z",
        env: [
          { name: "B", value: "2" },
          { name: "A", value: "1" },
        ],
        ports: [{ containerPort: 80, protocol: "TCP" }],
      },
      { name: "d", image: "b" },
    ]);
    expect((await strategic([{ name: "d", $patch: "delete" }])).spec.template.spec?.containers.map(({ name }) => name)).toEqual(["c"]);
  });

  test("is scaled by a patch of its Scale", async () => {
    const scale = await t.registry.patchScale(DeploymentKind as unknown as Kind, "d", "s", merge({ spec: { replicas: 7 } }));
    expect(scale).toMatchObject({ kind: "Scale", spec: { replicas: 7 }, status: { replicas: 0, selector: "app=x" } });
    expect(t.store.replica.get<Deployment>("deployments.apps/d/s")).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 7 } });
  });

  test("gets its status by a patch of the status, and nothing else", async () => {
    const body = { spec: { replicas: 9 }, status: { replicas: 2 } };
    const entry = await t.registry.patch(DeploymentKind, "d", "s", merge(body), { subresource: "status" });
    expect(objectOf<Deployment>(entry)).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 1 }, status: { replicas: 2 } });
  });

  test("that may not be changed so is refused with all that is wrong", async () => {
    const change = merge({ spec: { selector: { matchLabels: { app: "z" } } } });
    expect(await refusalOf(t.registry.patch(DeploymentKind, "d", "s", change))).toMatchObject({
      code: 422,
      message:
        'Deployment.apps "s" is invalid: [spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`, spec.selector: Invalid value: {"matchLabels":{"app":"z"}}: field is immutable]',
    });
  });
});

test("a pod's image counts as a change of it", async () => {
  await t.registry.create(PodKind, named<Pod>("p", "d", { spec: { containers: [{ name: "c", image: "nginx" }] } }));
  const body = { spec: { containers: [{ name: "c", image: "other" }] } };
  const patched = objectOf<Pod>(await t.registry.patch(PodKind, "d", "p", { type: "strategic", body }));
  expect([patched.metadata.generation, patched.spec.containers[0]?.image]).toEqual([2, "other"]);
});
