import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apiVersionOf } from "../../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS } from "../../../../actors/kinds/kinds.ts";
import type { FieldType, ScalarName } from "../../../../actors/kinds/machinery/schema.ts";
import { definitionNamed, definitionOf } from "../../../../actors/kinds/machinery/schema.ts";
import { decodeMessage } from "../../../../actors/kinds/protobuf/decode.ts";
import { encodeMessage } from "../../../../actors/kinds/protobuf/encode.ts";
import { hasProtobufForm } from "../../../../actors/kinds/protobuf/envelope.ts";
import { messageOf } from "../../../../actors/kinds/protobuf/messages.ts";
import { WireReader } from "../../../../actors/kinds/protobuf/wire-reader.ts";
import { WireWriter } from "../../../../actors/kinds/protobuf/wire-writer.ts";

type Json = Record<string, unknown>;

function decode(type: string, bytes: Uint8Array): Json {
  const message = messageOf(type) ?? expect.fail(`no message ${type}`);
  return decodeMessage(message, new WireReader(Buffer.from(bytes)));
}

function encode(type: string, object: Json): Buffer {
  const message = messageOf(type) ?? expect.fail(`no message ${type}`);
  // As small as can be, so that it has to grow.
  const writer = new WireWriter(1);
  encodeMessage(message, object, writer);
  return writer.finish();
}

const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const SECOND = fc.date({ min: new Date("0001-01-02T00:00:00Z"), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true });

const SCALARS: Readonly<Record<ScalarName, fc.Arbitrary<unknown>>> = {
  string: fc.string({ unit: "grapheme", maxLength: 20 }),
  int32: fc.integer(INT32),
  int64: fc.oneof(fc.maxSafeInteger(), fc.integer(INT32)),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }),
  boolean: fc.boolean(),
  time: SECOND.map((date) => `${date.toISOString().slice(0, 19)}Z`),
  microTime: fc.tuple(SECOND, fc.nat(999_999)).map(([date, us]) => `${date.toISOString().slice(0, 19)}.${String(us).padStart(6, "0")}Z`),
  bytes: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("base64")),
  quantity: fc.constantFrom("0", "500m", "1Gi", "1e3"),
  intOrString: fc.oneof(fc.integer(INT32), fc.string({ maxLength: 10 })),
  any: fc.dictionary(fc.string({ maxLength: 5 }), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)), { maxKeys: 3 }),
};

const isEmpty = (value: unknown): boolean => value === "" || value === 0 || value === false;

function arbitraryOf(type: FieldType, depth: number): fc.Arbitrary<unknown> {
  switch (type.form) {
    case "scalar":
      return SCALARS[type.name];
    case "ref":
      return objectOf(type.type, depth - 1);
    case "list":
      return fc.array(arbitraryOf(type.item, depth), { minLength: 1, maxLength: 3 });
    case "map":
      return fc.dictionary(fc.string({ maxLength: 5 }), arbitraryOf(type.value, depth), { minKeys: 1, maxKeys: 3, noNullPrototype: true });
  }
}

/** Objects in the shape of their definition, as they are stored: without what Go would leave out. */
function objectOf(type: string, depth: number): fc.Arbitrary<Json> {
  const definition = definitionOf(type) ?? expect.fail(`no definition ${type}`);
  const known = new Set(
    messageOf(type)?.fields.flatMap(function names(field): string[] {
      return field.form === "value" ? [field.name] : field.message.fields.flatMap(names);
    }),
  );
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const { name, type: fieldType, presence } of definition.fields.values()) {
    if (!known.has(name) || (depth <= 0 && JSON.stringify(fieldType).includes('"ref"'))) continue;
    const value = arbitraryOf(fieldType, depth);
    model[name] = presence === "optional" ? value.filter((one) => !isEmpty(one)) : value;
  }
  return fc.record(model, { requiredKeys: [], noNullPrototype: true });
}

