import type { ServerResponse } from "node:http";
import { promisify } from "node:util";
import { constants, createGzip, gzip } from "node:zlib";
import { stringify } from "yaml";
import { encodeProtobuf } from "../../actors/kinds/protobuf/envelope.ts";
import { roomIn } from "../../actors/node/streaming/backpressure.ts";
import type { View } from "../../actors/store/view.ts";
import type { Format } from "./accept.ts";
import { PROTOBUF_TYPE } from "./accept.ts";
import type { Answer, Headers } from "./answer.ts";
import { listChunks, listSize } from "./list-text.ts";
import type { IncludeObject } from "./object-text.ts";
import { partialObject, tableOfOne, wholeObject } from "./object-text.ts";

/** Answers larger than this are compressed for clients that ask. Source: apiserver's defaultGzipThresholdBytes. */
export const GZIP_BYTES_MIN: number = 128 * 1024;
/** Kubernetes' level as well: what counts is the time of the server. */
const GZIP_LEVEL = constants.Z_BEST_SPEED;
/** Lists up to this size are sent in one piece with their length; larger ones as they are printed. */
const LIST_WHOLE_CHARS_MAX = 128 * 1024;
const JSON_INDENT = 2;

/** How this client wants its answer, and what goes to it. */
export interface Wire {
  readonly response: ServerResponse;
  readonly format: Format;
  readonly includeObject: IncludeObject;
  readonly pretty: boolean;
  readonly gzip: boolean;
  /** Headers of every answer, as names and values in turn. */
  readonly told: readonly string[];
  /** Ends the connection after the answer; undefined where it goes on. */
  readonly last?: () => void;
}

const compress = promisify(gzip);

/** Prints an answer. Resolves when all of it is handed to the connection. */
export async function print(answer: Answer, wire: Wire, view: View, now_ms: number): Promise<void> {
  switch (answer.type) {
    case "taken":
      return;
    case "unchanged":
      wire.response.writeHead(304, flat(answer.headers)).end();
      return;
    case "text":
      return send(wire, answer.code, answer.contentType ?? "text/plain; charset=utf-8", answer.text, answer.headers);
    case "bytes":
      return sendFlat(wire, answer.code, answer.contentType, answer.bytes, answer.headers === undefined ? [] : flat(answer.headers));
    case "value":
      return sendJson(wire, answer.code, JSON.stringify(answer.value), []);
    case "json":
      return sendJson(wire, answer.code, answer.json, answer.headers === undefined ? [] : flat(answer.headers), answer.contentType);
    case "object": {
      const { kind, entry, code } = answer;
      const { as, viewVersion } = wire.format;
      const rendering = { kind, as, viewVersion, includeObject: wire.includeObject };
      const json =
        wire.format.as === "object"
          ? wholeObject(kind, entry.text, entry.revision)
          : wire.format.as === "metadata"
            ? partialObject(entry.text, entry.revision, viewVersion)
            : tableOfOne(rendering, view, entry, entry.revision, now_ms, true);
      return sendJson(wire, code, json, []);
    }
    case "list": {
      const { as, viewVersion } = wire.format;
      const rendering = { kind: answer.kind, as, viewVersion, includeObject: wire.includeObject };
      const chunks = listChunks(answer, rendering, view, now_ms);
      const reprinted = wire.pretty || wire.format.encoding !== "json";
      if (reprinted || listSize(answer) <= LIST_WHOLE_CHARS_MAX) return sendJson(wire, 200, [...chunks].join(""), []);
      return stream(wire, chunks);
    }
  }
}

function sendJson(
  wire: Wire,
  code: number,
  json: string,
  headers: readonly string[],
  contentType = "application/json",
): void | Promise<void> {
  if (wire.format.encoding === "yaml") {
    return sendFlat(wire, code, "application/yaml", stringify(JSON.parse(json), { sortMapEntries: true, lineWidth: 0 }), headers);
  }
  if (wire.format.encoding === "protobuf") {
    const body = encodeProtobuf(JSON.parse(json) as Record<string, unknown>);
    if (body !== undefined) return sendFlat(wire, code, PROTOBUF_TYPE, body, headers);
    // Discovery and the version have no protobuf form here, and go as JSON to whoever asks.
    return sendFlat(wire, code, contentType, `${json}\n`, headers);
  }
  if (wire.pretty) return sendFlat(wire, code, contentType, `${JSON.stringify(JSON.parse(json), null, JSON_INDENT)}\n`, headers);
  return sendFlat(wire, code, contentType, `${json}\n`, headers);
}

function send(wire: Wire, code: number, contentType: string, text: string, headers: Headers = {}): void | Promise<void> {
  return sendFlat(wire, code, contentType, text, flat(headers));
}

/** One head, one body, one write: the whole of most answers is a single TLS record. */
function sendFlat(wire: Wire, code: number, contentType: string, body: string | Buffer, headers: readonly string[]): void | Promise<void> {
  const { response } = wire;
  const bytes = Buffer.byteLength(body);
  if (wire.gzip && bytes > GZIP_BYTES_MIN) return sendCompressed(wire, code, contentType, body, headers);
  if (response.destroyed) return;
  const head = [...wire.told, ...cached(headers), "Content-Type", contentType, "Content-Length", String(bytes)];
  if (wire.last !== undefined) {
    // Its end would have Node close the connection before the client has seen anything.
    response.writeHead(code, [...head, "Connection", "close"]);
    response.write(body, wire.last);
    return;
  }
  response.writeHead(code, head);
  // As many bytes as characters means ASCII: then nothing has to be transcoded.
  response.end(body, bytes === body.length ? "latin1" : "utf8");
}

const CACHE = "no-cache, private";

/** Nothing is to be cached but what says so itself. */
function cached(headers: readonly string[]): readonly string[] {
  return headers.includes("Cache-Control") ? headers : ["Cache-Control", CACHE, ...headers];
}

async function sendCompressed(
  wire: Wire,
  code: number,
  contentType: string,
  whole: string | Buffer,
  headers: readonly string[],
): Promise<void> {
  const body = await compress(whole, { level: GZIP_LEVEL });
  if (wire.response.destroyed) return;
  const compressed = ["Content-Encoding", "gzip", "Vary", "Accept-Encoding", "Content-Length", String(body.length)];
  wire.response.writeHead(code, [...wire.told, ...cached(headers), "Content-Type", contentType, ...compressed]);
  wire.response.end(body);
}

/** Sends a large list piece by piece, each when there is room for it, so that it is never in memory as a whole. */
async function stream(wire: Wire, chunks: Iterable<string>): Promise<void> {
  const { response } = wire;
  if (response.destroyed) return;
  const head = [...wire.told, "Content-Type", "application/json", "Cache-Control", CACHE];
  response.writeHead(200, wire.gzip ? [...head, "Content-Encoding", "gzip", "Vary", "Accept-Encoding"] : head);
  if (wire.gzip) {
    const zip = createGzip({ level: GZIP_LEVEL });
    zip.pipe(response);
    response.once("close", () => zip.destroy());
    for (const chunk of chunks) {
      if (!zip.write(chunk, "utf8")) await roomIn(zip);
      if (response.destroyed) return;
    }
    zip.end("\n");
    return;
  }
  for (const chunk of chunks) {
    if (!response.write(chunk, "utf8")) await roomIn(response);
    if (response.destroyed) return;
  }
  response.end("\n");
}

function flat(headers: Headers): string[] {
  const list: string[] = [];
  for (const [name, value] of Object.entries(headers)) list.push(name, value);
  return list;
}
