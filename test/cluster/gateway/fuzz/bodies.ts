import { gzipSync } from "node:zlib";
import { stringify } from "yaml";
import { encodeProtobuf } from "../../../../actors/kinds/protobuf/envelope.ts";
import type { Choices } from "./choices.ts";
import { hostileString, printJson } from "./hostile.ts";

export interface Body {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = "application/json";
const YAML_TYPE = "application/yaml";
const PROTOBUF_TYPE = "application/vnd.kubernetes.protobuf";

const MEDIA_TYPES: readonly string[] = [
  JSON_TYPE,
  YAML_TYPE,
  PROTOBUF_TYPE,
  "application/cbor",
  "application/merge-patch+json",
  "application/apply-patch+yaml",
  "application/json; charset=utf-16",
  "application/json;;;",
  ";",
  "text/plain",
  "*/*",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "APPLICATION/JSON",
  "application/json, application/yaml",
  "application/json; charset=utf-8; as=Table",
  "application/vnd.kubernetes.protobuf; type=x",
  "application/json-patch+json",
  "x".repeat(1_000),
];

/** The laughing billions, and what else YAML can do that JSON cannot. */
const YAML_TEXTS: readonly string[] = [
  "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n",
  "a: &a\n  b: *a\n",
  "&a [*a]",
  "<<: {a: 1}\n",
  "? [a]\n: b\n",
  "? {a: b}\n: c\n",
  "1: a\ntrue: b\nnull: c\n",
  "a: 1\n---\nb: 2\n",
  "--- |\n x\n",
  "%YAML 1.1\n---\na: yes\n",
  "!!js/function 'x'",
  "!!binary eA==",
  "!x a",
  "a: !!float .nan\nb: .inf\n",
  "a: 0o17\nb: 0x1f\nc: 1_000\n",
  "a: 2026-01-01\n",
  "\t a: 1",
  "a: 'x",
  "*a",
  "- a\n-b\n",
  "[",
  "{a: b, a: c}",
  `${"[".repeat(5_000)}`,
  `${"- ".repeat(3_000)}a`,
  "a:\n".repeat(3),
  "a: &a {b: c}\nd:\n  <<: [*a, *a]\n  <<: *a\n",
  "__proto__: {a: 1}\nconstructor: {prototype: {a: 1}}\n",
  "<<: {__proto__: {a: 1}}\n",
  "a: !!set {b, c}\n",
  "a: !!omap [b: 1, b: 2]\n",
  "a: |99\n  x\n",
  "a: >-\n  x\n\n\n  y\n",
  "a: 1e999\nb: -.inf\nc: 99999999999999999999\n",
  "? |\n  long\n: x\n",
  `a: "${"\\u0000".repeat(10)}"\n`,
  `${"a: {".repeat(2_000)}${"}".repeat(2_000)}`,
  `${"&a ".repeat(50)}x`,
  `${"x".repeat(2_000)}: 1\n`,
  `${Array.from({ length: 3_000 }, (_none, index) => `k${index}: &a${index} ${index === 0 ? "x" : `*a${index - 1}`}`).join("\n")}\n`,
  "--- !<tag:yaml.org,2002:map>\na: 1\n",
  "a: 1 # x\n...\nb: 2\n",
  "%TAG ! tag:x,2026:\n---\n!y {a: 1}\n",
];

/** An object on the wire: as it is most often, else in another form, else broken on the way. */
export function bodyOf(object: unknown, choices: Choices): Body {
  const json = printJson(object);
  switch (choices.below(12)) {
    case 6:
      return { mediaType: YAML_TYPE, bytes: Buffer.from(yamlOf(json)) };
    case 7:
      return { mediaType: PROTOBUF_TYPE, bytes: broken(protobufOf(json), choices, 3) };
    case 8:
      return { mediaType: JSON_TYPE, bytes: broken(Buffer.from(json), choices, 1) };
    case 9:
      return { mediaType: JSON_TYPE, bytes: Buffer.from(withTwin(json, choices)) };
    case 10:
      return { mediaType: choices.of(MEDIA_TYPES), bytes: broken(Buffer.from(json), choices, 3) };
    case 11:
      return choices.below(2) === 0
        ? { mediaType: YAML_TYPE, bytes: Buffer.from(`${choices.of(YAML_TEXTS)}${choices.below(2) === 0 ? "" : json}`) }
        : { mediaType: JSON_TYPE, bytes: gzipSync(json), headers: { "content-encoding": choices.of(["gzip", "deflate", "br", "x"]) } };
    default:
      return { mediaType: JSON_TYPE, bytes: Buffer.from(json) };
  }
}

function yamlOf(json: string): string {
  try {
    return stringify(JSON.parse(json));
  } catch {
    return json;
  }
}

function protobufOf(json: string): Buffer {
  try {
    return encodeProtobuf(JSON.parse(json) as Record<string, unknown>) ?? Buffer.from("k8s\0");
  } catch {
    return Buffer.from("k8s\0");
  }
}

/** One time in `times` whole. */
function broken(bytes: Buffer, choices: Choices, times: number): Buffer {
  if (choices.below(times) > 0) return bytes;
  switch (choices.below(8)) {
    case 0:
      return bytes.subarray(0, choices.below(bytes.length + 1));
    case 1:
      return Buffer.concat([bytes, Buffer.from(choices.of([" ", "x", "{}", "\0", ",", "}", "\n//"]))]);
    case 2:
      return Buffer.concat([Buffer.from(choices.of(["\ufeff", " ", "x", "//\n", "[", ")]}'\n"])), bytes]);
    case 3: {
      const flipped = Buffer.from(bytes);
      if (flipped.length > 0) flipped[choices.below(flipped.length)] = choices.below(256);
      return flipped;
    }
    case 4: {
      const at = choices.below(bytes.length + 1);
      const inserted = choices.of([
        [0xff],
        [0xed, 0xa0, 0x80],
        [0xc0, 0x80],
        [0x00],
        [0x0a],
        [0xf8, 0x88],
        [0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
      ]);
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(inserted), bytes.subarray(at)]);
    }
    case 5:
      return Buffer.alloc(0);
    case 6:
      return Buffer.from(
        choices.of(["null", "[]", '""', "1", "true", "{", "[", '"', "nul", "-", "1e", "{}{}", '{"a"}', '{"a":}', "{,}", "undefined"]),
      );
    default:
      return Buffer.from(Array.from({ length: choices.below(40) }, () => choices.below(256)));
  }
}

/** The text with a member that is there already, or a strange one, put in front. */
function withTwin(json: string, choices: Choices): string {
  const name = choices.of(["kind", "metadata", "spec", "apiVersion", "__proto__", hostileString(choices)]);
  const value = choices.of(['"x"', "null", "{}", "[]", '{"name":"y"}', '{"__proto__":{"name":"y"}}']);
  return `{${JSON.stringify(name)}:${value},${json.slice(1)}`;
}
