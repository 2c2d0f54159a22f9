import type { Kind } from "../../../../actors/kinds/kind.ts";
import { apiVersionOf } from "../../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS } from "../../../../actors/kinds/kinds.ts";
import { bodyOf } from "./bodies.ts";
import type { Choices } from "./choices.ts";
import { definitionOf, instanceOf, structuralSchema } from "./custom.ts";
import { hostileString, hostileValue, printJson, Raw } from "./hostile.ts";
import type { Home } from "./life.ts";
import { live } from "./life.ts";
import { vary } from "./objects.ts";
import { onePolicy } from "./policies.ts";
import { anyPath, headersOf, readQuery, writeQuery } from "./questions.ts";
import { hasSample, nameFor, sampleOf } from "./samples.ts";
import type { Session } from "./session.ts";

const NAMESPACE = "default";
const CHANGES_MAX = 5;
/** How often it is looked whether a definition is served yet. */
const SERVED_TRIES_MAX = 200;
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

const KINDS: readonly Kind[] = BUILT_IN_KINDS.filter(hasSample);

/** Takes what it does from the choices, and throws a Violation when the server does not keep what it promises. */
type Case = (session: Session, choices: Choices) => Promise<void>;

/** Has one case. */
export async function runCase(session: Session, choices: Choices): Promise<void> {
  session.begin();
  const which = choices.below(100);
  const run = CASES.find(([share]) => which < share)?.[1] ?? oneObject;
  await run(session, choices);
}

/** Each with the sum of the shares up to it. */
const CASES: readonly (readonly [share_percent: number, run: Case])[] = [
  [45, oneObject],
  [65, onePatch],
  [80, oneQuestion],
  [88, oneSubresource],
  [91, anything],
  [93, onePolicy],
  [100, oneCustomResource],
];

function collectionOf(kind: Kind): string {
  const root = kind.group === "" ? "/api" : "/apis";
  return `${root}/${apiVersionOf(kind)}/${kind.namespaced ? `namespaces/${NAMESPACE}/` : ""}${kind.plural}`;
}

function homeOf(kind: Kind): Home {
  return {
    collection: collectionOf(kind),
    merges: true,
    updates: kind.verbs.includes("update"),
    controlled: kind.plural === "apiservices",
    // A namespace goes when its controller has emptied it.
    goes: kind.plural !== "namespaces",
  };
}

/** An object that is right, nearly right or absurd is created; if it is accepted, it lives. */
async function oneObject(session: Session, choices: Choices): Promise<void> {
  const kind = choices.of(KINDS);
  const home = homeOf(kind);
  const object = sampleOf(kind, NAMESPACE, nameFor(kind, session.serial));
  vary(object, kind.schema, choices, choices.below(CHANGES_MAX + 1));
  const { mediaType, bytes, headers } = bodyOf(object, choices);
  const query = writeQuery(choices);
  const asked = { "user-agent": "fuzz", ...headersOf(choices), ...headers, "content-type": mediaType };
  const answer = await session.ask("POST", `${home.collection}${query}`, bytes, asked);
  if (answer.status !== 201 || query.includes("dryRun=All")) return;
  await liveAsMade(session, home, asked, answer.text);
}

/** What was made is taken as JSON, and in the name of who made it. */
async function liveAsMade(session: Session, home: Home, asked: Readonly<Record<string, string>>, text: string): Promise<void> {
  if (asked.accept !== undefined || asked["user-agent"] !== "fuzz") return;
  await live(session, home, JSON.parse(text));
}

const PATCHES = ["merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"] as const;

