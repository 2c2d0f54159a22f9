import { badRequest, requestEntityTooLarge } from "../../actors/kinds/errors.ts";
import { BODY_BYTES_MAX } from "../gateway/body.ts";
import type { ResourceRequest } from "../gateway/route.ts";
import type { Asked } from "./asked.ts";
import { type Reply, UTF8_BYTES_MAX } from "./reply.ts";

/** Lines of JSON: what of a message makes it several requests. */
export const BATCH_TYPE = "application/x-ndjson";
/** Requests of one message. */
const BATCH_MAX = 256;

type AskedOfObjects = Asked & { readonly info: ResourceRequest };

/** One of them, with its body. */
interface Item {
  readonly asked: AskedOfObjects;
  readonly data: Uint8Array;
}

export function isBatch({ headers }: Asked): boolean {
  return headers["content-type"]?.startsWith(BATCH_TYPE) === true;
}

/**
 * The requests of a message, all of its verb, about its resource in its namespace: a line is an object to make or replace, or the name of one to read or
 * delete. Throws 400, and 413 for what is larger than one body may be, so that what is made of it fits into an answer.
 */
export function itemsOf(asked: Asked, data: Uint8Array): readonly Item[] {
  const { info } = asked;
  if (info.type === "page" || info.named) throw badRequest("the lines say which objects a batch is about: its subject ends in _");
  if (data.length > BODY_BYTES_MAX) throw requestEntityTooLarge(`limit is ${BODY_BYTES_MAX}`);
  const lines = linesOf(Buffer.from(data.buffer, data.byteOffset, data.length));
  if (lines.length === 0 || lines.length > BATCH_MAX) throw badRequest(`a batch has 1 to ${BATCH_MAX} lines, not ${lines.length}`);
  const each = ofEach(asked, info);
  switch (info.verb) {
    case "create":
      return lines.map((line) => ({ asked: each, data: line }));
    case "update":
      return lines.map((line) => ({ asked: named(each, nameIn(line.toString())), data: line }));
    case "get":
    case "delete":
      return lines.map((line) => ({ asked: named(each, stringIn(line.toString())), data: NOTHING }));
    default:
      throw badRequest("a batch is one of get, create, update or delete");
  }
}

/** The answers, a line each, in the order of the requests; one for which there is no room any more says so. */
export function joined(replies: readonly Reply[], bytesMax: number): string {
  const lines = replies.map(({ data }) => String(data));
  const text = lines.join("\n");
  if (text.length * UTF8_BYTES_MAX <= bytesMax) return text;
  let room = bytesMax - replies.length * NO_ROOM.length;
  return lines
    .map((line) => {
      room -= Buffer.byteLength(line) + 1;
      return room < 0 ? NO_ROOM : line;
    })
    .join("\n");
}

/** What was asked for is done all the same. */
const NO_ROOM: string = JSON.stringify(
  requestEntityTooLarge("it is done, and its answer has no room beside the others: ask for fewer objects at a time").status,
);
const NOTHING = new Uint8Array();
const LINE_FEED = 0x0a;

/** The parts of the same bytes, without those that are empty. */
function linesOf(data: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < data.length; ) {
    const end = data.indexOf(LINE_FEED, from);
    const to = end < 0 ? data.length : end;
    if (to > from) lines.push(data.subarray(from, to));
    from = to + 1;
  }
  return lines;
}

/** A line is JSON, and its answer is one. */
function ofEach(asked: Asked, info: ResourceRequest): AskedOfObjects {
  const { headers } = asked;
  const query = new URLSearchParams(info.query);
  query.delete("pretty");
  return { ...asked, info: { ...info, query }, headers: { ...headers, "content-type": "application/json", accept: undefined } };
}

function named(asked: AskedOfObjects, name: string): AskedOfObjects {
  const { info } = asked;
  const path = `${info.path}/${name}`;
  const isNamespace = info.group === "" && info.resource === "namespaces";
  return { ...asked, info: { ...info, name, named: true, path, namespace: isNamespace ? name : info.namespace }, target: path };
}

function valueIn(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function stringIn(line: string): string {
  const name = valueIn(line);
  if (typeof name !== "string" || name === "") throw badRequest(`a line is no name in JSON, such as "web": ${line.slice(0, 100)}`);
  return name;
}

function nameIn(line: string): string {
  const { metadata } = (valueIn(line) ?? {}) as { readonly metadata?: { readonly name?: unknown } };
  if (typeof metadata?.name !== "string" || metadata.name === "")
    throw badRequest(`a line is no object with a name: ${line.slice(0, 100)}`);
  return metadata.name;
}
