import { beforeEach, expect, test } from "vitest";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { conflict, notFound } from "../../../actors/kinds/errors.ts";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import { createEventRecorder } from "../../../actors/registry/create-event-recorder.ts";
import { apiEvents } from "../../../cluster/kubelet/api-events.ts";
import { ApiWrites } from "../../../cluster/kubelet/api-writes.ts";
import { FollowedObjects } from "../../../cluster/kubelet/followed-objects.ts";
import { seededRandom, silentLogger, virtualClock } from "../../../runtime/mod.ts";
import { object, ScriptedApi } from "./scripted-api.ts";

const POD = "/api/v1/namespaces/d/pods/web";
const KEY = "pods/d/web";
const STATUS = { subresource: "status", fieldManager: "kubelet", unmanaged: true } as const;
const CONFLICT = conflict({ group: "", plural: "pods" }, "web");

let objects: FollowedObjects;
let api: ScriptedApi;
let writes: ApiWrites;
beforeEach(() => {
  objects = new FollowedObjects(silentLogger);
  api = new ScriptedApi();
  writes = new ApiWrites(api, objects);
});

const run = (pod: Pod): Pod => ({ ...pod, status: { ...pod.status, phase: "Running" } });

test("a change begins with what is known here, and its answer is seen at once", async () => {
  objects.put(KEY, object("web", 3, { status: { phase: "Pending" } }));
  api.answer(object("web", 4, { status: { phase: "Running" } }));
  const entry = await writes.modify(PodKind, "d", "web", run, STATUS);
  expect(entry).toMatchObject({ key: KEY, revision: 4 });
  expect(api.asked).toEqual([`PUT ${POD}/status?fieldManager=kubelet`]);
  expect(api.bodies).toMatchObject([{ metadata: { resourceVersion: "3" }, status: { phase: "Running" } }]);
  expect(objects.get<Pod>(KEY)?.status?.phase).toBe("Running");
});

test("where somebody else was quicker it begins again with what there is", async () => {
  objects.put(KEY, object("web", 3));
  api.answer(CONFLICT, object("web", 9), object("web", 10));
  await writes.modify(PodKind, "d", "web", run, STATUS);
  expect(api.asked).toEqual([`PUT ${POD}/status?fieldManager=kubelet`, `GET ${POD}`, `PUT ${POD}/status?fieldManager=kubelet`]);
  expect(api.bodies[2]).toMatchObject({ metadata: { resourceVersion: "9" } });
});

test("that is given up when it goes on, and what is not there is not found", async () => {
  for (let attempt = 0; attempt < 5; attempt++) api.answer(object("web", 3), CONFLICT);
  await expect(writes.modify(PodKind, "d", "web", run, STATUS)).rejects.toBe(CONFLICT);
  api.answer(notFound({ group: "", plural: "pods" }, "web"));
  await expect(writes.modify(PodKind, "d", "web", run, STATUS)).rejects.toMatchObject({ status: { code: 404 } });
});

test("an answer that comes late brings nothing back", async () => {
  objects.put(KEY, object("web", 3));
  const answered = Promise.withResolvers<object>();
  api.call = (() => answered.promise) as ScriptedApi["call"];
  const writing = writes.modify(PodKind, "d", "web", run, STATUS);
  objects.remove(KEY);
  answered.resolve(object("web", 4));
  await writing;
  expect(objects.entry(KEY)).toBeUndefined();
  objects.put(KEY, object("web", 8));
  objects.update(KEY, object("web", 5));
  expect(objects.entry(KEY)?.revision).toBe(8);
});

test("a pod is removed as it was, or not at all", async () => {
  api.answer(object("web", 5));
  const deleted = await writes.delete(PodKind, "d", "web", { gracePeriodSeconds: 0, preconditions: { uid: "u" } });
  expect(deleted.removed).toBe(true);
  expect([api.asked, api.bodies]).toEqual([[`DELETE ${POD}`], [{ gracePeriodSeconds: 0, preconditions: { uid: "u" } }]]);
});

test("Events go one by one; one whose namespace is gone is let go of, and a repetition counts up", async () => {
  const clock = virtualClock();
  const recorder = createEventRecorder({
    store: apiEvents(api),
    clock,
    random: seededRandom(1),
    source: { component: "kubelet", host: "one" },
  });
  const about = (name: string) => ({ kind: "Pod", apiVersion: "v1", metadata: object(name, 3).metadata });
  api.otherwise = () => object("e", 1);
  api.answer(notFound({ group: "", plural: "namespaces" }, "d"));
  recorder.event(about("gone"), "Normal", "Started", "first");
  recorder.event(about("web"), "Warning", "Failed", "second");
  await clock.run(1_000);
  recorder.event(about("web"), "Warning", "Failed", "second");
  await clock.run(1_000);
  const events = "/api/v1/namespaces/d/events";
  expect(api.asked.map((line) => line.replace(/web\..*/, "web"))).toEqual([`POST ${events}`, `POST ${events}`, `PUT ${events}/web`]);
  expect(api.bodies[2]).toMatchObject({ reason: "Failed", count: 2, source: { component: "kubelet", host: "one" } });
  expect(api.bodies[2]).not.toHaveProperty("metadata.uid");
  expect(recorder.dropped).toBe(1);
});
