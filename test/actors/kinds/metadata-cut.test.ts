import fc from "fast-check";
import { expect, test } from "vitest";
import { metadataText } from "../../../actors/kinds/metadata-text.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import {
  apartText,
  charactersOf,
  decodeObject,
  decodeWhole,
  encodeObject,
  managedFieldsOf,
  managersText,
  readText,
  type StoredText,
  wholeText,
  writeText,
} from "../../../actors/kinds/text.ts";
import { UTF8_BYTES_PER_UNIT_MAX } from "../../../actors/kinds/utf8.ts";

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

test("a whole text comes apart into what it was made of, in a string and in bytes", () => {
  const names = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('],"name":', "}]", '"', "\\"));
  fc.assert(
    fc.property(names, fc.dictionary(names, fc.constant({})), fc.jsonValue(), fc.boolean(), (manager, fieldsV1, spec, isManaged) => {
      const object = { metadata: { name: "n", uid: "u", creationTimestamp: "t" }, spec } as KubeObject;
      const json = isManaged ? JSON.stringify([{ manager, fieldsV1 }, { manager }]) : undefined;
      const stored: StoredText = { text: encodeObject(object), managers: managersText(json) };
      expect(managedFieldsOf(stored)).toBe(json);
      expect(apartText(wholeText(stored))).toEqual(stored);
      const bytes = Buffer.alloc(charactersOf(stored) * UTF8_BYTES_PER_UNIT_MAX + 20, '"managedFields":[],"name":');
      const end = writeText(bytes, 10, stored);
      expect(readText(bytes, 10, end)).toEqual(stored);
      expect(decodeWhole<KubeObject>(stored, 7).metadata).toEqual({
        ...object.metadata,
        resourceVersion: "7",
        managedFields: json && JSON.parse(json),
      });
      expect(decodeObject<KubeObject>(stored.text, 7).metadata).toEqual({ ...object.metadata, resourceVersion: "7" });
    }),
  );
});
