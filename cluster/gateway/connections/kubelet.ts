/**
 * Logs and streams of pods on machines that have joined: the request goes on to the door of the machine, in the words of kubelets, and the answer back. What the client shows of
 * itself stays here, and of what the machine answers only what belongs to it goes on: a machine is trusted with its pods, not with clients of the API. Source:
 * LogLocation, ExecLocation and PortForwardLocation of pkg/registry/core/pod (Kubernetes 1.34).
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { requestEntityTooLarge, unclassified } from "../../../actors/kinds/errors.ts";
import { type Destination, relay, Unanswered } from "../../../actors/node/http-relay.ts";
import { fetchFrom, type Kubelets } from "../../outbound/kubelets.ts";
import type { Answer } from "../answer.ts";
import type { PodsContext } from "../context.ts";
import { connectionOf, type Exchange } from "../exchange.ts";
import { isTrue } from "../route.ts";
import { mayBeSilent } from "../slow-clients.ts";
import { GATHERED_BYTES_MAX } from "./container-log.ts";
import { goWords } from "./pass-on.ts";
import { containerOf, type PodRequest, podNow, runtimeOf } from "./pod-container.ts";

const PLAIN = "text/plain";
/** What of a request its protocol needs. */
const ASKED = /^(accept|user-agent|x-stream-protocol-version|sec-websocket-(key|version|extensions))$/;
/** What of an answer its protocol needs. */
const ANSWERED = /^(connection|upgrade|sec-websocket-(accept|protocol|extensions)|x-stream-protocol-version|retry-after)$/;
/** A protocol of WebSocket by which browsers show their token. Source: apiserver's authentication/request/websocket. */
const BEARER = /^base64url\.bearer\.authorization\.k8s\.io\./;

/** Where a pod's containers are, where that is a machine that has joined, and the container that is meant. */
interface PodDoor {
  readonly door: Destination;
  readonly container: string;
}

/** Undefined: the pod is on no such machine, or is hollow there, so that all that can be said of it is known here. Throws 404 and 400. */
async function doorOf(context: PodsContext, kubelets: Kubelets | undefined, info: PodRequest): Promise<PodDoor | undefined> {
  if (kubelets === undefined) return undefined;
  const pod = await podNow(context, info.namespace, info.name);
  const node = pod.spec.nodeName ?? "";
  if (node === "" || runtimeOf(context, node) === "hollow") return undefined;
  const door = kubelets.doorOf(node);
  if (door === undefined) return undefined;
  return { door, container: info.subresource === "portforward" ? "" : containerOf(pod, info.query.get("container") ?? "") };
}

/** Undefined: it is answered here. */
export async function logFromKubelet(
  context: PodsContext,
  kubelets: Kubelets | undefined,
  info: PodRequest,
  exchange: Exchange,
): Promise<Answer | undefined> {
  const found = await doorOf(context, kubelets, info);
  if (found === undefined) return undefined;
  const { door, container } = found;
  const query = new URLSearchParams(info.query);
  query.delete("container");
  const path = `/containerLogs/${info.namespace}/${info.name}/${container}${query.size === 0 ? "" : `?${query}`}`;
  if (exchange.connection === undefined && !isTrue(query.get("follow"))) return gathered(door, path);
  const { request, response } = connectionOf(exchange);
  response.setHeader("Cache-Control", "no-cache, private");
  return pass(door, path, request, response, () => PLAIN);
}

/** The same for `exec`, `attach` and `portforward`. */
export async function streamsOfKubelet(
  context: PodsContext,
  kubelets: Kubelets | undefined,
  info: PodRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | undefined> {
  const found = await doorOf(context, kubelets, info);
  if (found === undefined) return undefined;
  const { door, container } = found;
  const place = `${info.namespace}/${info.name}`;
  const path =
    info.subresource === "portforward"
      ? `/portForward/${place}?${new URLSearchParams(info.query.getAll("ports").map((port): [string, string] => ["port", port]))}`
      : `/${info.subresource}/${place}/${container}?${streamParameters(info)}`;
  return pass(door, path, request, response, (type) => (type.startsWith("application/json") ? "application/json" : PLAIN));
}

/** Source: streamParams. */
function streamParameters({ query }: PodRequest): URLSearchParams {
  const names = { stdin: "input", stdout: "output", stderr: "error", tty: "tty" };
  const flags = Object.entries(names).filter(([name]) => isTrue(query.get(name)));
  return new URLSearchParams([
    ...flags.map(([, name]): [string, string] => [name, "1"]),
    ...query.getAll("command").map((word): [string, string] => ["command", word]),
  ]);
}

async function pass(
  door: Destination,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  contentType: (given: string) => string,
): Promise<Answer> {
  mayBeSilent(response);
  const answered = (name: string, value: string): string | undefined => {
    if (name === "content-type") return contentType(value);
    return ANSWERED.test(name) ? value : undefined;
  };
  response.setHeader("Content-Type", contentType(""));
  response.setHeader("X-Content-Type-Options", "nosniff");
  try {
    await relay(request, response, { to: door, path, headers: headersOf(request), answered });
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    throw unclassified(`error dialing backend: ${goWords(error, door)}`);
  }
  return { type: "taken" };
}

function headersOf({ headers }: IncomingMessage): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => ASKED.test(name));
  const protocols = (headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "" && !BEARER.test(protocol));
  return { ...Object.fromEntries(kept), ...(protocols.length === 0 ? {} : { "sec-websocket-protocol": protocols.join(", ") }) };
}

/** For a door that only takes messages: all that there is, in one piece. Throws 413, and what the machine refuses. */
async function gathered(to: Destination, path: string): Promise<Answer> {
  const { code, body } = await fetchFrom(to, path, GATHERED_BYTES_MAX).catch((error: NodeJS.ErrnoException) => {
    throw unclassified(`error dialing backend: ${goWords(new Unanswered(error, true), to)}`);
  });
  if (body === undefined)
    throw requestEntityTooLarge(`the log has more than ${GATHERED_BYTES_MAX} bytes; ask for less by tailLines, sinceTime or limitBytes`);
  return code === 200 ? { type: "bytes", code, bytes: body, contentType: PLAIN } : { type: "json", code, json: body.toString() };
}
