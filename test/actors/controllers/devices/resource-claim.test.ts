import { expect, test } from "vitest";
import { resourceClaimController } from "../../../../actors/controllers/devices/resource-claim.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { ResourceResourceClaim as ResourceClaim } from "../../../../actors/kinds/generated/types.ts";
import { ResourceClaimKind } from "../../../../actors/kinds/resource/resource-claim.ts";
import { ResourceClaimTemplateKind } from "../../../../actors/kinds/resource/resource-claim-template.ts";
import { Transcript } from "../transcript.ts";

const SPEC = { devices: { requests: [{ name: "r", exactly: { deviceClassName: "c", allocationMode: "ExactCount", count: 1 } }] } };
const TEMPLATE = { metadata: { name: "t" }, spec: { metadata: { labels: { a: "b" } }, spec: SPEC } };
const FROM_TEMPLATE = [{ name: "gpu", resourceClaimTemplateName: "t" }];
const ALLOCATION = { devices: { results: [{ request: "r", driver: "d", pool: "p", device: "g" }] } };
const FINALIZER = "resource.kubernetes.io/delete-protection";

const pod = (more: { metadata?: object; spec?: object; status?: object } = {}): object => ({
  metadata: { name: "p", ...more.metadata },
  spec: { containers: [], resourceClaims: FROM_TEMPLATE, ...more.spec },
  status: { phase: "Pending", ...more.status },
});
const owner = (uid = "uid-p") => ({ apiVersion: "v1", kind: "Pod", name: "p", uid, controller: true, blockOwnerDeletion: true });
/** One that was made for the pod. */
const made = (status: object = {}, metadata: object = {}): object => ({
  metadata: { name: "p-gpu-abc", annotations: { "resource.kubernetes.io/pod-claim-name": "gpu" }, ownerReferences: [owner()], ...metadata },
  spec: SPEC,
  status,
});
const TOLD = { resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "p-gpu-abc" }] };
const reservedFor = (...uids: string[]): object[] => uids.map((uid) => ({ resource: "pods", name: uid.replace("uid-", ""), uid }));
const start = (): Transcript => new Transcript(resourceClaimController);

test("a pod gets a claim of its own from a template, and is told its name", () => {
  const transcript = start().put(ResourceClaimTemplateKind, TEMPLATE).put(PodKind, pod());
  const [creation] = transcript.actions("pods/d/p");
  const metadata = { generateName: "p-gpu-", namespace: "d", labels: { a: "b" }, ownerReferences: [owner()] };
  expect(creation).toMatchObject({ do: "create", object: { metadata, spec: SPEC } });
  expect(transcript.decide()).toEqual(["create ResourceClaim/p-gpu-*", "requeue 0"]);
  expect(transcript.put(ResourceClaimKind, made()).look("pods/d/p")).toEqual([`modify Pod/p ${JSON.stringify({ status: TOLD })}`]);
  expect(transcript.put(PodKind, pod({ status: TOLD })).decide()).toEqual([]);
});

test("long names share what room there is", () => {
  const long = pod({
    metadata: { name: "p".repeat(60) },
    spec: { resourceClaims: [{ name: "g".repeat(30), resourceClaimTemplateName: "t" }] },
  });
  const [creation] = start()
    .put(ResourceClaimTemplateKind, TEMPLATE)
    .put(PodKind, long)
    .actions(`pods/d/${"p".repeat(60)}`);
  expect(creation).toMatchObject({ object: { metadata: { generateName: `${"p".repeat(37)}-${"g".repeat(18)}` } } });
});

test("a template that is missing is waited for, and the pod hears of it", () => {
  const transcript = start().put(PodKind, pod());
  expect(transcript.decide()).toEqual([
    'event Warning FailedResourceClaimCreation Pod/p: PodResourceClaim gpu: resource claim template "t": resourceclaimtemplate.resource.k8s.io "t" not found',
  ]);
  expect(transcript.put(ResourceClaimTemplateKind, TEMPLATE).decide()).toEqual(["create ResourceClaim/p-gpu-*", "requeue 0"]);
});

test("one that is gone, or another's by now, is made again; none for pods that go, that name theirs, or that need none", () => {
  const told = start()
    .put(ResourceClaimTemplateKind, TEMPLATE)
    .put(PodKind, pod({ status: TOLD }));
  expect(told.decide()).toEqual(["create ResourceClaim/p-gpu-*", "requeue 0"]);
  expect(told.put(ResourceClaimKind, made({}, { ownerReferences: [owner("other")] })).look("pods/d/p")).toEqual([
    "create ResourceClaim/p-gpu-*",
    "requeue 0",
  ]);
  const going = pod({ metadata: { deletionTimestamp: "2026-01-01T12:00:00Z" } });
  const named = pod({ metadata: { name: "q" }, spec: { resourceClaims: [{ name: "gpu", resourceClaimName: "shared" }] } });
  const unneeded = pod({ metadata: { name: "r" }, status: { resourceClaimStatuses: [{ name: "gpu" }] } });
  const plain = pod({ metadata: { name: "s" }, spec: { resourceClaims: undefined } });
  const others = start().put(ResourceClaimTemplateKind, TEMPLATE);
  for (const one of [going, named, unneeded, plain]) others.put(PodKind, one);
  expect(others.decide()).toEqual([]);
});

