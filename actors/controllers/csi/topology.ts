/** Where a volume is wanted and where it can be had, as drivers say places. Pure. Source: external-provisioner's topology.go. */
import type { CSINode, Node, NodeSelectorTerm, StorageClass, VolumeNodeAffinity } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import { CSINodeKind } from "../../kinds/storage/csi-node.ts";
import type { View } from "../../store/view.ts";

export type Segments = Readonly<Record<string, string>>;

export interface TopologyWanted {
  readonly requisite: readonly { readonly segments: Segments }[];
  readonly preferred: readonly { readonly segments: Segments }[];
}

/** Undefined: it is all the same. The place of the node that was chosen is the one that is liked best. */
export function topologyWanted(
  view: View,
  driver: string,
  { allowedTopologies = [] }: StorageClass,
  selected: Node | undefined,
): TopologyWanted | undefined {
  const keys = keysOf(view, driver, selected);
  if (keys.length === 0) return undefined;
  const own = selected === undefined ? undefined : segmentsOf(selected, keys);
  const allowed = allowedTopologies.flatMap(({ matchLabelExpressions = [] }) => combinations(matchLabelExpressions));
  const places = allowed.length > 0 ? allowed : everywhere(view, driver, keys);
  const fitting = own === undefined ? undefined : places.find((place) => Object.entries(place).every(([key, value]) => own[key] === value));
  const first = fitting ?? own;
  const all = distinct(first === undefined ? places : [first, ...places]).map((segments) => ({ segments }));
  return all.length === 0 ? undefined : { requisite: all, preferred: all };
}

/** Where the driver is, each place once: one without a name, where it does not tell places apart. */
export function placesOf(view: View, driver: string): readonly Segments[] {
  return distinct(everywhere(view, driver, keysOf(view, driver, undefined)));
}

/** The nodes that reach a volume; undefined: all. */
export function nodesOf(places: readonly { readonly segments: Segments }[]): VolumeNodeAffinity | undefined {
  const terms = places.map(
    ({ segments }): NodeSelectorTerm => ({
      matchExpressions: Object.entries(segments).map(([key, value]) => ({ key, operator: "In", values: [value] })),
    }),
  );
  const real = terms.filter(({ matchExpressions = [] }) => matchExpressions.length > 0);
  return real.length === 0 ? undefined : { required: { nodeSelectorTerms: real } };
}

function keysOf(view: View, driver: string, selected: Node | undefined): readonly string[] {
  const nodes =
    selected === undefined
      ? view.list("csinodes.storage.k8s.io").map((entry) => view.decode<CSINode>(entry))
      : [view.get<CSINode>(keyFor(CSINodeKind, undefined, selected.metadata.name))];
  for (const node of nodes) {
    const keys = node?.spec.drivers?.find(({ name }) => name === driver)?.topologyKeys ?? [];
    if (keys.length > 0) return keys;
  }
  return [];
}

function everywhere(view: View, driver: string, keys: readonly string[]): readonly Segments[] {
  return view.list("csinodes.storage.k8s.io").flatMap((entry) => {
    const { metadata, spec } = view.decode<CSINode>(entry);
    const node = view.get<Node>(`nodes/${metadata.name}`);
    const segments = spec.drivers?.some(({ name }) => name === driver) === true && node !== undefined ? segmentsOf(node, keys) : undefined;
    return segments === undefined ? [] : [segments];
  });
}

/** Undefined: the node is not labelled so yet. */
function segmentsOf({ metadata: { labels = {} } }: Node, keys: readonly string[]): Segments | undefined {
  const segments = keys.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]] as const]));
  return segments.length === keys.length ? Object.fromEntries(segments) : undefined;
}

/** Each value of one with each of the others. */
function combinations(expressions: readonly { readonly key: string; readonly values: readonly string[] }[]): readonly Segments[] {
  return expressions.reduce<readonly Segments[]>(
    (all, { key, values }) => all.flatMap((segments) => values.map((value) => ({ ...segments, [key]: value }))),
    [{}],
  );
}

function distinct(places: readonly Segments[]): readonly Segments[] {
  const textOf = (segments: Segments): string => JSON.stringify(Object.entries(segments).sort(([a], [b]) => (a < b ? -1 : 1)));
  return [...new Map(places.map((segments) => [textOf(segments), segments] as const)).values()];
}
