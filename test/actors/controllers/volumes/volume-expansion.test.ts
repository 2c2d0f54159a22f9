import { expect, test } from "vitest";
import { volumeExpansionController } from "../../../../actors/controllers/volumes/volume-expansion.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { Transcript } from "../transcript.ts";

function claim(wanted: string, status: object): object {
  return { metadata: { name: "c" }, spec: { resources: { requests: { storage: wanted } } }, status };
}

const bound = { phase: "Bound", capacity: { storage: "1Gi" } };

test.each([
  ["asks for more", claim("2Gi", bound), 1],
  ["asks for the same in other words", claim("1024Mi", bound), 0],
  ["has it already", claim("2Gi", { phase: "Bound", capacity: { storage: "2Gi" } }), 0],
  ["is not bound", claim("2Gi", { phase: "Pending" }), 0],
])("a claim that %s", (_what, next, told) => {
  const transcript = new Transcript(volumeExpansionController).put(PersistentVolumeClaimKind, claim("1Gi", bound));
  expect(transcript.decide()).toEqual([]);
  const event = "event Normal ExternalExpanding PersistentVolumeClaim/c: waiting for an external controller to expand this PVC";
  expect(transcript.put(PersistentVolumeClaimKind, next).decide()).toEqual(told === 1 ? [event] : []);
});