test("a pod that was placed by others uses what is allocated", () => {
  const placed = pod({ spec: { nodeName: "n", resourceClaims: [{ name: "gpu", resourceClaimName: "shared" }] } });
  const shared = (status: object): object => ({ metadata: { name: "shared" }, spec: SPEC, status });
  const transcript = start()
    .put(PodKind, placed)
    .put(ResourceClaimKind, shared({ allocation: ALLOCATION }));
  expect(transcript.decide()).toEqual([
    `modify ResourceClaim/shared ${JSON.stringify({ status: { reservedFor: [{ resource: "pods", name: "p", uid: "uid-p" }] } })}`,
  ]);
  expect(transcript.put(ResourceClaimKind, shared({})).decide()).toEqual([]);
});

test("who runs no more uses no claim, and its devices go with the last", () => {
  const running = { name: "a", uid: "uid-a" };
  const using = (name: string, phase: string): object => ({
    metadata: { name },
    spec: { nodeName: "n", containers: [], resourceClaims: [{ name: "gpu", resourceClaimName: "shared" }] },
    status: { phase },
  });
  const shared = (...uids: string[]): object => ({
    metadata: { name: "shared", finalizers: [FINALIZER] },
    spec: SPEC,
    status: { allocation: ALLOCATION, reservedFor: reservedFor(...uids) },
  });
  const transcript = start()
    .put(PodKind, using("a", "Running"))
    .put(PodKind, using("b", "Succeeded"))
    .put(ResourceClaimKind, shared("uid-a", "uid-b"));
  const kept = [{ resource: "pods", ...running }];
  expect(transcript.decide()).toEqual([`modify ResourceClaim/shared ${JSON.stringify({ status: { reservedFor: kept } })}`]);
  transcript.put(ResourceClaimKind, shared("uid-a")).decide();
  expect(transcript.remove(PodKind, "a").decide()).toEqual([
    `1: modify ResourceClaim/shared ${JSON.stringify({ status: { allocation: null, reservedFor: null } })}`,
    "2: modify ResourceClaim/shared {}",
  ]);
});

test("one that is deleted gives up its devices and goes when nobody uses it", () => {
  const going = { metadata: { name: "shared", finalizers: [FINALIZER], deletionTimestamp: "2026-01-01T12:00:00Z" }, spec: SPEC };
  const transcript = start().put(ResourceClaimKind, { ...going, status: { allocation: ALLOCATION } });
  expect(transcript.decide()).toEqual([
    `1: modify ResourceClaim/shared ${JSON.stringify({ status: { allocation: null } })}`,
    "2: modify ResourceClaim/shared {}",
  ]);
  expect(transcript.put(ResourceClaimKind, { ...going, status: {} }).decide()).toEqual([
    `modify ResourceClaim/shared ${JSON.stringify({ metadata: { finalizers: [] } })}`,
  ]);
  const used = { ...going, status: { allocation: ALLOCATION, reservedFor: reservedFor("uid-p") } };
  expect(
    start()
      .put(PodKind, pod({ spec: { nodeName: "n" }, status: TOLD }))
      .put(ResourceClaimKind, used)
      .look("resourceclaims.resource.k8s.io/d/shared"),
  ).toEqual([]);
});

test("claims that were made for a pod go when it is over, or another pod has its name", () => {
  const over = start().put(PodKind, pod({ spec: { nodeName: "n" }, status: { phase: "Failed", ...TOLD } }));
  expect(over.put(ResourceClaimKind, made()).decide()).toEqual(["delete ResourceClaim/p-gpu-abc"]);
  const another = start().put(PodKind, pod({ metadata: { uid: "uid-2" } }));
  expect(another.put(ResourceClaimKind, made()).look("resourceclaims.resource.k8s.io/d/p-gpu-abc")).toEqual([
    "delete ResourceClaim/p-gpu-abc",
  ]);
  // Who is gone without a trace is the garbage collector's.
  expect(start().put(ResourceClaimKind, made()).decide()).toEqual([]);
});

test("what uses a claim and is no pod is not known", () => {
  const foreign: ResourceClaim["status"] = {
    allocation: ALLOCATION,
    reservedFor: [{ resource: "jobs", name: "j", uid: "1", apiGroup: "batch" }],
  };
  const transcript = start().put(ResourceClaimKind, { metadata: { name: "shared" }, spec: SPEC, status: foreign });
  expect(() => transcript.decide()).toThrow("unsupported ReservedFor entry");
});