/** An object that is there is patched with what makes sense, or none. */
async function onePatch(session: Session, choices: Choices): Promise<void> {
  const kind = choices.of(KINDS);
  const home = homeOf(kind);
  const name = nameFor(kind, session.serial);
  const headers = { "user-agent": "fuzz", "content-type": "application/json" };
  const object = sampleOf(kind, NAMESPACE, name);
  const made = await session.askAllowed("POST", home.collection, Buffer.from(JSON.stringify(object)), headers);
  if (made.status !== 201) throw new Error(`the sample of ${kind.plural} is refused: ${made.text}`);
  const path = `${home.collection}/${name}`;
  let changed = false;
  for (let count = 1 + choices.below(3); count > 0; count--) {
    const type = choices.of(PATCHES);
    const subresource = choices.once(5) && kind.subresources.some((one) => one.name === "status") ? "/status" : "";
    const query =
      type === "apply-patch+yaml"
        ? `?fieldManager=${managerOf(choices)}${choices.below(2) === 0 ? "" : "&force=true"}`
        : writeQuery(choices);
    const body = type === "json-patch+json" ? jsonPatch(object, choices) : mergePatch(kind, object, choices);
    const broken = choices.once(10) ? bodyOf(body, choices).bytes : Buffer.from(printJson(body));
    await session.ask("PATCH", `${path}${subresource}${query}`, broken, { "user-agent": "fuzz", "content-type": `application/${type}` });
    changed = true;
  }
  const now = await session.ask("GET", path);
  // Others may own it now, or its managers were reset: an update with itself by `fuzz` may take fields over then.
  if (changed && now.status === 200) await liveAsMade(session, home, headers, now.text);
}

function managerOf(choices: Choices): string {
  return choices.once(6) ? encodeURIComponent(hostileString(choices).toWellFormed().slice(0, 2_000)) : `m${choices.below(2)}`;
}

/** Sets of fields as nobody would write them. */
const FIELD_SETS: readonly unknown[] = [
  {},
  null,
  "x",
  [],
  { "f:x": 1, "k:{": {} },
  { "f:metadata": { "f:labels": { ".": {}, "f:part": {} } } },
  { "f:spec": { ".": {}, "k:{}": {}, 'k:{"name":"c"}': { "f:image": {} } } },
  { 'k:{"a":{"b":[1]}}': {}, "v:1": {}, 'v:{"a":1}': {}, "v:": {}, "i:0": {}, "i:-1": {}, "i:99999999999999999999": {} },
  { "f:": {}, f: {}, "": {}, "x:y": {}, "f:__proto__": { "f:x": {} } },
  new Raw(`${'{"f:a":'.repeat(2_000)}{}${"}".repeat(2_000)}`),
  new Raw('{"f:a":{},"f:a":{"f:b":{}},"__proto__":{}}'),
];

function managedFields(choices: Choices): unknown {
  if (choices.once(3)) return choices.of<unknown>([[], [{}], "x", null, [null], [{ manager: "x" }], hostileValue(choices)]);
  return Array.from({ length: choices.once(12) ? 300 : 1 + choices.below(2) }, (_none, index) => ({
    manager: choices.of(["fuzz", "m0", `x${index}`, "", hostileString(choices).slice(0, 300)]),
    operation: choices.of(["Update", "Apply", "x", ""]),
    apiVersion: choices.of(["v1", "apps/v1", "no.such/v9", "a/b/c", "", hostileString(choices).slice(0, 100)]),
    time: choices.of<unknown>(["2026-01-01T00:00:00Z", "x", null, 1]),
    fieldsType: choices.of(["FieldsV1", "x", ""]),
    fieldsV1: choices.of(FIELD_SETS),
    ...(choices.once(4) ? { subresource: choices.of(["status", "x", "/"]) } : {}),
  }));
}

function mergePatch(kind: Kind, object: Record<string, unknown>, choices: Choices): unknown {
  if (choices.once(8)) return hostileValue(choices);
  const { metadata: _metadata, ...rest } = structuredClone(object);
  const patch: Record<string, unknown> = choices.below(2) === 0 ? { apiVersion: object.apiVersion, kind: object.kind } : rest;
  if (choices.below(3) === 2) patch.metadata = { labels: { [hostileString(choices).slice(0, 80)]: "x" } };
  if (choices.once(8)) patch.$patch = choices.of(["delete", "replace", "merge", "x"]);
  if (choices.once(8)) patch.$retainKeys = choices.of([["a"], [], "x", [1]]);
  if (choices.once(8)) patch["$setElementOrder/containers"] = choices.of([[], [{ name: "c" }], [1], "x"]);
  if (choices.once(8)) patch["$deleteFromPrimitiveList/finalizers"] = choices.of([["a"], "x", null]);
  if (choices.once(6)) patch.metadata = { managedFields: managedFields(choices) };
  vary(patch, kind.schema, choices, choices.below(4));
  return patch;
}

