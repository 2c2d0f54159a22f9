import fc from "fast-check";
import { expect, test } from "vitest";
import {
  difference,
  type FieldSet,
  FieldsError,
  fieldsJson,
  has,
  intersection,
  pathsOf,
  readFields,
  recursiveDifference,
  sayPath,
  setOf,
  union,
} from "../../../../actors/kinds/managed-fields/field-set.ts";

const step = fc.constantFrom("f:a", "f:b", 'k:{"name":"x"}', 'v:"one"', "f:c");
const path = fc.array(step, { minLength: 1, maxLength: 4 });
const paths = fc.array(path, { maxLength: 12 });
const written = (set: FieldSet): Set<string> => new Set(pathsOf(set).map((one) => one.join("/")));
const texts = (list: readonly (readonly string[])[]): Set<string> => new Set(list.map((one) => one.join("/")));

test("set operations are those of sets of paths", () => {
  fc.assert(
    fc.property(paths, paths, (as, bs) => {
      const [a, b] = [setOf(...as), setOf(...bs)];
      expect(written(union(a, b))).toEqual(texts(as).union(texts(bs)));
      expect(written(intersection(a, b))).toEqual(texts(as).intersection(texts(bs)));
      expect(written(difference(a, b))).toEqual(texts(as).difference(texts(bs)));
    }),
  );
});

test("a recursive difference takes away what is below, too", () => {
  fc.assert(
    fc.property(paths, paths, (as, bs) => {
      const left = as.filter((one) => !bs.some((other) => other.every((part, index) => one[index] === part)));
      expect(written(recursiveDifference(setOf(...as), setOf(...bs)))).toEqual(texts(left));
    }),
  );
});

test("FieldsV1 is read as it was written", () => {
  fc.assert(
    fc.property(paths, (list) => {
      const set = setOf(...list);
      expect(written(readFields(JSON.parse(fieldsJson(set))))).toEqual(texts(list));
      for (const one of list) expect(has(set, one)).toBe(true);
    }),
  );
});

test("a member with children has its dot, and steps are in order", () => {
  const set = setOf(["f:labels"], ["f:labels", "f:b"], ["f:labels", "f:a"], ["f:containers", 'k:{"name":"c"}', "f:image"]);
  expect(fieldsJson(set)).toBe('{"f:containers":{"k:{\\"name\\":\\"c\\"}":{"f:image":{}}},"f:labels":{".":{},"f:a":{},"f:b":{}}}');
});

test.each([[1], [null], [[]], [{ a: {} }], [{ "f:a": 1 }], [{ "k:nope": {} }], [{ "i:x": {} }]])("%j is no FieldsV1", (fields) => {
  expect(() => readFields(fields)).toThrow(FieldsError);
});

test("paths are said as kubectl shows them", () => {
  expect(sayPath(["f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', "f:image"])).toBe('.spec[containerPort=80,protocol="TCP"].image');
  expect(sayPath(["f:finalizers", 'v:"a/b"'])).toBe('.finalizers[="a/b"]');
});
