/**
 * What a real container has printed, as its node reads it, piece by piece. Source: kubelet's GetKubeletContainerLogs and validateContainerLogStatus
 * (Kubernetes 1.34).
 */
import type { Writable } from "node:stream";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { badRequest, internalError, requestEntityTooLarge } from "../../../actors/kinds/errors.ts";
import type { ContainerStatus, Pod } from "../../../actors/kinds/generated/types.ts";
import { keyFor } from "../../../actors/kinds/kind.ts";
import type { LogAsked, LogChunk } from "../../../actors/node/logs/read-log.ts";
import { roomIn } from "../../../actors/node/streaming/backpressure.ts";
import type { PodWorkerMessage } from "../../../actors/pod/life/pod-worker.ts";
import { workerOf } from "../../../actors/pod/life/worker-address.ts";
import { AskFailed } from "../../../runtime/mod.ts";
import type { Answer } from "../answer.ts";
import type { PodsContext } from "../context.ts";
import { connectionOf, type Exchange } from "../exchange.ts";
import { openLog } from "./log-sink.ts";

export interface ContainerLog {
  readonly asked: LogAsked;
  readonly limitBytes: number | undefined;
}

/** More of a log goes over no door that only takes messages. */
export const GATHERED_BYTES_MAX: number = 768 * 1024;
/** So often in a row a follower's question may go unanswered: its host is being restarted, or busy. */
const UNANSWERED_MAX = 5;

export async function containerLog(
  { messenger }: Pick<PodsContext, "messenger">,
  pod: Pod,
  id: string,
  { asked, limitBytes }: ContainerLog,
  exchange: Exchange,
): Promise<Answer> {
  const connected = exchange.connection === undefined && !asked.follow ? undefined : connectionOf(exchange);
  const worker = workerOf(pod);
  const key = keyFor(PodKind, pod.metadata.namespace, pod.metadata.name);
  const next = (question: LogAsked): Promise<LogChunk> => {
    const message: PodWorkerMessage = { type: "readLog", pod: key, id, asked: question };
    return messenger.ask<LogChunk>(worker, message);
  };
  // A follower first gets what there is.
  const first = await next({ ...asked, follow: false }).catch((error: unknown) => {
    throw error instanceof AskFailed ? internalError(error.message) : error;
  });
  if (connected === undefined) return gathered(first, next, { asked, limitBytes });
  const sink = openLog(connected);
  print(first, next, { asked, limitBytes }, sink).finally(() => sink.end());
  return { type: "taken" };
}

/** All that there is, in one piece. Throws 413. */
async function gathered(
  first: LogChunk,
  next: (question: LogAsked) => Promise<LogChunk>,
  { asked, limitBytes = Number.POSITIVE_INFINITY }: ContainerLog,
): Promise<Answer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for (let chunk = first; ; chunk = await next({ ...asked, cursor: chunk.cursor })) {
    pieces.push(chunk.data);
    bytes += chunk.data.length;
    if (Math.min(bytes, limitBytes) > GATHERED_BYTES_MAX)
      throw requestEntityTooLarge(`the log has more than ${GATHERED_BYTES_MAX} bytes; ask for less by tailLines, sinceTime or limitBytes`);
    if (chunk.isEnd || bytes >= limitBytes)
      return { type: "bytes", code: 200, bytes: Buffer.concat(pieces).subarray(0, limitBytes), contentType: "text/plain" };
  }
}

async function print(
  first: LogChunk,
  next: (question: LogAsked) => Promise<LogChunk>,
  { asked, limitBytes }: ContainerLog,
  sink: Writable,
): Promise<void> {
  let chunk = first;
  let left = limitBytes ?? Number.POSITIVE_INFINITY;
  for (let unanswered = 0; !sink.destroyed; ) {
    const { data, cursor } = chunk;
    const part = data.subarray(0, left);
    left -= part.length;
    if (part.length > 0 && !sink.write(part)) await roomIn(sink);
    if (left <= 0 || (chunk.isEnd && !asked.follow)) return;
    try {
      chunk = await next({ ...asked, cursor });
      if (chunk.isEnd && chunk.data.length === 0) return;
      unanswered = 0;
    } catch (error) {
      if (!(error instanceof AskFailed) || error.code === "log" || ++unanswered > UNANSWERED_MAX) return;
    }
  }
}

/** The run of the container that is asked about. Throws 400 where there is none, in kubelet's words. */
export function runOf(pod: Pod, container: string, status: ContainerStatus | undefined, previous: boolean): string {
  const quoted = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata.name)}`;
  if (status === undefined) throw badRequest(`${quoted} is not available`);
  const { state = {}, lastState = {} } = status;
  const last = lastState.terminated?.containerID;
  if (previous) {
    if (last === undefined || last === "") throw badRequest(`previous terminated ${quoted} not found`);
    return idOf(last);
  }
  const now = state.running === undefined ? (state.terminated?.containerID ?? last) : status.containerID;
  if (now !== undefined && now !== "") return idOf(now);
  if (state.terminated !== undefined || lastState.terminated !== undefined) throw badRequest(`${quoted} is terminated`);
  switch (state.waiting?.reason) {
    case "ErrImagePull":
      throw badRequest(`${quoted} is waiting to start: image can't be pulled`);
    case "ImagePullBackOff":
      throw badRequest(`${quoted} is waiting to start: trying and failing to pull image`);
    default:
      throw badRequest(`${quoted} is waiting to start: ${state.waiting?.reason ?? "ContainerCreating"}`);
  }
}

/** Without the scheme of its runtime. */
function idOf(containerID: string): string {
  return containerID.slice(containerID.indexOf("://") + "://".length);
}
