import { expect, test } from "vitest";
import { ephemeralVolumeController } from "../../../../actors/controllers/volumes/ephemeral-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { Transcript } from "../transcript.ts";

const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

function pod(metadata: object = {}): object {
  const template = { metadata: { labels: { a: "b" }, annotations: { c: "d" } }, spec };
  const volumes = [
    { name: "scratch", ephemeral: { volumeClaimTemplate: template } },
    { name: "none", emptyDir: {} },
  ];
  return { metadata: { name: "p", ...metadata }, spec: { containers: [], volumes }, status: { phase: "Pending" } };
}

const owner = (uid: string) => ({ apiVersion: "v1", kind: "Pod", name: "p", uid, controller: true, blockOwnerDeletion: true });
const claim = (uid: string) => ({ metadata: { name: "p-scratch", ownerReferences: [owner(uid)] }, spec });

test("a pod's ephemeral volume gets a claim of its own, which goes with the pod", () => {
  const transcript = new Transcript(ephemeralVolumeController).put(PodKind, pod());
  const [creation] = transcript.actions("pods/d/p");
  expect(creation).toMatchObject({
    do: "create",
    object: {
      metadata: { name: "p-scratch", namespace: "d", labels: { a: "b" }, annotations: { c: "d" }, ownerReferences: [owner("uid-p")] },
      spec,
    },
    notes: { refused: { reason: "FailedBinding", message: "ephemeral volume scratch: create PVC p-scratch: {error}" } },
  });
  expect(transcript.decide()).toEqual(["create PersistentVolumeClaim/p-scratch"]);
});

test("a claim that is there is left as it is; one that is gone is made again", () => {
  const transcript = new Transcript(ephemeralVolumeController).put(PersistentVolumeClaimKind, claim("uid-p")).put(PodKind, pod());
  expect(transcript.decide()).toEqual([]);
  expect(transcript.remove(PersistentVolumeClaimKind, "p-scratch").decide()).toEqual(["create PersistentVolumeClaim/p-scratch"]);
});

test("somebody else's claim of that name is not taken, and the pod hears why", () => {
  const transcript = new Transcript(ephemeralVolumeController).put(PersistentVolumeClaimKind, claim("another")).put(PodKind, pod());
  expect(transcript.decide()).toEqual([
    "event Warning FailedBinding Pod/p: ephemeral volume scratch: PVC d/p-scratch was not created for pod d/p (pod is not owner)",
  ]);
});

test("claims after one that cannot be had wait for it", () => {
  const volumes = ["before", "scratch", "after"].map((name) => ({ name, ephemeral: { volumeClaimTemplate: { spec } } }));
  const several = { ...pod(), spec: { containers: [], volumes } };
  const transcript = new Transcript(ephemeralVolumeController).put(PersistentVolumeClaimKind, claim("another")).put(PodKind, several);
  expect(transcript.decide()).toEqual(["1: create PersistentVolumeClaim/p-before", expect.stringMatching(/^2: event .* volume scratch: /)]);
});

test("none for a pod that is going, or that has no such volume", () => {
  const going = pod({ deletionTimestamp: "2026-01-01T12:00:00Z", finalizers: ["x"] });
  const plain = { metadata: { name: "q" }, spec: { containers: [] }, status: {} };
  expect(new Transcript(ephemeralVolumeController).put(PodKind, going).put(PodKind, plain).decide()).toEqual([]);
});
