import { NodeKind } from "../../kinds/core/node.ts";
import type { Node } from "../../kinds/generated/types.ts";
import { labelsOf } from "../../kinds/metadata-text.ts";
import { RUNTIME_LABEL } from "../../node/runtime.ts";
import type { View } from "../../store/view.ts";
import { anyKind, modify } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";

const NODES = "nodes";
const ANNOTATION = "node.alpha.kubernetes.io/ttl";

/** For so many seconds kubelets may keep secrets and config maps, from so many nodes on. Source: pkg/controller/ttl, ttlBoundaries. */
const TTL_BY_NODES: readonly (readonly [nodes: number, seconds: number])[] = [
  [0, 0],
  [100, 15],
  [500, 30],
  [1_000, 60],
  [2_000, 300],
];

/** Says to each node for how long it may keep what it reads, so that many nodes do not ask more than few. Source: pkg/controller/ttl. */
export const nodeTtlController: Controller = {
  name: "node-ttl",
  component: "ttl-controller",
  kind: anyKind(NodeKind),
  // A node hears of a cluster that has grown at its next change that is more than a heartbeat. Those that are played here read what they need from the store.
  watches: [
    { resource: NODES, keys: ({ now }) => (now === undefined || labelsOf(now.text)[RUNTIME_LABEL] !== undefined ? NO_KEYS : [now.key]) },
  ],
  reconcile,
};

function reconcile(view: View, key: string): readonly Action[] {
  const node = view.get<Node>(key);
  if (node === undefined) return NOTHING;
  const ttl = String(ttlFor(view.count(NODES)));
  if (node.metadata.annotations?.[ANNOTATION] === ttl) return NOTHING;
  const annotated = ({ metadata, ...rest }: Node): Node => ({
    ...rest,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [ANNOTATION]: ttl } },
  });
  return [modify(NodeKind, node, annotated)];
}

/** Seconds, by the number of nodes. */
export function ttlFor(nodes: number): number {
  let ttl = 0;
  for (const [from, seconds] of TTL_BY_NODES) if (nodes > from) ttl = seconds;
  return ttl;
}
