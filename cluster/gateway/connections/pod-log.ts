import type { Writable } from "node:stream";
import { badRequest, internalError, invalid as invalidObject } from "../../../actors/kinds/errors.ts";
import { forbidden, invalid } from "../../../actors/kinds/field-error.ts";
import type { ContainerStatus, Pod } from "../../../actors/kinds/generated/types.ts";
import { keyFor } from "../../../actors/kinds/kind.ts";
import type { FieldError } from "../../../actors/kinds/status.ts";
import type { LogAsked } from "../../../actors/node/logs/read-log.ts";
import type { Answer } from "../answer.ts";
import type { PodsContext } from "../context.ts";
import { connectionOf, type Exchange } from "../exchange.ts";
import { isTrue } from "../route.ts";
import { containerLog, runOf } from "./container-log.ts";
import { openLog } from "./log-sink.ts";
import { containerOf, type PodRequest, podNow, runtimeOf, whyUnreachable } from "./pod-container.ts";
import { wantsWebSocket } from "./web-socket.ts";

/**
 * `GET /api/v1/namespaces/x/pods/y/log`. A real container's is read where it runs (container-log.ts). A hollow container has no process that could print: its log is one line that says so, with the time at
 * which it started, and all options hold for that line as for any other. Source: pkg/registry/core/pod, LogLocation, and kubelet's GetKubeletContainerLogs.
 */
export async function podLog(context: PodsContext, info: PodRequest, exchange: Exchange): Promise<Answer> {
  const options = logOptions(info.query, context.clock.now_ms());
  if (options.errors.length > 0) throw invalidObject({ group: "", kind: "PodLogOptions" }, info.name, options.errors);
  const pod = await podNow(context, info.namespace, info.name);
  const container = containerOf(pod, options.container);
  const node = pod.spec.nodeName ?? "";
  if (node === "") return shown("", exchange);
  const runtime = runtimeOf(context, node);
  if (runtime === undefined) throw internalError(whyUnreachable(context, node));
  if (runtime !== "hollow") {
    const { follow, timestamps, since_ms, tailLines, limitBytes, stream } = options;
    const id = runOf(pod, container, stateOf(pod, container), options.previous);
    const asked: LogAsked = {
      follow,
      timestamps,
      since_ms,
      ...(tailLines === undefined ? {} : { tailLines }),
      ...(stream === undefined ? {} : { stream }),
    };
    return containerLog(context, pod, id, { asked, limitBytes }, exchange);
  }
  const { startedAt } = startOf(pod, container, options.previous);
  const printed = printedBy(startedAt, options);
  if (!options.follow || hasEnded(pod, container)) return shown(printed, exchange);
  follow(context, pod, container, printed, openLog(connectionOf(exchange)));
  return { type: "taken" };
}

/** What every hollow container prints when it starts. */
const HOLLOW_LINE =
  "This container is hollow: it has the states of a container, but no process runs in it. It prints nothing but this line.";
const MS_PER_S = 1_000;

function shown(printed: string, { connection }: Exchange): Answer {
  if (connection === undefined || !wantsWebSocket(connection.request))
    return { type: "text", code: 200, text: printed, contentType: "text/plain" };
  openLog(connection).end(printed);
  return { type: "taken" };
}

interface LogOptions {
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Lines before this are left out; RFC 3339 in milliseconds. */
  readonly since_ms: number;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  /** Undefined: both. */
  readonly stream: "stdout" | "stderr" | undefined;
  readonly errors: readonly FieldError[];
}

function logOptions(query: URLSearchParams, now_ms: number): LogOptions {
  const [tailLines, limitBytes, sinceSeconds] = ["tailLines", "limitBytes", "sinceSeconds"].map((name) => wholeNumber(query, name));
  const sinceTime = query.get("sinceTime") ?? "";
  const errors: FieldError[] = [];
  if (tailLines !== undefined && tailLines < 0) errors.push(invalid("tailLines", tailLines, "must be greater than or equal to 0"));
  if (limitBytes !== undefined && limitBytes < 1) errors.push(invalid("limitBytes", limitBytes, "must be greater than 0"));
  if (sinceSeconds !== undefined && sinceTime !== "") {
    errors.push(forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) errors.push(invalid("sinceSeconds", sinceSeconds, "must be greater than 0"));
  const stream = query.get("stream") ?? "All";
  if (!["All", "Stderr", "Stdout"].includes(stream)) throw badRequest(`unknown stream ${JSON.stringify(stream)}`);
  const since_ms = sinceTime !== "" ? Date.parse(sinceTime) : sinceSeconds === undefined ? 0 : now_ms - sinceSeconds * MS_PER_S;
  if (Number.isNaN(since_ms)) throw badRequest(`sinceTime is no time in RFC 3339: ${JSON.stringify(sinceTime)}`);
  return {
    container: query.get("container") ?? "",
    follow: isTrue(query.get("follow")),
    previous: isTrue(query.get("previous")),
    timestamps: isTrue(query.get("timestamps")),
    since_ms,
    tailLines,
    limitBytes,
    stream: stream === "Stdout" ? "stdout" : stream === "Stderr" ? "stderr" : undefined,
    errors,
  };
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const given = query.get(name);
  if (given === null || given === "") return undefined;
  if (!/^[+-]?\d+$/.test(given)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(given)}: invalid syntax`);
  return Number(given);
}

function stateOf(pod: Pod, container: string): ContainerStatus | undefined {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(({ name }) => name === container);
}

/** The run of the container that is asked about. Throws 400 where there is none. Source: kubelet's validateContainerLogStatus. */
function startOf(pod: Pod, container: string, previous: boolean): { readonly startedAt: string } {
  const { name } = pod.metadata;
  const status = stateOf(pod, container);
  const waits = status?.state?.waiting;
  const last = status?.lastState?.terminated;
  const run = previous ? last : (status?.state?.running ?? status?.state?.terminated ?? last);
  if (run !== undefined) return { startedAt: run.startedAt ?? "" };
  const quoted = `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)}`;
  if (previous) throw badRequest(`previous terminated ${quoted} not found`);
  throw badRequest(`${quoted} is waiting to start: ${waits?.reason ?? "ContainerCreating"}`);
}

function printedBy(startedAt: string, { since_ms, tailLines, limitBytes, timestamps, stream }: LogOptions): string {
  if (tailLines === 0 || stream === "stderr" || Date.parse(startedAt) < since_ms) return "";
  const line = `${timestamps ? `${startedAt.replace(/(\.\d+)?Z$/, ".000000000Z")} ` : ""}${HOLLOW_LINE}\n`;
  return limitBytes === undefined ? line : line.slice(0, limitBytes);
}

function hasEnded(pod: Pod, container: string): boolean {
  return stateOf(pod, container)?.state?.running === undefined;
}

/** Prints what there is and stays until the container ends, its pod goes, or the client does. */
function follow({ view }: PodsContext, pod: Pod, container: string, printed: string, sink: Writable): void {
  sink.write(printed);
  const { namespace = "", name, uid } = pod.metadata;
  const key = keyFor({ group: "", plural: "pods" }, namespace, name);
  const subscription = view.watch("pods", view.revision, ({ now, before }) => {
    if ((now ?? before)?.key !== key) return;
    const next = now === undefined ? undefined : view.decode<Pod>(now);
    if (next?.metadata.uid === uid && !hasEnded(next, container)) return;
    subscription.cancel();
    sink.end();
  });
  sink.once("close", () => subscription.cancel());
}
