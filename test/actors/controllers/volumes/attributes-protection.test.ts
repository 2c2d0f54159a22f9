import { expect, test } from "vitest";
import { attributesProtectionController } from "../../../../actors/controllers/volumes/attributes-protection.ts";
import { PersistentVolumeKind } from "../../../../actors/kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { VolumeAttributesClassKind } from "../../../../actors/kinds/storage/volume-attributes-class.ts";
import { Transcript } from "../transcript.ts";

const FINALIZER = "kubernetes.io/vac-protection";
const GOES = ['modify VolumeAttributesClass/gold {"metadata":{"finalizers":[]}}'];

const gold = (metadata: object): object => ({ metadata: { name: "gold", ...metadata }, driverName: "d", parameters: { iops: "1" } });
const going = gold({ finalizers: [FINALIZER], deletionTimestamp: "2026-01-01T00:00:00Z" });
const claim = (spec: object, status: object = {}): object => ({ metadata: { name: "c" }, spec, status });
const volume = (spec: object): object => ({ metadata: { name: "v" }, spec });

test("a class is held from its beginning, and let go when nobody has it", () => {
  const transcript = new Transcript(attributesProtectionController);
  expect(transcript.put(VolumeAttributesClassKind, gold({})).decide()).toEqual([
    `modify VolumeAttributesClass/gold {"metadata":{"finalizers":["${FINALIZER}"]}}`,
  ]);
  expect(transcript.put(VolumeAttributesClassKind, gold({ finalizers: [FINALIZER] })).decide()).toEqual([]);
  expect(transcript.put(VolumeAttributesClassKind, going).decide()).toEqual(GOES);
});

test.each([
  ["a claim that wants it", claim({ volumeAttributesClassName: "gold" })],
  ["a claim that has it still", claim({ volumeAttributesClassName: "silver" }, { currentVolumeAttributesClassName: "gold" })],
  [
    "a claim on its way to it",
    claim(
      { volumeAttributesClassName: "silver" },
      { modifyVolumeStatus: { status: "InProgress", targetVolumeAttributesClassName: "gold" } },
    ),
  ],
])("%s holds it until it lets go", (_what, holder) => {
  const transcript = new Transcript(attributesProtectionController).put(PersistentVolumeClaimKind, holder);
  expect(transcript.put(VolumeAttributesClassKind, going).decide()).toEqual([]);
  expect(transcript.put(PersistentVolumeClaimKind, claim({ volumeAttributesClassName: "silver" })).decide()).toEqual(GOES);
});

test("a volume that has it holds it until it is gone", () => {
  const transcript = new Transcript(attributesProtectionController).put(
    PersistentVolumeKind,
    volume({ volumeAttributesClassName: "gold" }),
  );
  expect(transcript.put(VolumeAttributesClassKind, going).decide()).toEqual([]);
  expect(transcript.remove(PersistentVolumeKind, "v").decide()).toEqual(GOES);
});