const POINTERS: readonly string[] = [
  "/metadata/labels/part",
  "/spec",
  "",
  "/",
  "/metadata",
  "/metadata/name",
  "/metadata/annotations/a~1b",
  "/spec/containers/0",
  "/spec/containers/-",
  "/spec/containers/99999999999",
  "/spec/containers/-1",
  "/spec/containers/00",
  "/__proto__/x",
  "/metadata/__proto__/x",
  "/constructor/prototype/x",
  "/metadata/labels/~2",
  "no-slash",
  "/kind",
  "/data",
  "/status",
  "/metadata/finalizers",
  "/metadata/resourceVersion",
];

/** Each copy doubles what there is. */
const DOUBLING_TIMES = 40;
const OPERATIONS_MANY = 12_000;

function jsonPatch(object: Record<string, unknown>, choices: Choices): unknown {
  if (choices.once(8)) return hostileValue(choices);
  if (choices.once(25))
    return Array.from({ length: DOUBLING_TIMES }, (_none, turn) => ({ op: "copy", from: "/metadata", path: `/metadata/x${turn}` }));
  if (choices.once(25)) return Array.from({ length: OPERATIONS_MANY }, () => ({ op: "test", path: "/kind", value: object.kind }));
  return Array.from({ length: 1 + choices.below(3) }, () => {
    const op = choices.of(["add", "replace", "remove", "move", "copy", "test", "x", ""]);
    const value = choices.below(3) === 0 ? (object.spec ?? {}) : hostileValue(choices);
    const operation: Record<string, unknown> = { op, path: pointer(object, choices), value };
    if (op === "move" || op === "copy" || choices.once(10)) operation.from = pointer(object, choices);
    if (choices.once(10)) delete operation.value;
    if (choices.once(12)) operation.path = hostileValue(choices);
    return operation;
  });
}

