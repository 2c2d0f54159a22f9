import { resourceNotFound } from "../../../actors/kinds/errors.ts";
import type { Kind, Subresource } from "../../../actors/kinds/kind.ts";
import type { Requester } from "../../../actors/registry/registry.ts";
import type { Answer } from "../answer.ts";
import type { GatewayContext, PodsContext } from "../context.ts";
import { untilNewest } from "../context.ts";
import { connectionOf, type Exchange } from "../exchange.ts";
import type { ResourceRequest } from "../route.ts";
import { isTrue } from "../route.ts";
import { logFromKubelet, streamsOfKubelet } from "./kubelet.ts";
import { podLog } from "./pod-log.ts";
import { portForward } from "./port-forward.ts";
import { proxy } from "./proxy.ts";
import { remoteCommand } from "./remote-command.ts";

interface Connected {
  readonly kind: Kind;
  readonly subresource: Subresource;
}

/** Answers a request about what an object stands for: what a container prints, its processes, its ports. */
export async function connect(
  context: GatewayContext,
  info: ResourceRequest,
  connected: Connected,
  requester: Requester,
  exchange: Exchange,
): Promise<Answer> {
  const pods: PodsContext = { ...context, newest: () => untilNewest(context) };
  // A log is read. All else may do something.
  if (info.subresource === "log") return (await logFromKubelet(pods, context.kubelets, info, exchange)) ?? podLog(pods, info, exchange);
  const { request, response } = connectionOf(exchange);
  await admitted(context, info, connected, requester);
  if (info.subresource === "proxy") return proxy(context, info, request, response);
  const streamed = await streamsOfKubelet(pods, context.kubelets, info, request, response);
  if (streamed !== undefined) return streamed;
  switch (info.subresource) {
    case "exec":
    case "attach":
      return remoteCommand(pods, info, request, response);
    case "portforward":
      return portForward(pods, info, request, response);
    default:
      throw resourceNotFound();
  }
}

/** Source: apiserver's ConnectResource. */
function admitted(context: GatewayContext, info: ResourceRequest, { kind, subresource }: Connected, requester: Requester): Promise<void> {
  const { name, gvk = kind } = subresource;
  const speaks = { ...gvk, schema: `io.k8s.api.core.v1.${gvk.kind}` };
  const namespace = kind.namespaced ? info.namespace : undefined;
  return context.registry.admitConnection(
    kind,
    namespace,
    info.name,
    { subresource: name, speaks, object: optionsOf(info) },
    { requester },
  );
}

/** What is asked for, as PodExecOptions, PodPortForwardOptions and their like have it. */
function optionsOf({ subresource, query, rest }: ResourceRequest): object {
  if (subresource === "proxy") return rest === "" ? {} : { path: rest };
  if (subresource === "portforward") {
    const ports = query.getAll("ports").flatMap((given) => given.split(",").map(Number));
    return ports.length === 0 ? {} : { ports: ports.filter(Number.isInteger) };
  }
  const flags = ["stdin", "stdout", "stderr", "tty"].filter((flag) => isTrue(query.get(flag)));
  const container = query.get("container");
  const command = query.getAll("command");
  return {
    ...Object.fromEntries(flags.map((flag) => [flag, true])),
    ...(container === null ? {} : { container }),
    ...(command.length === 0 ? {} : { command }),
  };
}
