import { methodNotAllowed, notFound, resourceNotFound } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import { keyFor, partsOf, resourceOf } from "../../actors/kinds/kind.ts";
import { KindTable } from "../../actors/kinds/kinds.ts";
import { formatQuantity } from "../../actors/kinds/machinery/quantity.ts";
import { labelsOf } from "../../actors/kinds/metadata-text.ts";
import type { KubeObject } from "../../actors/kinds/object.ts";
import { encodeObject } from "../../actors/kinds/text.ts";
import { NodeKind, PodKind } from "../../actors/mod.ts";
import type { ContainerUsage } from "../../actors/node/usage/usage.ts";
import type { UsageReader } from "../../actors/node/usage/usage-reader.ts";
import { timestamp } from "../../actors/registry/timestamps.ts";
import type { Entry, View } from "../../actors/store/view.ts";
import type { Answer } from "../gateway/answer.ts";
import { checkedOptions } from "../gateway/list.ts";
import type { ResourceRequest } from "../gateway/route.ts";
import { selectionOf } from "../gateway/selection.ts";
import { type NodeMetrics, NodeMetricsKind, type PodMetrics, PodMetricsKind, type Usage, WINDOW_MS } from "./kinds.ts";

const WINDOW = `${WINDOW_MS / 1_000}s`;

/** Whose usage is measured, and how it is said. */
interface Measured {
  /** What is measured: nodes, pods. Selected by their labels alone, but for names. */
  readonly of: Kind;
  readonly kind: Kind;
  measure(entries: readonly Entry[]): Promise<readonly KubeObject[]>;
}

/** `metrics.k8s.io`, worked out by the nodes when it is asked for. What has no usage to tell, such as a pod that does not run, is not there. */
export class ResourceMetrics {
  /** For discovery and OpenAPI. */
  readonly kinds: KindTable = new KindTable([NodeMetricsKind, PodMetricsKind]);
  readonly #view: View;
  readonly #usage: UsageReader;
  readonly #measured: readonly Measured[];

  constructor(view: View, usage: UsageReader) {
    this.#view = view;
    this.#usage = usage;
    this.#measured = [
      { of: selectable(NodeKind as unknown as Kind), kind: withoutSchema(NodeMetricsKind), measure: (entries) => this.nodes(entries) },
      { of: selectable(PodKind as unknown as Kind), kind: withoutSchema(PodMetricsKind), measure: (entries) => this.pods(entries) },
    ];
  }

  async answer(info: ResourceRequest): Promise<Answer> {
    const measured = this.#measured.find(({ kind }) => kind.plural === info.resource);
    if (measured === undefined || info.subresource !== "") throw resourceNotFound();
    const { of, kind } = measured;
    if (kind.namespaced ? info.named && info.namespace === "" : info.namespace !== "") throw resourceNotFound();
    if (info.verb === "get") {
      const entry = this.#view.entry(keyFor(of, kind.namespaced ? info.namespace : undefined, info.name));
      if (entry === undefined) throw notFound(of, info.name);
      const [object] = await measured.measure([entry]);
      if (object === undefined) throw notFound(kind, entry.key.slice(resourceOf(of).length + 1));
      return { type: "object", code: 200, kind, entry: entryOf(kind, object) };
    }
    if (info.verb !== "list") throw methodNotAllowed();
    const selection = selectionOf(of, info.namespace, checkedOptions(info.query, false));
    const all = this.#view.list(resourceOf(of), info.namespace === "" ? undefined : info.namespace);
    const selected = selection.everything ? all : all.filter((entry) => selection.takes(this.#view, entry));
    const objects = await measured.measure(selected);
    const entries = objects.map((object) => entryOf(kind, object));
    return { type: "list", kind, entries, revision: 0, continue: "", remaining: undefined };
  }

  async nodes(entries: readonly Entry[]): Promise<readonly NodeMetrics[]> {
    const used = await this.#usage.nodes(entries.map(({ key }) => partsOf(key).name));
    return entries.flatMap((entry) => {
      const usage = used.get(partsOf(entry.key).name);
      return usage === undefined ? [] : [{ ...measuredAt(entry, usage.at_ms), usage: usageOf(usage) }];
    });
  }

  async pods(entries: readonly Entry[]): Promise<readonly PodMetrics[]> {
    const used = await this.#usage.pods(entries);
    return entries.flatMap((entry) => {
      const usage = used.get(entry.key);
      if (usage === undefined) return [];
      const containers = usage.containers.map((container) => ({ name: container.name, usage: usageOf(container) }));
      return [{ ...measuredAt(entry, usage.at_ms), containers }];
    });
  }
}

/** Nothing but the name and the namespace is a field to select by. */
function selectable(kind: Kind): Kind {
  return { ...kind, selectableFields: {} };
}

/** What is worked out has its form already: nothing has to be pruned or filled in. */
function withoutSchema({ custom: _custom, ...kind }: Kind): Kind {
  return kind;
}

function measuredAt(entry: Entry, at_ms: number): Pick<NodeMetrics, "metadata" | "timestamp" | "window"> {
  const { namespace, name } = partsOf(entry.key);
  const labels = labelsOf(entry.text);
  const at = timestamp(at_ms);
  const metadata = {
    name,
    ...(namespace === "" ? {} : { namespace }),
    creationTimestamp: at,
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
  return { metadata: metadata as unknown as KubeObject["metadata"], timestamp: at, window: WINDOW };
}

function usageOf({ cpu_nanocores, memory_bytes }: Omit<ContainerUsage, "name">): Usage {
  return {
    cpu: formatQuantity({ nano: BigInt(cpu_nanocores), format: "DecimalSI" }),
    memory: formatQuantity({ nano: BigInt(memory_bytes) * NANO_PER_BYTE, format: "BinarySI" }),
  };
}

const NANO_PER_BYTE = 1_000_000_000n;

function entryOf(kind: Kind, object: KubeObject): Entry {
  const { namespace, name } = object.metadata;
  return { key: keyFor(kind, namespace, name), revision: 0, text: encodeObject(object) };
}
