import type { Choices } from "./choices.ts";
import { hostileString } from "./hostile.ts";

const SELECTORS: readonly string[] = [
  "app=x",
  "app!=x,part",
  "app in (x,y),!z",
  "a,,b",
  "a=b=c",
  "a in (",
  "a in ()",
  "a notin (x",
  "(a)",
  "!a!",
  "a>1",
  "a<x",
  "a/b/c=d",
  ",",
  "=",
  "__proto__=x",
  "metadata.name=x",
  "metadata.namespace=x,metadata.name=y",
  "status.phase=Running",
  "spec.nodeName==",
  "__proto__.x=1",
  "constructor=1",
  "metadata.name=a\\,b",
  "metadata.name=a\\x",
];

/** Numbers that are none, or too large; rare is what makes a server wait. */
const REVISIONS: readonly string[] = ["0", "1", "", "-1", "x", "1.5", " 1", "01", "+1", "1e3", "99999999999999999999", "\u0661"];
const NUMBERS: readonly string[] = ["1", "0", "-1", "x", "2.5", "9223372036854775808", "1e9", ""];
const BOOLEANS: readonly string[] = ["true", "false", "1", "0", "x", ""];

const CONTINUES: readonly string[] = [
  "x",
  Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"x"}').toString("base64url"),
  Buffer.from('{"v":"meta.k8s.io/v1","rv":-1,"start":"../x"}').toString("base64url"),
  Buffer.from('{"v":"meta.k8s.io/v1","rv":"x","start":1}').toString("base64url"),
  Buffer.from('{"v":"meta.k8s.io/v1","rv":99999999999999999999,"start":""}').toString("base64url"),
  Buffer.from("null").toString("base64url"),
  Buffer.from("[]").toString("base64url"),
  "%%%",
];

type Parameter = readonly [name: string, value: (choices: Choices) => string];

const among =
  (values: readonly string[]) =>
  (choices: Choices): string =>
    choices.once(8) ? hostileString(choices) : choices.of(values);

const READS: readonly Parameter[] = [
  ["labelSelector", among(SELECTORS)],
  ["fieldSelector", among(SELECTORS)],
  ["limit", among(NUMBERS)],
  ["continue", among(CONTINUES)],
  ["resourceVersion", among(REVISIONS)],
  ["resourceVersionMatch", among(["Exact", "NotOlderThan", "x", ""])],
  ["timeoutSeconds", among(NUMBERS)],
  ["watch", among(BOOLEANS)],
  ["allowWatchBookmarks", among(BOOLEANS)],
  ["sendInitialEvents", among(BOOLEANS)],
  ["pretty", among(BOOLEANS)],
  ["timeout", among(["1s", "x", "-1s", "0"])],
  ["watch", () => "true&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"],
  ["watch", () => "1&timeoutSeconds=1&resourceVersion=1"],
  ["resourceVersion", () => "1&resourceVersionMatch=Exact&limit=2"],
  ["includeObject", among(["None", "Metadata", "Object", "x"])],
];

const WRITES: readonly Parameter[] = [
  ["dryRun", among(["All", "x", ""])],
  ["fieldValidation", among(["Strict", "Warn", "Ignore", "x", ""])],
  ["fieldManager", among(["fuzz", "a\u0000b", "é", "x".repeat(129), ""])],
  ["force", among(BOOLEANS)],
  ["pretty", among(BOOLEANS)],
  ["propagationPolicy", among(["Foreground", "Background", "Orphan", "x", ""])],
  ["gracePeriodSeconds", among(NUMBERS)],
  ["orphanDependents", among(BOOLEANS)],
  ["timeout", among(["1s", "x", "-1s", "0"])],
];

/** A few parameters of a list, a watch or a get. Begins with `?` unless there are none. */
export function readQuery(choices: Choices): string {
  return query(READS, choices, 4);
}

/** A few parameters of a write; none, most often. */
export function writeQuery(choices: Choices): string {
  return choices.below(3) < 2 ? "" : query(WRITES, choices, 3);
}

/** Parts of a query that are no parameters, or none that is known. */
const ODD_PARTS: readonly string[] = [
  "",
  "&&",
  "=",
  "=x",
  "watch",
  "limit=1&limit=x",
  "dryRun=All&dryRun=All",
  "dryRun=All&dryRun=x",
  "__proto__=x",
  "constructor=x&toString=y",
  "watch=true;limit=1",
  "%00=%00",
  "a[b]=c",
  "fieldSelector=metadata.name%3Dx&fieldSelector=metadata.name%3Dy",
  `x=${"y".repeat(8_000)}`,
  "a&".repeat(500),
];

function query(parameters: readonly Parameter[], choices: Choices, count_max: number): string {
  const parts: string[] = [];
  for (let count = choices.below(count_max + 1); count > 0; count--) {
    const [name, value] = choices.of(parameters);
    const text = value(choices);
    if (choices.once(20)) parts.push(choices.of(ODD_PARTS));
    // Some come as they are, or half encoded.
    parts.push(choices.once(12) ? `${name}=%zz%ff` : `${name}=${encodeURIComponent(text.toWellFormed().slice(0, 2_000))}`);
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

const ACCEPTS: readonly string[] = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "application/vnd.kubernetes.protobuf,application/json",
  "application/json;as=Table;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json",
  "application/yaml;as=Table;v=v1;g=meta.k8s.io",
  "application/json;as=x",
  "application/cbor",
  "application/cbor-seq,application/json;q=0.1",
  "*/*;q=x",
  ";;;,,,",
  "text/html",
  "",
  "application/json;q=0.5,application/yaml;q=0.9",
  "application/json;q=0",
  "application/*;q=0.1,text/*",
  "application/json;as=Table;v=v2;g=meta.k8s.io",
  "application/json;as=Table;v=v1;g=x",
  "application/json;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io",
  "application/json;stream=watch",
  "application/vnd.kubernetes.protobuf;stream=watch",
  "application/apply-patch+yaml",
  'application/json;a="x',
  `${"application/x,".repeat(300)}*/*`,
];

/** Headers of a request beside its body's. */
export function headersOf(choices: Choices): Record<string, string> {
  const headers: Record<string, string> = {};
  if (choices.below(3) === 2) headers.accept = choices.of(ACCEPTS);
  if (choices.once(10)) headers["accept-encoding"] = choices.of(["gzip", "br", "gzip;q=0", "*"]);
  if (choices.once(20)) headers["user-agent"] = choices.of(["", "/", "curl/8", "é".repeat(200), "a/b (c)", "x".repeat(500)]);
  return headers;
}

const SEGMENTS: readonly string[] = [
  "api",
  "v1",
  "apis",
  "apps",
  "namespaces",
  "default",
  "pods",
  "x",
  "status",
  "scale",
  "log",
  "exec",
  "watch",
  "proxy",
  "..",
  ".",
  "",
  "%2e%2e",
  "%2f",
  "%00",
  "%zz",
  "%ff",
  "__proto__",
  "constructor",
  "deployments",
  "bindings",
  "openapi",
  "v3",
  "version",
  "healthz",
  "é".repeat(3),
];

/** A path of any segments. */
export function anyPath(choices: Choices): string {
  let path = "";
  for (let count = choices.below(9); count > 0; count--) {
    const segment = choices.of(SEGMENTS);
    path += `/${segment.startsWith("%") ? segment : encodeURIComponent(segment)}`;
  }
  return path === "" ? "/" : path;
}
