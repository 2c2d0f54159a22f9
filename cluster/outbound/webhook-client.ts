import type { Dispatcher } from "undici";
import { type WebhookClient, WebhookFailure, type WebhookTarget } from "../../actors/mod.ts";
import type { View } from "../../actors/store/view.ts";
import type { Random } from "../../runtime/mod.ts";
import { failureWords, statusWords } from "./call-words.ts";
import { type Dialer, type Peer, peerAt } from "./dialer.ts";
import { NoEndpoint, serviceAddress } from "./service-address.ts";

/** The longest answer that is read. Source: client-go's limit of what apiserver itself takes. */
const ANSWER_BYTES_MAX = 3 * 1024 * 1024;
/** Of what is said with an error so much is repeated. */
const ERROR_CHARS_MAX = 2_048;
const HTTPS_PORT = 443;
const MS_PER_S = 1_000;

interface Place {
  readonly peer: Peer;
  readonly path: string;
  /** As it is printed. */
  readonly url: string;
}

/** Calls webhooks over HTTPS: by URL, or an endpoint of a service under the name of the service. Redirects are not followed. */
export function createWebhookClient(options: { readonly view: View; readonly random: Random; readonly dialer: Dialer }): WebhookClient {
  const { view, random, dialer } = options;
  return {
    async post(target, body, timeout_s) {
      const { peer, path, url } = placeOf(view, random, target, timeout_s);
      try {
        const pool = await dialer.reach(peer);
        const answer = await pool.request({
          method: "POST",
          path,
          headers: { host: hostHeader(peer), "content-type": "application/json", accept: "application/json, */*" },
          body,
          signal: AbortSignal.timeout(timeout_s * MS_PER_S),
        });
        return parsed(answer.statusCode, await read(answer.body));
      } catch (error) {
        if (error instanceof WebhookFailure) throw error;
        const why = failureWords(error, `${peer.host}:${peer.port}`, peer.host);
        throw new WebhookFailure(`failed to call webhook: Post ${JSON.stringify(url)}: ${why}`);
      }
    },
  };
}

function hostHeader({ serverName, port }: Peer): string {
  const name = serverName.includes(":") ? `[${serverName}]` : serverName;
  return port === HTTPS_PORT ? name : `${name}:${port}`;
}

function placeOf(view: View, random: Random, { url, service, caBundle }: WebhookTarget, timeout_s: number): Place {
  const trust = caBundle === undefined || caBundle === "" ? "system" : { ca: Buffer.from(caBundle, "base64").toString("utf8") };
  const query = `?timeout=${timeout_s}s`;
  if (url !== undefined) {
    const target = new URL(url);
    const path = `${target.pathname}${query}`;
    return { peer: peerAt(target, trust), path, url: `${target.origin}${path}` };
  }
  if (service === undefined) throw new WebhookFailure("could not get REST client: webhook configuration must have either service or URL");
  const { namespace, name, port = HTTPS_PORT, path: servicePath = "" } = service;
  const serverName = `${name}.${namespace}.svc`;
  const path = `${servicePath.startsWith("/") ? servicePath : `/${servicePath}`}${query}`;
  const printed = `https://${serverName}:${port}${path}`;
  try {
    return { peer: { ...serviceAddress(view, random, { namespace, name, port }), serverName, trust }, path, url: printed };
  } catch (error) {
    if (!(error instanceof NoEndpoint)) throw error;
    throw new WebhookFailure(`failed to call webhook: Post ${JSON.stringify(printed)}: ${error.message}`);
  }
}

async function read(body: Dispatcher.ResponseData["body"]): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new WebhookFailure(`failed to call webhook: the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(code: number, text: string): unknown {
  if (code < 200 || code > 206)
    throw new WebhookFailure(`failed to call webhook: ${statusWords(code, text.slice(0, ERROR_CHARS_MAX).trim())}`);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const shown = text.slice(0, ERROR_CHARS_MAX);
    throw new WebhookFailure(
      `failed to call webhook: couldn't get version/kind; json parse error: the answer is no JSON: ${JSON.stringify(shown)}`,
    );
  }
}