describe("there and back", () => {
  const encoded = BUILT_IN_KINDS.filter((kind) => hasProtobufForm(apiVersionOf(kind), kind.kind));
  test.each(encoded.map(({ schema }) => [definitionNamed(schema)?.type ?? schema]))("%s", (type) => {
    fc.assert(
      fc.property(objectOf(type, 6), (object) => {
        expect(decode(type, encode(type, object))).toEqual(object);
      }),
      { numRuns: 30 },
    );
  });
});

describe("what Go leaves out of JSON", () => {
  test("empty values that Go's encoder writes all the same", () => {
    const empty = {
      name: "",
      image: "",
      workingDir: "",
      resources: {},
      stdin: false,
      ports: [{ name: "", hostPort: 0, containerPort: 0 }],
    };
    expect(decode("Container", encode("Container", empty))).toEqual({ name: "", resources: {}, ports: [{ containerPort: 0 }] });
  });

  test("but not empty values behind a pointer", () => {
    const spec = { replicas: 0, minReadySeconds: 0 };
    expect(decode("DeploymentSpec", encode("DeploymentSpec", spec))).toEqual({ replicas: 0 });
  });

  test("a time that nobody set is null where it is always printed", () => {
    const bytes = [0x1a, 0, 0x22, 0]; // lastProbeTime, lastTransitionTime
    expect(decode("PodCondition", Uint8Array.from(bytes))).toEqual({ lastProbeTime: null, lastTransitionTime: null });
    expect(decode("ObjectMeta", Uint8Array.from([0x42, 0]))).toEqual({});
  });
});

describe("what the wire allows", () => {
  test("lists of numbers come packed or one by one", () => {
    const groups = { supplementalGroups: [1, 300] };
    expect(decode("PodSecurityContext", Uint8Array.from([0x22, 3, 1, 0xac, 2]))).toEqual(groups);
    expect(decode("PodSecurityContext", Uint8Array.from([0x20, 1, 0x20, 0xac, 2]))).toEqual(groups);
  });

  test("a message in two parts is one message; of a value the last one counts", () => {
    // httpGet { path "a" }, httpGet { host "h" }, httpGet { path "b" }
    const parts = [0x12, 3, 0x0a, 1, 0x61, 0x12, 3, 0x1a, 1, 0x68, 0x12, 3, 0x0a, 1, 0x62];
    expect(decode("LifecycleHandler", Uint8Array.from(parts))).toEqual({ httpGet: { path: "b", host: "h" } });
  });

  test("fields that nobody knows are passed over, whatever they hold", () => {
    const unknown = [
      ...[0xf8, 0x07, 1], // a number
      ...[0xfa, 0x07, 1, 0], // bytes
      ...[0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8],
      ...[0xfd, 0x07, 1, 2, 3, 4],
      ...[0xfb, 0x07, 0xfb, 0x07, 0x08, 1, 0xfc, 0x07, 0xfc, 0x07], // a group in a group
    ];
    expect(decode("ConfigMap", Uint8Array.from([...unknown, 0x20, 1]))).toEqual({ immutable: true });
  });

  test("embedded structs: their fields stand among their parent's", () => {
    const volume = { name: "v", emptyDir: {} };
    expect([...encode("Volume", volume)]).toEqual([0x0a, 1, 0x76, 0x12, 2, 0x12, 0]);
    expect(decode("Volume", encode("Volume", volume))).toEqual(volume);
  });

  test("a key of a map may be `__proto__`", () => {
    const data = JSON.parse('{"data":{"__proto__":"x"}}') as Json;
    expect(JSON.stringify(decode("ConfigMap", encode("ConfigMap", data)))).toBe('{"data":{"__proto__":"x"}}');
  });

  test.each([0, 1, 127, 128, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    "the number %d",
    (number) => {
      expect(decode("DeleteOptions", encode("DeleteOptions", { gracePeriodSeconds: number }))).toEqual({ gracePeriodSeconds: number });
    },
  );
});
