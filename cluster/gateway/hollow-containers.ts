import { badRequest, notFound } from "../../actors/kinds/errors.ts";
import type { Pod } from "../../actors/kinds/generated/types.ts";
import { keyFor } from "../../actors/kinds/kind.ts";
import type { StatusError } from "../../actors/kinds/status.ts";
import type { GatewayContext } from "./context.ts";
import type { ResourceRequest } from "./route.ts";

/** What a pod has only where its containers are processes. */
const PARTS_OF_PROCESSES: ReadonlySet<string> = new Set(["attach", "exec", "log", "portforward"]);
const PODS = { group: "", plural: "pods" };

/** Why a request about a pod's processes is refused; undefined when the request is about something else. */
export function hollowRefusal(context: Pick<GatewayContext, "view">, info: ResourceRequest): StatusError | undefined {
  const { group, resource, subresource, namespace, name } = info;
  if (group !== PODS.group || resource !== PODS.plural || namespace === "" || !PARTS_OF_PROCESSES.has(subresource)) return undefined;
  const pod = context.view.get<Pod>(keyFor(PODS, namespace, name));
  if (pod === undefined) return notFound(PODS, name);
  const node = pod.spec?.nodeName ?? "";
  if (node === "") return badRequest(`pod ${name} does not have a host assigned`);
  return badRequest(`pod ${name} is on node ${node}, which is hollow: its containers have states, but no processes, logs or ports`);
}
