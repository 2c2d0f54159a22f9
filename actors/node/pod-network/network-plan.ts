import { isIPv4 } from "node:net";
import type { Node } from "../../kinds/generated/types.ts";
import { isStrictlyIn } from "../../kinds/networking/cidr.ts";
import { MACHINE_LABEL } from "../runtime.ts";
import type { NetworkPlace, Route } from "./place.ts";

/** What is refused of what a Node says, and why, for people. */
export interface Refused {
  readonly node: string;
  readonly why: string;
}

export interface NetworkPlan {
  /** In the order of their ranges. */
  readonly routes: readonly Route[];
  readonly refused: readonly Refused[];
}

/**
 * Where packets to pods of other machines go: to the machine itself, at the address that its Node says, as flannel's backend `host-gw` has it. Pure. Nodes say of themselves what they like, so a range that is none of
 * the cluster's pods, or is somebody's already, is led nowhere: the one whose Node is older has it.
 */
export function networkPlan(
  { ranges, pods, own, routes }: NetworkPlace,
  nodes: readonly Node[],
  isHere: (address: string) => boolean,
): NetworkPlan {
  const fixed = routes.filter(({ via }) => leadsAway(via, isHere));
  const taken = [...own, ...routes.map(({ to }) => to), ...(pods() === undefined ? [] : [pods() as string])];
  const planned: Route[] = [...fixed];
  const refused: Refused[] = [];
  for (const node of [...nodes].sort(byAge)) {
    const { name, labels } = node.metadata;
    const via = node.status?.addresses?.find(({ type, address }) => type === "InternalIP" && isIPv4(address))?.address;
    if (labels?.[MACHINE_LABEL] === undefined || via === undefined || !leadsAway(via, isHere)) continue;
    for (const to of node.spec?.podCIDRs ?? []) {
      // Of loopback, or of another family: each machine has that for itself.
      if (!ranges.some((range) => isWithin(to, range))) continue;
      const other = taken.find((range) => isWithin(to, range) || isWithin(range, to));
      if (other === undefined) planned.push({ to, via });
      else refused.push({ node: name, why: `its range ${to} is part of ${other}, which is somebody else's` });
      taken.push(to);
    }
  }
  return { routes: planned.sort((a, b) => (a.to < b.to ? -1 : 1)), refused };
}

/** What is at an address of loopback is this machine, too. */
function leadsAway(via: string, isHere: (address: string) => boolean): boolean {
  return !via.startsWith("127.") && !isHere(via);
}

function byAge(a: Node, b: Node): number {
  const key = ({ metadata }: Node): string => `${metadata.creationTimestamp} ${metadata.name}`;
  return key(a) < key(b) ? -1 : 1;
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || isStrictlyIn(inner, outer);
}
