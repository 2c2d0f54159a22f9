import fc from "fast-check";
import { expect, test } from "vitest";
import { metadataText } from "../../../actors/kinds/metadata-text.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";

test("the cut is the metadata, whatever strings it holds", () => {
  const texts = fc.dictionary(
    fc.string({ unit: "grapheme" }),
    fc.oneof(fc.string(), fc.constantFrom("\\", '\\"', '"}', "{", "}}", "\\\\")),
  );
  fc.assert(
    fc.property(texts, texts, fc.jsonValue(), (labels, annotations, spec) => {
      const metadata = { name: "n", uid: "u", creationTimestamp: "t", labels, annotations, managedFields: [{ a: { b: [{}] } }] };
      const text = encodeObject({ metadata, spec } as KubeObject);
      expect(JSON.parse(`{${metadataText(text)}`)).toEqual(JSON.parse(JSON.stringify(metadata)));
    }),
  );
});
