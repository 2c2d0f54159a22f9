import { MACHINE_LABEL } from "../../actors/mod.ts";
import { machineAddresses } from "../../actors/node/cidr.ts";
import type { NodeDoor, NodeForm } from "../../actors/node/node-form.ts";

export interface MachineFacts {
  /** Of its Node. */
  readonly name: string;
  readonly door: NodeDoor;
  /** The data directory. */
  readonly data: string;
}

/** The one node that a machine is to a cluster that it has joined, which in all else looks like those of the cluster itself. */
export function machineNode(form: NodeForm, { name, door, data }: MachineFacts): NodeForm {
  return { ...form, label: MACHINE_LABEL, nodeName: () => name, addresses: { ...addressesOf(form, `${data} ${name}`), nodesMax: 1 }, door };
}

/** The cluster gives pods theirs. Only processes have some of loopback, which other machines have, too: those of two nodes had better not be the same. */
function addressesOf({ runtime, addresses }: NodeForm, apart: string): NodeForm["addresses"] {
  return runtime === "process" ? machineAddresses(apart) : { ...addresses, podCidrOf: () => undefined };
}
