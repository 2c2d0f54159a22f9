/**
 * `exec` and `attach` of a pod. Which pod and container is meant is settled here, in Kubernetes' words; the pod's actor says where the streams of what runs
 * can be had; and they are carried between there and the client, each side waiting for the other. When one goes, the other is ended. Nodes whose
 * containers are no processes refuse: as a Status on the error channel to clients that come by WebSocket, which show nothing else, else as the HTTP answer.
 * Source: streamLocation of pkg/registry/core/pod; kubelet's remotecommand/exec.go; KEP-4006.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { badRequest, internalError } from "../../../actors/kinds/errors.ts";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import { keyFor } from "../../../actors/kinds/kind.ts";
import { roomIn } from "../../../actors/node/streaming/backpressure.ts";
import { CHANNEL, type Ended, Frames, frame } from "../../../actors/node/streaming/frames.ts";
import { openDoor, type StreamAsked, type StreamDoor, type StreamsWanted } from "../../../actors/node/streaming/stream-door.ts";
import type { PodWorkerMessage } from "../../../actors/pod/life/pod-worker.ts";
import { workerOf } from "../../../actors/pod/life/worker-address.ts";
import { AskFailed } from "../../../runtime/mod.ts";
import type { Answer } from "../answer.ts";
import type { PodsContext } from "../context.ts";
import { isTrue } from "../route.ts";
import type { CommandClient, CommandOutcome } from "./command-client.ts";
import { Idle } from "./idle.ts";
import { containerOf, hasProcesses, hostOf, type PodRequest, podNow, whyUnreachable } from "./pod-container.ts";
import { acceptSpdyCommand, offeredOverSpdy, SPDY_COMMAND_PROTOCOLS } from "./spdy-command.ts";
import { offeredProtocol } from "./web-socket.ts";
import { acceptCommand, COMMAND_PROTOCOLS } from "./web-socket-command.ts";

const SUCCESS: CommandOutcome = { metadata: {}, status: "Success" };
const NO_STREAM = "you must specify at least 1 of stdin, stdout, stderr";

export async function remoteCommand(
  context: PodsContext,
  info: PodRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const pod = await podNow(context, info.namespace, info.name);
  const container = containerOf(pod, info.query.get("container") ?? "");
  const node = hostOf(pod);
  if (request.headers.upgrade === undefined) throw badRequest("Upgrade request required");
  const asked = askedOf(info);
  if (!asked.stdin && !asked.stdout && !asked.stderr) throw badRequest(NO_STREAM);
  const name = offeredProtocol(request, COMMAND_PROTOCOLS);
  const spdyName = name === undefined ? offeredOverSpdy(request, SPDY_COMMAND_PROTOCOLS) : undefined;
  const reached = await reach(context, pod, container, node, asked);
  if ("refusal" in reached) {
    const { refusal, plain } = reached;
    if (name !== undefined) await acceptCommand(name, request, response, undefined)?.finish(refusal.status as CommandOutcome);
    else if (plain !== undefined) return { type: "text", code: 500, text: `${plain}\n` };
    else throw refusal;
    return { type: "taken" };
  }
  const { socket } = reached;
  if (name === undefined && spdyName === undefined) {
    socket.destroy();
    throw badRequest(`unable to upgrade: no protocol of ${request.headers.upgrade} that is offered is known`);
  }
  if (name !== undefined) carry(context, acceptCommand(name, request, response, asked), socket, asked);
  else
    acceptSpdyCommand(spdyName ?? "", request, response, asked, context.clock).then(
      (client) => carry(context, client, socket, asked),
      () => socket.destroy(),
    );
  return { type: "taken" };
}

function askedOf({ subresource, query }: PodRequest): StreamAsked {
  const is = (flag: string): boolean => isTrue(query.get(flag));
  const tty = is("tty");
  // What is printed on a terminal is one stream. Source: kubelet's remotecommand.NewOptions.
  const wanted: StreamsWanted = { stdin: is("stdin"), stdout: is("stdout"), stderr: is("stderr") && !tty, tty };
  return subresource === "exec" ? { op: "exec", command: query.getAll("command"), ...wanted } : { op: "attach", ...wanted };
}

type Reached =
  | { readonly socket: Socket }
  /** `plain`: what a kubelet answers where the connection has not been switched. */
  | { readonly refusal: ReturnType<typeof badRequest>; readonly plain?: string };

async function reach(context: PodsContext, pod: Pod, container: string, node: string, asked: StreamAsked): Promise<Reached> {
  if (!hasProcesses(context, node)) {
    return {
      refusal: badRequest(`cannot ${asked.op} in container ${container} of pod ${pod.metadata.name}: ${whyUnreachable(context, node)}`),
    };
  }
  const message: PodWorkerMessage = { type: "stream", pod: keyFor(PodKind, pod.metadata.namespace, pod.metadata.name), container, asked };
  try {
    const door = await context.messenger.ask<StreamDoor>(workerOf(pod), message);
    const { socket, answer } = await openDoor(door);
    if (answer.failure === undefined) return { socket };
    socket.destroy();
    return unableTo(answer.failure.message);
  } catch (error) {
    if (error instanceof AskFailed && error.code !== "stream") return { refusal: internalError(error.message) };
    return unableTo((error as Error).message);
  }
}

function unableTo(why: string): Reached {
  return { refusal: internalError(`unable to upgrade connection: ${why}`), plain: why };
}

/** Until one of them ends. */
function carry({ clock, log }: PodsContext, client: CommandClient | undefined, socket: Socket, asked: StreamAsked): void {
  if (client === undefined) {
    socket.destroy();
    return;
  }
  const idle = new Idle(clock, () => client.drop());
  const carried = Promise.all([carryIn(client, socket, idle), carryOut(client, socket, asked, idle)]);
  carried
    .catch((error: unknown) => {
      log.debug({ error: String(error) }, "the streams of a command broke off");
      client.drop();
      socket.destroy();
    })
    .finally(() => idle.stop());
}

async function carryIn(client: CommandClient, socket: Socket, idle: Idle): Promise<void> {
  try {
    for await (const { channel, payload } of client.heard) {
      idle.used();
      if (!socket.destroyed && !socket.write(frame(channel, payload))) await roomIn(socket);
    }
  } finally {
    socket.destroy();
  }
}

async function carryOut(client: CommandClient, socket: Socket, asked: StreamAsked, idle: Idle): Promise<void> {
  const frames = new Frames();
  let ended: Ended | undefined;
  for await (const bytes of socket) {
    for (const { channel, payload } of frames.take(bytes as Buffer)) {
      idle.used();
      if (channel === CHANNEL.status) ended = JSON.parse(payload.toString()) as Ended;
      else await client.show(channel, payload);
    }
  }
  await client.finish(outcomeOf(asked, ended));
}

function outcomeOf({ op }: StreamAsked, ended: Ended | undefined): CommandOutcome {
  if (ended === undefined) return failed("the connection to its runtime was lost");
  if (ended.message !== undefined) return failed(ended.message);
  if (op === "attach" || ended.exitCode === 0) return SUCCESS;
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: command terminated with exit code ${ended.exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(ended.exitCode) }] },
  };
}

function failed(why: string): CommandOutcome {
  return internalError(`error executing command in container: ${why}`).status as CommandOutcome;
}
