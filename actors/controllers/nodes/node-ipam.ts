import { NodeKind } from "../../kinds/core/node.ts";
import type { Node } from "../../kinds/generated/types.ts";
import { labelsOf } from "../../kinds/metadata-text.ts";
import { MACHINE_LABEL, RUNTIME_LABEL } from "../../node/runtime.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, Entry, View } from "../../store/view.ts";
import { anyKind, modify, normal, regarding } from "../actions.ts";
import { type Action, type Controller, NOTHING } from "../controller.ts";
import { NodeCidrs } from "./node-cidrs.ts";

const NODES = "nodes";

/** One range of the cluster, and the length of the prefix of what each node gets of it. */
export interface ClusterCidr {
  readonly cidr: string;
  readonly maskSize: number;
}

/** What machines that have joined have for pods that are hollow: where nothing listens, beside what the cluster's own hollow nodes have. */
const HOLLOW_CIDR: ClusterCidr = { cidr: "10.128.0.0/10", maskSize: 24 };
/** The runtimes whose pods have a network of their own, in which each machine has such a part. */
const NETWORKED: readonly (string | undefined)[] = ["sandbox", "cri"];
const NETWORKED_MASK_SIZE = 24;

/**
 * Gives each node a range for its pods out of each of these, one a family; without any, others do it, or nobody, but for machines that have joined: those get theirs out of
 * `machineCidr` where their pods have a network. Nodes that are played here have ranges of their own. Source: pkg/controller/nodeipam/ipam/range_allocator.go.
 */
export function nodeIpamController(clusterCidrs: readonly ClusterCidr[], machineCidr?: string): Controller {
  if (clusterCidrs.length === 0) return joinedMachines(machineCidr);
  const ranges = clusterCidrs.map(({ cidr, maskSize }) => new NodeCidrs(cidr, maskSize));
  /** What each node has, or is being given. */
  const held = new Map<string, readonly string[]>();
  return {
    name: "node-ipam",
    component: "cidrAllocator",
    author: controllerAccount("node-controller"),
    kind: anyKind(NodeKind),
    watches: [{ resource: NODES, keys: (change, view) => follow(ranges, held, change, view) }],
    reconcile: (view, key) => reconcile(ranges, held, view, key),
  };
}

/** Such a machine is seldom; what others have is looked at when there is one, not followed. */
function joinedMachines(machineCidr: string | undefined): Controller {
  const given = new Map<string, string>();
  const cidrFor = ({ text }: Entry): ClusterCidr | undefined => {
    if (text.includes('"podCIDR":')) return undefined;
    const runtime = labelsOf(text)[MACHINE_LABEL];
    if (runtime === "hollow") return HOLLOW_CIDR;
    return machineCidr !== undefined && NETWORKED.includes(runtime) ? { cidr: machineCidr, maskSize: NETWORKED_MASK_SIZE } : undefined;
  };
  return {
    name: "node-ipam",
    component: "cidrAllocator",
    author: controllerAccount("node-controller"),
    kind: anyKind(NodeKind),
    watches: [{ resource: NODES, keys: ({ now }) => (now !== undefined && cidrFor(now) !== undefined ? [now.key] : []) }],
    reconcile(view, key) {
      const entry = view.entry(key);
      const from = entry && cidrFor(entry);
      if (entry === undefined || from === undefined) return NOTHING;
      const range = new NodeCidrs(from.cidr, from.maskSize);
      for (const other of view.list(NODES)) for (const cidr of cidrsOf(view.decode<Node>(other))) range.occupy(cidr);
      for (const [other, cidr] of given) if (view.entry(other) !== undefined) range.occupy(cidr);
      const node = view.decode<Node>(entry);
      const cidr = given.get(key) ?? range.take();
      if (cidr === undefined) return [noneLeft(node)];
      given.set(key, cidr);
      return [modify(NodeKind, node, (current) => withCidrs(current, [cidr]))];
    },
  };
}

/** Undefined: it has some. */
function withCidrs(node: Node, cidrs: readonly string[]): Node | undefined {
  if (cidrsOf(node).length > 0) return undefined;
  return { ...node, spec: { ...node.spec, podCIDR: cidrs[0] as string, podCIDRs: [...cidrs] } };
}

/** Called for all nodes before the first is given anything, so that what they have is taken. */
function follow(
  ranges: readonly NodeCidrs[],
  held: Map<string, readonly string[]>,
  { now, before }: Change,
  view: View,
): readonly string[] {
  if (now !== undefined) {
    const cidrs = cidrsOf(view.decode<Node>(now));
    if (cidrs.length === 0) return [now.key];
    if (held.get(now.key)?.join() !== cidrs.join()) {
      release(ranges, held, now.key);
      hold(ranges, held, now.key, cidrs);
    }
    return [];
  }
  if (before === undefined || !held.has(before.key)) return [];
  release(ranges, held, before.key);
  // Who got nothing may get what is free now.
  return view
    .list(NODES)
    .filter(({ key }) => !held.has(key))
    .map(({ key }) => key);
}

function hold(ranges: readonly NodeCidrs[], held: Map<string, readonly string[]>, key: string, cidrs: readonly string[]): void {
  held.set(key, cidrs);
  for (const cidr of cidrs) for (const range of ranges) range.occupy(cidr);
}

function release(ranges: readonly NodeCidrs[], held: Map<string, readonly string[]>, key: string): void {
  for (const cidr of held.get(key) ?? []) for (const range of ranges) range.release(cidr);
  held.delete(key);
}

function cidrsOf({ spec }: Node): readonly string[] {
  return spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []);
}

function reconcile(ranges: readonly NodeCidrs[], held: Map<string, readonly string[]>, view: View, key: string): readonly Action[] {
  const node = view.get<Node>(key);
  if (node === undefined || node.metadata.labels?.[RUNTIME_LABEL] !== undefined || cidrsOf(node).length > 0) return NOTHING;
  const cidrs = held.get(key) ?? allocate(ranges);
  if (cidrs === undefined) return [noneLeft(node)];
  held.set(key, cidrs);
  return [modify(NodeKind, node, (current) => withCidrs(current, cidrs))];
}

function noneLeft(node: Node): Action {
  const message = `Node ${node.metadata.name} status is now: CIDRNotAvailable`;
  return { do: "event", note: normal(regarding(NodeKind, node), "CIDRNotAvailable", message) };
}

/** One of each range, or none of any. */
function allocate(ranges: readonly NodeCidrs[]): readonly string[] | undefined {
  const taken = ranges.map((range) => range.take());
  if (taken.every((cidr) => cidr !== undefined)) return taken;
  for (const [i, cidr] of taken.entries()) if (cidr !== undefined) ranges[i]?.release(cidr);
  return undefined;
}
