import { beforeEach, expect, test } from "vitest";
import { notFound } from "../../../actors/kinds/errors.ts";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import { FollowedObjects } from "../../../cluster/kubelet/followed-objects.ts";
import { PodReferences } from "../../../cluster/kubelet/pod-references.ts";
import { seededRandom, silentLogger, virtualClock } from "../../../runtime/mod.ts";
import { list, object, ScriptedApi } from "./scripted-api.ts";

const CONFIG_MAPS = "/api/v1/namespaces/d/configmaps?fieldSelector=metadata.name%3D";
const CLAIM = "/api/v1/namespaces/d/persistentvolumeclaims/claim";

const clock = virtualClock();
let objects: FollowedObjects;
let api: ScriptedApi;
let references: PodReferences;
beforeEach(() => {
  objects = new FollowedObjects(silentLogger);
  api = new ScriptedApi();
  references = new PodReferences({ client: api, objects, clock, random: seededRandom(1), log: silentLogger });
});

/** A pod of this node, whose volumes show these. */
function pod(name: string, ...volumes: readonly object[]): Pod {
  const made = object(name, 1, { spec: { containers: [], volumes } });
  objects.put(`pods/d/${name}`, made);
  return made as unknown as Pod;
}
const page = { name: "page", configMap: { name: "page" } };
const claimed = { name: "data", persistentVolumeClaim: { claimName: "claim" } };

test("what several pods name is followed once, until the last of them is gone", async () => {
  api.answer(list(5, object("page", 4)));
  await references.bring(pod("a", page));
  await references.bring(pod("b", page));
  expect(api.asked).toEqual([`GET ${CONFIG_MAPS}page`, `WATCH ${CONFIG_MAPS}page 5`]);
  objects.remove("pods/d/a");
  expect(objects.entry("configmaps/d/page")?.revision).toBe(4);
  objects.remove("pods/d/b");
  expect(objects.entry("configmaps/d/page")).toBeUndefined();
});

test("a claim brings its volume, and is asked for again until it has one", async () => {
  api.answer(object("claim", 3, { spec: {}, status: { phase: "Pending" } }));
  await references.bring(pod("a", claimed));
  const volume = { metadata: { name: "pv", uid: "v", creationTimestamp: "", resourceVersion: "9" }, spec: {} };
  api.answer(object("claim", 8, { spec: { volumeName: "pv" }, status: { phase: "Bound" } }), volume);
  await references.bring(pod("a", claimed));
  await references.bring(pod("a", claimed));
  expect(api.asked).toEqual([`GET ${CLAIM}`, `GET ${CLAIM}`, "GET /api/v1/persistentvolumes/pv"]);
  expect(objects.entry("persistentvolumes/pv")?.revision).toBe(9);
});

test("claims on devices are asked for whenever containers are started", async () => {
  const made = object("a", 1, {
    spec: {
      containers: [],
      resourceClaims: [
        { name: "own", resourceClaimTemplateName: "t" },
        { name: "common", resourceClaimName: "common" },
      ],
    },
    status: { resourceClaimStatuses: [{ name: "own", resourceClaimName: "a-own-x" }] },
  });
  objects.put("pods/d/a", made);
  api.answer(object("a-own-x", 3, {}), object("common", 4, {}));
  await references.bring(made as unknown as Pod);
  const claims = "/apis/resource.k8s.io/v1/namespaces/d/resourceclaims";
  expect(api.asked).toEqual([`GET ${claims}/a-own-x`, `GET ${claims}/common`]);
  expect(objects.entry("resourceclaims.resource.k8s.io/d/common")?.revision).toBe(4);
});

test("a pod that is made anew under its name keeps nothing of the one before", async () => {
  api.answer(notFound({ group: "", plural: "persistentvolumeclaims" }, "claim"), list(5, object("page", 4)));
  await references.bring(pod("a", claimed, page));
  const next = object("a", 30, { spec: { containers: [] } });
  objects.put("pods/d/a", { ...next, metadata: { ...next.metadata, uid: "another" } });
  expect(objects.entry("configmaps/d/page")).toBeUndefined();
});

test("an API server that is away is waited for a moment, and not at all for what is there", async () => {
  api.answer(list(5, object("page", 4)));
  const known = pod("a", page);
  await references.bring(known);
  await references.bring(known);
  let brought = false;
  const waiting = references.bring(pod("b", { name: "new", configMap: { name: "new" } })).then(() => {
    brought = true;
  });
  await clock.run(9_000);
  expect(brought).toBe(false);
  await clock.run(2_000);
  await waiting;
  references.stop();
});
