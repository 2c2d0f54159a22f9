import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeProtobuf, ProtobufError } from "../../../cluster/gateway/protobuf.ts";

/** Bodies as kubectl 1.35 sent them: `create deployment web --image=nginx --replicas=2 --port=80` and so on. */
const DEPLOYMENT =
  "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErgBCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEoYBCAISDAoKCgNhcHASA3dlYhpsChwKABIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEkwSLgoFbmdpbngSBW5naW54KgAyCgoAEAAYUCIAKgBCAGoAcgCAAQCIAQCQAQCiAQAaADIAQgBKAFIAWABgAGgAggEAigEAmgEAwgEAIgIKACgAOAAaDAgAEAAYACAAKAA4ABoAIgA=";
const SECRET = "azhzAAoMCgJ2MRIGU2VjcmV0Eh0KEQoBcxIAGgAiACoAMgA4AEIAEgYKAWESAWIaABoAIgA=";
const BUDGET =
  "azhzAAogCglwb2xpY3kvdjESE1BvZERpc3J1cHRpb25CdWRnZXQSOAoRCgFxEgAaACIAKgAyADgAQgASFwoJCAEQABoDNTAlEgoKCAoDYXBwEgF4GgoIABgAIAAoADAAGgAiAA==";
const QUOTA = "azhzAAoTCgJ2MRINUmVzb3VyY2VRdW90YRIwChEKAXESABoAIgAqADIAOABCABIZCgoKA2NwdRIDCgExCgsKBHBvZHMSAwoBMhoAGgAiAA==";

const decoded = (base64: string): object => decodeProtobuf(Buffer.from(base64, "base64"));
/** A body around a raw message. */
function body(apiVersion: string, kind: string, raw: readonly number[]): Buffer {
  const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
  const meta = [0x0a, ...text(apiVersion), 0x12, ...text(kind)];
  return Buffer.from([...Buffer.from("k8s\0"), 0x0a, meta.length, ...meta, 0x12, raw.length, ...raw]);
}

describe("what kubectl sends", () => {
  test("messages, maps, lists, numbers", () => {
    expect(decoded(DEPLOYMENT)).toMatchObject({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", creationTimestamp: null, labels: { app: "web" } },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "web" } },
        template: { spec: { containers: [{ name: "nginx", image: "nginx", ports: [{ containerPort: 80 }], stdin: false }] } },
      },
    });
  });

  test("bytes", () => expect(decoded(SECRET)).toMatchObject({ kind: "Secret", data: { a: "Yg==" } }));
  test("quantities", () => expect(decoded(QUOTA)).toMatchObject({ spec: { hard: { cpu: "1", pods: "2" } } }));
  test("a number or a percentage", () => expect(decoded(BUDGET)).toMatchObject({ spec: { minAvailable: "50%" } }));
});

describe("what has a JSON form of its own", () => {
  test("options of any group are meta/v1's", () => {
    expect(decodeProtobuf(body("apps/v1", "DeleteOptions", [0x08, 30, 0x22, 1, 0x78]))).toEqual({
      apiVersion: "apps/v1",
      kind: "DeleteOptions",
      gracePeriodSeconds: 30,
      propagationPolicy: "x",
    });
  });

  test("times, and fields of an embedded struct among those of its parent", () => {
    // metadata.creationTimestamp.seconds = 1; spec.volumes[0] = { name "v", embedded source { emptyDir {} } }.
    const pod = decodeProtobuf(body("v1", "Pod", [0x0a, 4, 0x42, 2, 0x08, 1, 0x12, 9, 0x0a, 7, 0x0a, 1, 0x76, 0x12, 2, 0x12, 0]));
    expect(pod).toMatchObject({
      metadata: { creationTimestamp: "1970-01-01T00:00:01Z" },
      spec: { volumes: [{ name: "v", emptyDir: {} }] },
    });
  });

  test("a negative number", () => {
    const minusOne = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    expect(decodeProtobuf(body("v1", "DeleteOptions", [0x08, ...minusOne]))).toMatchObject({ gracePeriodSeconds: -1 });
  });

  test("fields that nobody knows are passed over", () => {
    expect(decodeProtobuf(body("v1", "ConfigMap", [0xf8, 0x07, 1, 0xfa, 0x07, 1, 0]))).toEqual({ apiVersion: "v1", kind: "ConfigMap" });
  });
});

test.each([
  ["no magic number", Buffer.from("{}"), "magic"],
  ["an unknown kind", body("v1", "Nothing", []), "no protobuf form of v1 Nothing"],
  ["a length past the end", body("v1", "ConfigMap", [0x0a, 5]), "ends inside a field"],
  ["a wrong wire type", body("v1", "ConfigMap", [0x08, 1]), "wire type"],
])("refuses %s", (_what, bytes, message) => {
  expect(() => decodeProtobuf(bytes)).toThrow(message);
});

test("whatever bytes come, the decoder answers or refuses", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((raw) => body("v1", "Pod", [...raw].slice(0, 127))),
    fc.tuple(fc.nat(), fc.nat(255)).map(([at, value]) => {
      const damaged = Buffer.from(DEPLOYMENT, "base64");
      damaged[at % damaged.length] = value;
      return damaged;
    }),
  );
  fc.assert(
    fc.property(bytes, (one) => {
      try {
        decodeProtobuf(one);
      } catch (error) {
        if (!(error instanceof ProtobufError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
