/**
 * The parts of the house that write, as Kubernetes' own components are called: what webhooks and policies are told where nobody outside asks. They need no
 * permission for what they do.
 */
import type { Pod } from "../kinds/generated/types.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { Author, Requester, WriteOptions } from "./registry.ts";

const AUTHENTICATED = "system:authenticated";

function component(name: string, ...groups: readonly string[]): Author {
  const requester: Requester = { user: `system:${name}`, groups: [...groups, AUTHENTICATED] };
  return () => requester;
}

/** Source: kube-apiserver's loopback client. */
export const APISERVER: Author = component("apiserver", "system:masters");
export const SCHEDULER: Author = component("kube-scheduler");
export const CONTROLLER_MANAGER: Author = component("kube-controller-manager");

/** A controller has a service account of its own. Source: kube-controller-manager's --use-service-account-credentials. */
export function controllerAccount(account: string): Author {
  const requester = controllerRequester(account);
  return () => requester;
}

/** A controller as one who asks. */
export function controllerRequester(account: string): Requester {
  const groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system", AUTHENTICATED];
  return { user: `system:serviceaccount:kube-system:${account}`, groups };
}

function node(name: string): Requester {
  return { user: `system:node:${name}`, groups: ["system:nodes", AUTHENTICATED] };
}

/** The node of a Node, or of its Lease. */
export const NODE_OF_NAME: Author = ({ metadata }) => node(metadata.name);

/** The node that a pod is bound to. */
export const NODE_OF_POD: Author = (pod) => node((pod as unknown as Pod).spec?.nodeName ?? "");

/** Who asks for a write: the client, or the part of the house. */
export function askerOf(options: WriteOptions, object: KubeObject): Requester {
  return options.requester ?? (options.author ?? APISERVER)(object);
}
