import type { Endpoint, Node } from "../kinds/generated/types.ts";
import type { ObjectView } from "../store/view.ts";
import type { NodeForm } from "./node-form.ts";
import { MACHINE_LABEL } from "./runtime.ts";

/** From where endpoints are looked at. */
export interface Viewpoint {
  /** With the Nodes that are known here: all, or on a machine that has joined its own. */
  readonly view: ObjectView;
  /** Which Nodes are this machine's. */
  readonly nodes: Pick<NodeForm, "label">;
  /** Whether an address is one of this machine. */
  readonly isOwn: (address: string) => boolean;
}

type Where = Pick<Endpoint, "addresses" | "nodeName">;

/**
 * Whether something is reached at its address from a machine. An address of loopback means each machine itself: what is at one on another machine is not reached, and something else may listen at it here. All
 * machines that joined by an address of loopback are one.
 */
export function isReached({ view, nodes, isOwn }: Viewpoint, { addresses: [address = ""], nodeName }: Where): boolean {
  if (!address.startsWith("127.") || nodeName === undefined) return true;
  const node = view.get<Node>(`nodes/${nodeName}`);
  if (node !== undefined) return node.metadata.labels?.[MACHINE_LABEL] === undefined || isOwn(addressIn(node));
  if (nodes.label !== MACHINE_LABEL) return true;
  return view.list("nodes").some((entry) => addressIn(view.decode<Node>(entry)).startsWith("127."));
}

function addressIn({ status }: Node): string {
  return status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "";
}
