/**
 * `proxy` of pods, services and nodes: finds what is meant in Kubernetes' words, and passes the request on to it; or says why it cannot be reached. Source: the
 * ResourceLocation functions of pkg/registry/core/pod, service and node; apimachinery's SplitSchemeNamePort.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { badRequest, notFound, serviceUnavailable } from "../../../actors/kinds/errors.ts";
import type { Endpoints, Node, Pod, Service } from "../../../actors/kinds/generated/types.ts";
import { keyFor } from "../../../actors/kinds/kind.ts";
import type { Scheme } from "../../../actors/node/http-relay.ts";
import { KUBELET_PORT } from "../../../actors/node/node-object.ts";
import { isReachedFromHere, OwnAddress } from "../../outbound/own-address.ts";
import type { Answer } from "../answer.ts";
import type { GatewayContext } from "../context.ts";
import { untilNewest } from "../context.ts";
import type { ResourceRequest } from "../route.ts";
import { passOn } from "./pass-on.ts";
import { hasProcesses, podNow, whyUnreachable } from "./pod-container.ts";

/** `name`, `name:port`, `scheme:name:port`. */
interface Place {
  readonly scheme: Scheme;
  readonly name: string;
  readonly port: string;
}

/** Where the request is to go; `node` is where that is. */
interface Goal {
  readonly node: string;
  readonly scheme: Scheme;
  readonly host: string;
  /** Empty: that of the scheme. */
  readonly port: string;
  /** It is the node itself that is meant. */
  readonly isKubelet?: true;
}

const PORT_OF: Readonly<Record<Scheme, string>> = { http: "80", https: "443" };

function placeOf(given: string, what: string): Place {
  const parts = given.split(":");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 1 && first !== "") return { scheme: "http", name: first, port: "" };
  if (parts.length === 2 && first !== "") return { scheme: "http", name: first, port: second };
  if (parts.length === 3 && second !== "" && ["", "http", "https"].includes(first))
    return { scheme: first === "https" ? "https" : "http", name: second, port: third };
  throw badRequest(`invalid ${what} request ${JSON.stringify(given)}`);
}

export async function proxy(
  context: GatewayContext,
  info: ResourceRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  await untilNewest(context);
  const { node, scheme, host, port, isKubelet } = await goalOf(context, info);
  const door = isKubelet === true ? context.kubelets?.doorOf(node) : undefined;
  if (door !== undefined) return passOn(door, pathsOf(request), request, response);
  if (!hasProcesses(context, node)) throw serviceUnavailable(`error trying to reach service: ${whyUnreachable(context, node)}`);
  if (host === "") throw badRequest("address not allowed");
  if (!isReachedFromHere(context.view, host, node))
    throw serviceUnavailable(`error trying to reach service: ${host} is an address of loopback on the machine of node ${node}`);
  const number = port === "" ? PORT_OF[scheme] : port;
  if (!/^\d+$/.test(number)) throw serviceUnavailable(`error trying to reach service: dial tcp: lookup tcp/${number}: unknown port`);
  try {
    context.own.check(host, Number(number));
  } catch (error) {
    throw error instanceof OwnAddress ? badRequest("address not allowed") : error;
  }
  return passOn({ scheme, host, port: Number(number) }, pathsOf(request), request, response);
}

/** The path up to `proxy`, and what of it is for the other side, both as they were sent. */
function pathsOf({ url = "/" }: IncomingMessage): { readonly before: string; readonly after: string } {
  const [, before = url, after = ""] = /^(\/api\/v1(?:\/namespaces\/[^/]+)?\/[^/]+\/[^/]+\/proxy)(.*)$/.exec(url) ?? [];
  return { before, after };
}

async function goalOf(context: GatewayContext, info: ResourceRequest): Promise<Goal> {
  switch (info.resource) {
    case "pods":
      return podGoal(context, info);
    case "services":
      return serviceGoal(context, info);
    default:
      return nodeGoal(context, info);
  }
}

async function podGoal(context: GatewayContext, info: ResourceRequest): Promise<Goal> {
  const { scheme, name, port } = placeOf(info.name, "pod");
  const { spec, status } = await podNow({ view: context.view, newest: () => untilNewest(context) }, info.namespace, name);
  if (!status?.podIP) throw badRequest("address not allowed");
  const first = spec.containers.flatMap(({ ports = [] }) => ports.slice(0, 1))[0]?.containerPort;
  return { node: spec.nodeName ?? "", scheme, host: status.podIP, port: port === "" ? String(first ?? "") : port };
}

function nodeGoal({ view }: GatewayContext, info: ResourceRequest): Goal {
  const resource = { group: "", plural: "nodes" };
  const { scheme, name, port } = placeOf(info.name, "node");
  const node = view.get<Node>(keyFor(resource, undefined, name));
  if (node === undefined) throw notFound(resource, name);
  const host = node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "";
  const kubelet = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT;
  return port === "" || Number(port) === kubelet
    ? { node: name, scheme: "https", host, port: String(kubelet), isKubelet: true }
    : { node: name, scheme, host, port };
}

function serviceGoal({ view, random }: GatewayContext, info: ResourceRequest): Goal {
  const resource = { group: "", plural: "services" };
  const { scheme, name, port } = placeOf(info.name, "service");
  const service = view.get<Service>(keyFor(resource, info.namespace, name));
  if (service === undefined) throw notFound(resource, name);
  const byNumber = service.spec.ports?.find((one) => String(one.port) === port);
  if (/^\d+$/.test(port) && byNumber === undefined)
    throw serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const portName = byNumber === undefined ? port : (byNumber.name ?? "");
  const endpoints = view.get<Endpoints>(keyFor({ group: "", plural: "endpoints" }, info.namespace, name));
  if (endpoints === undefined) throw notFound({ group: "", plural: "endpoints" }, name);
  const goals: Goal[] = [];
  for (const { addresses = [], ports = [] } of endpoints.subsets ?? []) {
    // A service with one port is found whether that port has a name or not.
    const found = portName === "" && ports.length === 1 ? ports[0] : ports.find((one) => one.name === portName);
    if (found === undefined) continue;
    for (const { ip, targetRef } of addresses) {
      // Only pods are proxied to, and at their own addresses.
      const pod = view.get<Pod>(keyFor({ group: "", plural: "pods" }, info.namespace, targetRef?.name ?? ""));
      const own = pod?.status?.podIPs?.map((one) => one.ip) ?? [pod?.status?.podIP];
      if (pod?.spec.nodeName && own.includes(ip) && isReachedFromHere(view, ip, pod.spec.nodeName))
        goals.push({ node: pod.spec.nodeName, scheme, host: ip, port: String(found.port) });
    }
  }
  const goal = goals[random.below(Math.max(1, goals.length))];
  if (goal === undefined) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(info.name)}`);
  return goal;
}
