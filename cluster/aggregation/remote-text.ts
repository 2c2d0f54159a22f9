import type { Requester } from "../../actors/registry/registry.ts";
import type { RemoteCaller } from "./remote-caller.ts";
import type { RemoteService } from "./remote-services.ts";

const ANSWER_MS = 5_000;
/** The longest document that is read of a server. */
const DOCUMENT_BYTES_MAX = 3 * 1024 * 1024;

/** What a server behind an APIService answers to a `GET` that the house itself asks. Throws as `RemoteCaller.call` does. */
export async function textOf(
  caller: RemoteCaller,
  service: RemoteService,
  path: string,
  requester: Requester,
): Promise<{ readonly code: number; readonly text: string }> {
  const headers = { accept: "application/json" };
  const signal = AbortSignal.timeout(ANSWER_MS);
  const { statusCode, body } = await caller.call(service, { method: "GET", path, headers, requester, signal });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > DOCUMENT_BYTES_MAX) throw new Error(`the answer is longer than ${DOCUMENT_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return { code: statusCode, text: Buffer.concat(chunks).toString("utf8") };
}
