import fc from "fast-check";
import { expect, test } from "vitest";
import { renewedText, renewTimeOf } from "../../../actors/kinds/coordination/lease-text.ts";
import type { Lease } from "../../../actors/kinds/generated/types.ts";
import { decodeObject, encodeObject } from "../../../actors/kinds/text.ts";

const AT = "2026-01-01T00:00:00.000000Z";
const LATER = "2026-01-01T00:00:10.123000Z";
/** Among them those that look like the member that is meant. */
const words = fc.oneof(
  fc.string(),
  fc.constantFrom('"renewTime":"', '{"renewTime":"x"}', '"holderIdentity":"n"', "\\", '\\"renewTime\\":\\"'),
);

function leaseOf(words: readonly string[], spec: Lease["spec"]): Lease {
  const annotations = { renewTime: "x", holderIdentity: "n", ...Object.fromEntries(words.map((word, index) => [`a${index}`, word])) };
  return { metadata: { name: "n", namespace: "kube-node-lease", uid: "u", creationTimestamp: AT, annotations }, spec: spec ?? {} };
}

test("a renewal in the text is the renewal of the object, whatever else it says", () => {
  fc.assert(
    fc.property(fc.array(words), fc.option(words, { nil: undefined }), (annotations, strategy) => {
      const spec = { holderIdentity: "n", leaseDurationSeconds: 40, renewTime: AT, ...(strategy === undefined ? {} : { strategy }) };
      const lease = leaseOf(annotations, spec);
      const text = encodeObject(lease);
      expect(renewTimeOf(text)).toBe(AT);
      const renewed = renewedText(text, "n", LATER);
      if (renewed === undefined) throw new Error("it is that lease");
      const expected: Lease = { ...lease, spec: { ...spec, renewTime: LATER } };
      expect(renewed).toBe(encodeObject(expected));
      expect(decodeObject<Lease>(renewed, 1).spec).toEqual({ ...spec, renewTime: LATER });
    }),
  );
});

test("a lease that somebody else holds, or that was never renewed, is not renewed in its text", () => {
  const text = (spec: Lease["spec"]) => encodeObject(leaseOf([], spec));
  expect(renewedText(text({ holderIdentity: "m", renewTime: AT }), "n", LATER)).toBeUndefined();
  expect(renewedText(text({ holderIdentity: "n" }), "n", LATER)).toBeUndefined();
  expect(renewTimeOf(text({ holderIdentity: "n" }))).toBeUndefined();
});
