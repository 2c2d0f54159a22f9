import type { IncomingMessage, ServerResponse } from "node:http";
import { resourceNotFound } from "../../../actors/kinds/errors.ts";
import type { Answer } from "../answer.ts";
import type { GatewayContext } from "../context.ts";
import type { ResourceRequest } from "../route.ts";
import { podLog } from "./pod-log.ts";
import { proxy } from "./proxy.ts";
import { portForward, remoteCommand } from "./remote-command.ts";

/** Answers a request about what an object stands for: what a container prints, its processes, its ports. */
export function connect(
  context: GatewayContext,
  info: ResourceRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  switch (info.subresource) {
    case "log":
      return podLog(context, info, response);
    case "exec":
    case "attach":
      return remoteCommand(context, info, request, response);
    case "portforward":
      return portForward(context, info, request, response);
    case "proxy":
      return proxy(context, info);
    default:
      throw resourceNotFound();
  }
}
