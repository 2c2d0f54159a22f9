import { CelFailure, type CelProgram } from "../../kinds/cel/cel.ts";
import { celValue } from "../../kinds/custom/cel-values.ts";
import type { Container, Node, Pod } from "../../kinds/generated/types.ts";
import type { KubeObject } from "../../kinds/object.ts";
import { type CelReader, celReader } from "../../stages/expression.ts";
import type { ObjectView } from "../../store/view.ts";
import type { UsedResource } from "./recording.ts";
import { parseAmount } from "./usage-profile.ts";

/** The store's names of kwok's documents, whoever defined them. */
const OF_ONE = "resourceusages.kwok.x-k8s.io";
const OF_MANY = "clusterresourceusages.kwok.x-k8s.io";

/** As much as is looked at; anybody may have written it. */
interface ResourceUsage extends KubeObject {
  readonly spec?: {
    readonly selector?: { readonly matchNamespaces?: readonly string[]; readonly matchNames?: readonly string[] };
    readonly usages?: readonly {
      readonly containers?: readonly string[];
      readonly usage?: Readonly<Record<string, { readonly value?: string; readonly expression?: string }>>;
    }[];
  };
}

/** Distinct expressions that are remembered. */
const EXPRESSIONS_MAX = 1_024;

/**
 * Usage as kwok's ResourceUsage (of the pod of its name) and ClusterResourceUsage objects say it, by a value or by an expression in CEL on `pod`, `node` and `container`.
 * The first that speaks of the container counts. An expression that is none, or that fails, says nothing. Source: kwok's pkg/kwok/server/metrics_resource_usage.go.
 */
export class KwokUsage {
  readonly #view: ObjectView;
  readonly #read: CelReader;
  readonly #programs = new Map<string, CelProgram | undefined>();
  readonly #values = new WeakMap<object, unknown>();
  #now_ms = 0;

  constructor(view: ObjectView, chance: () => number) {
    this.#view = view;
    this.#read = celReader({ now_ms: () => this.#now_ms, chance });
  }

  /** Cores or bytes; undefined when nobody says. */
  used(pod: Pod, container: Container, resource: UsedResource, now_ms: number): number | undefined {
    const { namespace = "", name } = pod.metadata;
    const own = this.#view.get<ResourceUsage>(`${OF_ONE}/${namespace}/${name}`);
    const shared = this.#view.list(OF_MANY).map((entry) => this.#view.decode<ResourceUsage>(entry));
    for (const { spec } of own === undefined ? shared : [own, ...shared]) {
      const { matchNamespaces = [], matchNames = [] } = spec?.selector ?? {};
      if (matchNamespaces.length > 0 && !matchNamespaces.includes(namespace)) continue;
      if (matchNames.length > 0 && !matchNames.includes(name)) continue;
      const rule = spec?.usages?.find(({ containers = [] }) => containers.length === 0 || containers.includes(container.name));
      const { value, expression } = rule?.usage?.[resource] ?? {};
      const amount = value === undefined ? undefined : parseAmount(value);
      if (amount?.of === "nothing") return amount.value;
      if (expression === undefined) continue;
      this.#now_ms = now_ms;
      const found = this.#evaluate(expression, pod, container);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #evaluate(expression: string, pod: Pod, container: Container): number | undefined {
    const node = this.#view.get<Node>(`nodes/${pod.spec.nodeName ?? ""}`) ?? {};
    try {
      const variables = { pod: this.#valueOf(pod), node: this.#valueOf(node), container: celValue(undefined, container) };
      const result = this.#programOf(expression)?.evaluate(variables);
      const amount = typeof result === "bigint" ? Number(result) : result;
      return typeof amount === "number" && amount >= 0 && Number.isFinite(amount) ? amount : undefined;
    } catch (error) {
      if (error instanceof CelFailure) return undefined;
      throw error;
    }
  }

  #programOf(expression: string): CelProgram | undefined {
    if (this.#programs.has(expression)) return this.#programs.get(expression);
    let program: CelProgram | undefined;
    try {
      program = this.#read(expression);
    } catch (error) {
      if (!(error instanceof CelFailure)) throw error;
    }
    if (this.#programs.size >= EXPRESSIONS_MAX) this.#programs.clear();
    this.#programs.set(expression, program);
    return program;
  }

  /** An object as expressions see it: labels and annotations are there, if empty, as in Go. */
  #valueOf(object: { readonly metadata?: KubeObject["metadata"] }): unknown {
    let value = this.#values.get(object);
    if (value === undefined) {
      const { labels = {}, annotations = {} } = object.metadata ?? {};
      value = celValue(undefined, { ...object, metadata: { ...object.metadata, labels, annotations } });
      this.#values.set(object, value);
    }
    return value;
  }
}
