import fc from "fast-check";
import { expect, test } from "vitest";
import { metadataText } from "../../../actors/kinds/metadata-text.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { decodeObject, decodeWhole, encodeObject, managedFieldsOf, withoutManagedFields } from "../../../actors/kinds/text.ts";

test("the cut is the metadata, whatever strings it holds", () => {
  const texts = fc.dictionary(
    fc.string({ unit: "grapheme" }),
    fc.oneof(fc.string(), fc.constantFrom("\\", '\\"', '"}', "{", "}}", "\\\\")),
  );
  fc.assert(
    fc.property(texts, texts, fc.jsonValue(), (labels, annotations, spec) => {
      const metadata = { name: "n", uid: "u", creationTimestamp: "t", labels, annotations };
      const text = encodeObject({ metadata, spec } as KubeObject);
      expect(JSON.parse(`{${metadataText(text)}`)).toEqual(JSON.parse(JSON.stringify(metadata)));
    }),
  );
});

test("the managers of the fields are first, and can be cut off and put back", () => {
  const names = fc.oneof(fc.string(), fc.constantFrom('],"name":', "}]", '"', "\\"));
  fc.assert(
    fc.property(names, fc.dictionary(names, fc.constant({})), fc.jsonValue(), (manager, fieldsV1, spec) => {
      const object = { metadata: { name: "n", uid: "u", creationTimestamp: "t" }, spec } as KubeObject;
      const managers = JSON.stringify([
        { manager, fieldsV1 },
        { manager, fieldsV1 },
      ]);
      const text = encodeObject(object, managers);
      expect(managedFieldsOf({ text })).toBe(managers);
      expect(withoutManagedFields(text)).toBe(encodeObject(object));
      expect(decodeWhole<KubeObject>({ text }, 7).metadata).toEqual({
        ...object.metadata,
        resourceVersion: "7",
        managedFields: JSON.parse(managers),
      });
      expect(decodeObject<KubeObject>(text, 7).metadata).toEqual({ ...object.metadata, resourceVersion: "7" });
    }),
  );
});
