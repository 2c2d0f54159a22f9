import type { Answered } from "./answers.ts";
import { sameObjects, Violation } from "./answers.ts";
import type { Session } from "./session.ts";

type Json = Record<string, unknown> & { metadata: Record<string, unknown> & { name: string; namespace?: string } };

export interface Home {
  /** The path of the collection. */
  readonly collection: string;
  /** Strategic merge patches are for built-in kinds. */
  readonly merges: boolean;
  readonly updates: boolean;
  /** Whether somebody in the house writes what becomes of it, at any time. */
  readonly controlled: boolean;
  /** Whether its deletion ends it here: what needs a controller to go does not. */
  readonly goes: boolean;
}

const JSON_HEADERS = { "content-type": "application/json", "user-agent": "fuzz" };
/** An object with a finalizer of its own is freed, and then must go. */
const FREE = '{"metadata":{"finalizers":null}}';

/** What was accepted is an object like any other: read, replaced by itself, patched with nothing, applied, made again, deleted. */
export async function live(session: Session, { collection, merges, updates, controlled, goes }: Home, created: Json): Promise<void> {
  const path = `${collection}/${encodeURIComponent(created.metadata.name)}`;
  if (controlled) return end(session, path, goes);
  const read = await session.ask("GET", path);
  sameObjects(created, objectOf(read, 200, "what was accepted cannot be read"), "it reads otherwise than it was answered");
  if (updates) {
    const put = await session.askAllowed("PUT", path, Buffer.from(read.text), JSON_HEADERS);
    sameObjects(created, objectOf(put, 200, "it cannot be updated with itself"), "an update with itself changes it");
    for (const [type, body] of [
      ["application/merge-patch+json", "{}"],
      ["application/json-patch+json", "[]"],
      ["application/strategic-merge-patch+json", "{}"],
    ] as const) {
      if (!merges && type.includes("strategic")) continue;
      const patched = await session.askAllowed("PATCH", path, Buffer.from(body), { ...JSON_HEADERS, "content-type": type });
      sameObjects(created, objectOf(patched, 200, "it cannot be patched with nothing"), "a patch of nothing changes it");
    }
    await applyItself(session, path, created);
  }
  await makeAgain(session, collection, created);
  await end(session, path, goes);
}

/** Server-side apply of what is there: fields may change hands, nothing else changes. */
async function applyItself(session: Session, path: string, created: Json): Promise<void> {
  const { managedFields: _managers, resourceVersion: _revision, uid: _uid, generation: _generation, ...metadata } = created.metadata;
  const headers = { ...JSON_HEADERS, "content-type": "application/apply-patch+yaml" };
  const body = Buffer.from(JSON.stringify({ ...created, metadata }));
  const applied = await session.askAllowed("PATCH", `${path}?fieldManager=applier&force=true`, body, headers);
  if (applied.status !== 200) return;
  sameObjects(withoutBookkeeping(created), withoutBookkeeping(JSON.parse(applied.text) as Json), "an apply of itself changes it");
}

/** Defaults, preparation and admission are done once and for all: what they made of an object they leave as it is. */
async function makeAgain(session: Session, collection: string, created: Json): Promise<void> {
  // A patch may have taken away what admission gives to who comes anew (a node's taints), so the first one made again is not yet the same.
  const again = await twinOf(session, collection, created);
  const thrice = again && (await twinOf(session, collection, again));
  if (again && thrice) sameObjects(again.spec, thrice.spec, "what was read makes another object");
}

/** Undefined: what was given out (an address, a selector by uid) may be refused to another. */
async function twinOf(session: Session, collection: string, object: Json): Promise<Json | undefined> {
  const { managedFields: _managers, resourceVersion: _revision, uid: _uid, ...metadata } = object.metadata;
  const twin = { ...object, metadata: { ...metadata, name: `${object.metadata.name.slice(0, 40)}-twin` } };
  const made = await session.ask("POST", `${collection}?dryRun=All`, Buffer.from(JSON.stringify(twin)), JSON_HEADERS);
  return made.status === 201 ? (JSON.parse(made.text) as Json) : undefined;
}

async function end(session: Session, path: string, goes: boolean): Promise<void> {
  const deleted = await session.askAllowed("DELETE", `${path}?gracePeriodSeconds=0`);
  if (deleted.status !== 200 && deleted.status !== 202)
    throw new Violation(`it cannot be deleted: ${deleted.status} ${deleted.text.slice(0, 300)}`);
  if (!goes) return;
  let left = await session.ask("GET", path);
  if (left.status === 404) return;
  const freed = await session.askAllowed("PATCH", path, Buffer.from(FREE), {
    ...JSON_HEADERS,
    "content-type": "application/merge-patch+json",
  });
  if (freed.status !== 200) throw new Violation(`it cannot be freed: ${freed.status} ${freed.text.slice(0, 300)}`);
  left = await session.ask("GET", path);
  if (left.status !== 404) throw new Violation(`it does not go: ${left.text.slice(0, 300)}`);
}

function withoutBookkeeping(object: Json): unknown {
  const { managedFields: _managers, resourceVersion: _revision, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function objectOf({ status, text }: Answered, wanted: number, what: string): Json {
  if (status !== wanted) throw new Violation(`${what}: ${status} ${text.slice(0, 500)}`);
  return JSON.parse(text) as Json;
}
