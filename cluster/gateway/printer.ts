import type { ServerResponse } from "node:http";
import { promisify } from "node:util";
import { constants, createGzip, gzip } from "node:zlib";
import type { View } from "../../actors/store/view.ts";
import type { Answer } from "./answer.ts";
import { writeGathered } from "./gathered.ts";
import { isLonger, listPieces } from "./list-text.ts";
import { type Form, flat, type Printed, printed } from "./printed.ts";

/** Answers larger than this are compressed for clients that ask. Source: apiserver's defaultGzipThresholdBytes. */
export const GZIP_BYTES_MIN: number = 128 * 1024;
/** Kubernetes' level as well: what counts is the time of the server. */
const GZIP_LEVEL = constants.Z_BEST_SPEED;
/** Lists up to this size are sent in one piece with their length; larger ones as they are printed. */
const LIST_WHOLE_CHARS_MAX = 128 * 1024;

/** How this client wants its answer, and what goes to it. */
export interface Wire extends Form {
  readonly response: ServerResponse;
  readonly gzip: boolean;
  /** Headers of every answer, as names and values in turn. */
  readonly told: readonly string[];
  /** Ends the connection after the answer; undefined where it goes on. */
  readonly last?: () => void;
}

const compress = promisify(gzip);

/** Prints an answer. Resolves when all of it is handed to the connection. */
export async function print(answer: Answer, wire: Wire, view: View, now_ms: number): Promise<void> {
  if (answer.type === "taken") return;
  if (answer.type === "unchanged") {
    wire.response.writeHead(304, flat(answer.headers)).end();
    return;
  }
  if (answer.type === "list" && !wire.pretty && wire.format.encoding === "json" && isLonger(answer, LIST_WHOLE_CHARS_MAX)) {
    const { as, viewVersion } = wire.format;
    const rendering = { kind: answer.kind, as, viewVersion, includeObject: wire.includeObject };
    return stream(wire, listPieces(answer, rendering, view, now_ms));
  }
  return send(wire, printed(answer, wire, view, now_ms));
}

/** One head, one body, one write: the whole of most answers is a single TLS record. */
function send(wire: Wire, { code, contentType, body, headers }: Printed): void | Promise<void> {
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
async function stream(wire: Wire, pieces: Iterable<string>): Promise<void> {
  const { response } = wire;
  if (response.destroyed) return;
  const head = [...wire.told, "Content-Type", "application/json", "Cache-Control", CACHE];
  response.writeHead(200, wire.gzip ? [...head, "Content-Encoding", "gzip", "Vary", "Accept-Encoding"] : head);
  if (wire.gzip) {
    const zip = createGzip({ level: GZIP_LEVEL });
    zip.pipe(response);
    response.once("close", () => zip.destroy());
    await writeGathered(zip, pieces);
    if (!response.destroyed) zip.end("\n");
    return;
  }
  await writeGathered(response, pieces);
  if (!response.destroyed) response.end("\n");
}
