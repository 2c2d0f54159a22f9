/**
 * `proxy` of pods, services and nodes: finds what is meant in Kubernetes' words, then says why it cannot be reached. Source: the ResourceLocation
 * functions of pkg/registry/core/pod, service and node; apimachinery's SplitSchemeNamePort.
 */
import { badRequest, notFound, serviceUnavailable } from "../../../actors/kinds/errors.ts";
import type { Endpoints, Node, Pod, Service } from "../../../actors/kinds/generated/types.ts";
import { keyFor } from "../../../actors/kinds/kind.ts";
import type { GatewayContext } from "../context.ts";
import { untilNewest } from "../context.ts";
import type { ResourceRequest } from "../route.ts";
import { podNow, whyUnreachable } from "./pod-container.ts";

/** `name`, `name:port`, `scheme:name:port`. */
interface Place {
  readonly name: string;
  readonly port: string;
}

function placeOf(given: string, what: string): Place {
  const parts = given.split(":");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 1 && first !== "") return { name: first, port: "" };
  if (parts.length === 2 && first !== "") return { name: first, port: second };
  if (parts.length === 3 && second !== "" && ["", "http", "https"].includes(first)) return { name: second, port: third };
  throw badRequest(`invalid ${what} request ${JSON.stringify(given)}`);
}

/** Throws whatever the answer is: nothing that runs here has a port. */
export async function proxy(context: GatewayContext, info: ResourceRequest): Promise<never> {
  await untilNewest(context);
  const node = await nodeBehind(context, info);
  throw serviceUnavailable(`error trying to reach service: ${whyUnreachable(context, node)}`);
}

async function nodeBehind(context: GatewayContext, info: ResourceRequest): Promise<string> {
  switch (info.resource) {
    case "pods": {
      const pod = await podNow(context, info.namespace, placeOf(info.name, "pod").name);
      if (!pod.status?.podIP) throw badRequest("address not allowed");
      return pod.spec.nodeName ?? "";
    }
    case "services":
      return nodeOfService(context, info);
    default: {
      const resource = { group: "", plural: "nodes" };
      const { name } = placeOf(info.name, "node");
      if (context.view.get<Node>(keyFor(resource, undefined, name)) === undefined) throw notFound(resource, name);
      return name;
    }
  }
}

function nodeOfService({ view }: GatewayContext, info: ResourceRequest): string {
  const resource = { group: "", plural: "services" };
  const { name, port } = placeOf(info.name, "service");
  const service = view.get<Service>(keyFor(resource, info.namespace, name));
  if (service === undefined) throw notFound(resource, name);
  const byNumber = service.spec.ports?.find((one) => String(one.port) === port);
  if (/^\d+$/.test(port) && byNumber === undefined)
    throw serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const portName = byNumber === undefined ? port : (byNumber.name ?? "");
  const endpoints = view.get<Endpoints>(keyFor({ group: "", plural: "endpoints" }, info.namespace, name));
  if (endpoints === undefined) throw notFound({ group: "", plural: "endpoints" }, name);
  for (const { addresses = [], ports = [] } of endpoints.subsets ?? []) {
    // A service with one port is found whether that port has a name or not.
    if (portName !== "" ? !ports.some((one) => one.name === portName) : ports.length !== 1) continue;
    for (const { targetRef } of addresses) {
      const pod = view.get<Pod>(keyFor({ group: "", plural: "pods" }, info.namespace, targetRef?.name ?? ""));
      if (pod?.spec.nodeName) return pod.spec.nodeName;
    }
  }
  throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(info.name)}`);
}