/** To something that is there, or next to it, or nowhere. */
function pointer(object: Record<string, unknown>, choices: Choices): string {
  if (choices.below(2) === 0) return choices.of(POINTERS);
  let path = "";
  let at: unknown = object;
  while (typeof at === "object" && at !== null && !(at instanceof Raw) && !choices.once(5)) {
    const name = choices.of(Object.keys(at));
    if (name === undefined) break;
    path += `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    at = (at as Record<string, unknown>)[name];
  }
  return choices.once(6)
    ? `${path}/${choices.of(["-", "0", "x", "", "~", "~3", "__proto__", hostileString(choices).slice(0, 300)])}`
    : path;
}

/** A list, a watch or a get with parameters of every kind. */
async function oneQuestion(session: Session, choices: Choices): Promise<void> {
  const kind = choices.of(KINDS);
  const collection = collectionOf(kind);
  const odd = encodeURIComponent(hostileString(choices).toWellFormed().slice(0, 1_000));
  const path = choices.of([collection, `${collection}/x`, collection.replace(`namespaces/${NAMESPACE}/`, ""), `${collection}/${odd}`]);
  // A collection is left alone: others need what is in it.
  const methods = path.endsWith("/x") ? ["GET", "HEAD", "DELETE"] : ["GET", "GET", "HEAD"];
  await session.ask(choices.of(methods), `${path}${readQuery(choices)}`, undefined, headersOf(choices));
}

/** Any door of an object that is there or not, with any body. */
async function oneSubresource(session: Session, choices: Choices): Promise<void> {
  const kind = choices.of(KINDS);
  const name = nameFor(kind, session.serial);
  const headers = { "content-type": "application/json" };
  const object = sampleOf(kind, NAMESPACE, name);
  await session.ask("POST", collectionOf(kind), Buffer.from(JSON.stringify(object)), headers);
  const names = [...kind.subresources.map((one) => one.name), "status", "x"];
  for (let count = 1 + choices.below(3); count > 0; count--) {
    const path = `${collectionOf(kind)}/${name}/${choices.of(names)}`;
    const method = choices.of(["GET", "PUT", "POST", "PATCH", "DELETE"]);
    const body = choices.below(2) === 0 ? subject(object, choices) : hostileValue(choices);
    const { mediaType, bytes } = bodyOf(body, choices);
    const type = method === "PATCH" ? `application/${choices.of(PATCHES)}` : mediaType;
    await session.ask(method, `${path}${writeQuery(choices)}`, method === "GET" ? undefined : bytes, {
      ...headersOf(choices),
      "content-type": type,
    });
  }
  await session.ask("DELETE", `${collectionOf(kind)}/${name}?gracePeriodSeconds=0`);
}

/** What subresources speak. */
function subject(object: Record<string, unknown>, choices: Choices): unknown {
  const metadata = object.metadata;
  return choices.of<unknown>([
    {
      ...object,
      status: choices.of<unknown>([{}, { phase: "Running" }, { conditions: [{ type: "Ready", status: "True" }] }, hostileValue(choices)]),
    },
    { apiVersion: "autoscaling/v1", kind: "Scale", metadata, spec: { replicas: choices.of<unknown>([3, -1, "x", hostileValue(choices)]) } },
    {
      apiVersion: "v1",
      kind: "Binding",
      metadata,
      target: { kind: "Node", name: choices.of(["n1", "", hostileString(choices).slice(0, 300)]) },
    },
    { apiVersion: "policy/v1", kind: "Eviction", metadata, deleteOptions: choices.of<unknown>([{}, hostileValue(choices)]) },
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: choices.of<unknown>([600, 0, hostileValue(choices)]) },
    },
  ]);
}

/** Any method, path and body. */
async function anything(session: Session, choices: Choices): Promise<void> {
  const method = choices.of(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"]);
  const { mediaType, bytes } = bodyOf(hostileValue(choices), choices);
  const bare = method === "GET" || method === "HEAD";
  const headers = { ...headersOf(choices), ...(bare ? {} : { "content-type": mediaType }) };
  await session.ask(
    method,
    `${anyPath(choices)}${choices.below(2) === 0 ? readQuery(choices) : writeQuery(choices)}`,
    bare ? undefined : bytes,
    headers,
  );
}

/** A custom resource of any schema: defined, made a few times, and gone. */
async function oneCustomResource(session: Session, choices: Choices): Promise<void> {
  const schema = structuralSchema(choices);
  const { group, plural, kind, definition } = definitionOf(session.serial, schema, choices);
  const headers = { "content-type": "application/json", "user-agent": "fuzz" };
  const defined = await session.ask("POST", DEFINITIONS, Buffer.from(printJson(definition)), headers);
  if (defined.status !== 201) return;
  const collection = `/apis/${group}/v1/namespaces/${NAMESPACE}/${plural}`;
  // A rule may have it that nothing stays as it was.
  const updates = !printJson(schema).includes("oldSelf");
  for (let tries = 0; tries < SERVED_TRIES_MAX && (await session.ask("GET", collection)).status !== 200; tries++);
  for (let count = 1 + choices.below(3); count > 0; count--) {
    const object = { apiVersion: `${group}/v1`, kind, metadata: { name: `f-${session.serial}` }, spec: instanceOf(schema, choices) };
    const { mediaType, bytes } = bodyOf(object, choices);
    const answer = await session.ask("POST", collection, bytes, { ...headers, "content-type": mediaType });
    if (answer.status === 201)
      await live(session, { collection, merges: false, updates, controlled: false, goes: true }, JSON.parse(answer.text));
  }
  await session.ask("DELETE", `${DEFINITIONS}/${plural}.${group}`);
}
