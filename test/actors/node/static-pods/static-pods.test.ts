import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { Node, Pod, PodSpec } from "../../../../actors/kinds/generated/types.ts";
import { HOLLOW_FORM } from "../../../../actors/node/hollow/hollow-form.ts";
import { Lived } from "../../pod/life/lived.ts";

const KEY = "pods/d/web-node-0";
const MIRROR = "kubernetes.io/config.mirror";

let lived: Lived;
beforeEach(async () => {
  lived = await Lived.begin();
});
afterEach(() => lived.stop());

const file = (name = "web.yaml"): string => join(lived.manifests, name);
const write = (image: string, name?: string, spec: Partial<PodSpec> = {}): void =>
  writeFileSync(
    file(name),
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: spec.hostNetwork === true ? "host" : "web", namespace: "d" },
      spec: { containers: [{ name: "c", image }], terminationGracePeriodSeconds: 5, ...spec },
    }),
  );
const mirror = (): Pod | undefined => lived.store.replica.get<Pod>(KEY);
const imageRun = (): string | undefined => mirror()?.status?.containerStatuses?.find(({ state }) => state?.running !== undefined)?.image;
/** Files are read in their own time. */
const until = (isSo: () => void): Promise<void> =>
  vi.waitFor(async () => {
    await lived.clock.run(500);
    isSo();
  });

test("what lies there runs, and the API shows it as its node's own", async () => {
  write("a");
  await until(() => expect(imageRun()).toBe("a"));
  const { metadata, spec, status } = mirror() ?? expect.fail("no mirror");
  const node = lived.store.replica.get<Node>("nodes/node-0");
  expect(metadata.ownerReferences).toEqual([{ apiVersion: "v1", kind: "Node", name: "node-0", uid: node?.metadata.uid, controller: true }]);
  expect(metadata.annotations?.[MIRROR]).toBe(metadata.annotations?.["kubernetes.io/config.hash"]);
  expect(metadata.annotations?.["kubernetes.io/config.source"]).toBe("file");
  // It is not given what comes with a service account.
  expect([spec.serviceAccountName, spec.volumes]).toEqual([undefined, undefined]);
  expect([status?.phase, status?.podIP]).toEqual(["Running", expect.stringMatching(/^10\./)]);
});

test("a mirror that somebody deletes comes back, and what runs goes on", async () => {
  write("a");
  await until(() => expect(imageRun()).toBe("a"));
  const { uid } = mirror()?.metadata ?? {};
  await lived.during(() => lived.registry.delete(PodKind, "d", "web-node-0"));
  await until(() => expect(mirror()?.metadata.uid).not.toBe(uid));
  await until(() => expect(imageRun()).toBe("a"));
  expect(lived.runtime.did).toEqual(["sandbox", "start c-0"]);
  expect(mirror()?.metadata.deletionTimestamp).toBeUndefined();
});

test("another content takes the place of the one before when that has ended; without the file there is neither", async () => {
  write("a");
  await until(() => expect(imageRun()).toBe("a"));
  const before = mirror()?.metadata.annotations?.[MIRROR];
  write("b");
  await until(() => expect(imageRun()).toBe("b"));
  expect(mirror()?.metadata.annotations?.[MIRROR]).not.toBe(before);
  expect(lived.runtime.did).toEqual(["sandbox", "start c-0", "stop c-0 5s", "stop sandbox", "remove pod", "sandbox", "start c-0"]);
  rmSync(file());
  await until(() => expect(mirror()).toBeUndefined());
  expect(lived.runtime.did.slice(-3)).toEqual(["stop c-0 5s", "stop sandbox", "remove pod"]);
});

test("it does not wait for the API, which shows it when it can", async () => {
  lived.isCutOff = true;
  write("a");
  await until(() => expect(lived.runtime.did).toEqual(["sandbox", "start c-0"]));
  expect(mirror()).toBeUndefined();
  lived.isCutOff = false;
  await until(() => expect(imageRun()).toBe("a"));
  expect(lived.runtime.did).toEqual(["sandbox", "start c-0"]);
});

test("on a node that has no range of addresses yet it waits until there is one, and who has the node's own address does not", async () => {
  lived.stop();
  lived = await Lived.begin({ addresses: { ...HOLLOW_FORM.addresses, podCidrOf: () => undefined } });
  write("a");
  write("a", "host.yaml", { hostNetwork: true });
  await until(() => expect(lived.runtime.did).toEqual(["sandbox", "start c-0"]));
  await until(() => expect(mirror()).toBeDefined());
  await lived.clock.run(5_000);
  expect(lived.runtime.did).toEqual(["sandbox", "start c-0"]);
  await lived.during(() =>
    lived.registry.modify<Node>(NodeKind, undefined, "node-0", (node) => ({ ...node, spec: { ...node.spec, podCIDR: "10.9.8.0/24" } })),
  );
  await until(() => expect([imageRun(), mirror()?.status?.podIP]).toEqual(["a", expect.stringMatching(/^10\.9\.8\./)]));
});

test("a file that is none is told of, once, and the others go on", async () => {
  writeFileSync(file("bad.yaml"), "kind: Pod");
  write("a");
  await until(() => expect(imageRun()).toBe("a"));
  expect(lived.events("InvalidStaticPod")).toEqual([expect.stringMatching(/^Could not process manifest file ".*bad\.yaml": /)]);
});

test("a mirror of nothing is removed", async () => {
  const pod = {
    metadata: { name: "gone-node-0", namespace: "d", uid: "", creationTimestamp: "", annotations: { [MIRROR]: "abc" } },
    spec: { nodeName: "node-0", containers: [{ name: "c", image: "i" }] },
  };
  await lived.during(() => lived.registry.create(PodKind, pod as unknown as Pod));
  await until(() => expect(lived.store.replica.get("pods/d/gone-node-0")).toBeUndefined());
  expect(lived.runtime.did).toEqual([]);
});
