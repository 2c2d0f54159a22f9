import type { Node, Pod } from "../kinds/generated/types.ts";
import type { ExtenderConfiguration } from "./configuration/extender-configuration.ts";
import type { Objects } from "./objects.ts";

/** Sends a body to a URL of an extender and gives what it answers, parsed. Rejects when it does not answer in time, or not with 200. */
export type AskExtender = (extender: ExtenderConfiguration, verb: string, body: unknown) => Promise<unknown>;

/** What the extenders left of the nodes that the plugins let pass. */
export interface Consultation {
  /** By name, what their scores add to the node's total. */
  readonly nodes: ReadonlyMap<string, number>;
  /** Why they rejected others. */
  readonly failed: ReadonlyMap<string, string>;
}

/** Scores of extenders go to 10, those of plugins to 100. */
const PLUGIN_SCORES_PER_SCORE = 10;

interface Filtered {
  readonly nodenames?: readonly string[] | null;
  readonly nodes?: { readonly items?: readonly Node[] } | null;
  readonly failedNodes?: Readonly<Record<string, string>>;
  readonly failedAndUnresolvableNodes?: Readonly<Record<string, string>>;
  readonly error?: string;
}

/** Helpers of the scheduler that are asked over HTTP about pods that are their business. Source: pkg/scheduler/extender.go. */
export class Extenders {
  readonly #extenders: readonly ExtenderConfiguration[];
  readonly #ask: AskExtender;
  readonly #view: Objects;
  /** Resources that are theirs alone to look at. */
  readonly ignoredResources: ReadonlySet<string>;

  constructor(extenders: readonly ExtenderConfiguration[], ask: AskExtender, view: Objects) {
    this.#extenders = extenders;
    this.#ask = ask;
    this.#view = view;
    this.ignoredResources = new Set(extenders.flatMap(({ ignoredResources }) => ignoredResources));
  }

  get any(): boolean {
    return this.#extenders.length > 0;
  }

  /** Whether one of them has a say in where the pod goes. */
  concern(pod: Pod): boolean {
    return this.#for(pod).some(({ filterVerb, prioritizeVerb }) => filterVerb !== "" || prioritizeVerb !== "");
  }

  /** Asks them in order. Rejects when one fails that may not. */
  async consult(pod: Pod, feasible: readonly string[]): Promise<Consultation> {
    let names = feasible;
    const failed = new Map<string, string>();
    const asked = this.#for(pod);
    for (const extender of asked) {
      if (extender.filterVerb === "" || names.length === 0) continue;
      try {
        const answer = (await this.#ask(extender, extender.filterVerb, this.#about(extender, pod, names))) as Filtered;
        if (answer.error) throw new Error(answer.error);
        const left = answer.nodenames ?? answer.nodes?.items?.map(({ metadata }) => metadata.name) ?? names;
        for (const [node, why] of Object.entries({ ...answer.failedNodes, ...answer.failedAndUnresolvableNodes })) failed.set(node, why);
        names = names.filter((name) => left.includes(name));
      } catch (error) {
        if (!extender.ignorable) throw new Error(`extender ${extender.urlPrefix}: ${(error as Error).message}`, { cause: error });
      }
    }
    const nodes = new Map(names.map((name) => [name, 0]));
    await Promise.all(asked.map((extender) => this.#prioritize(extender, pod, names, nodes)));
    return { nodes, failed };
  }

  /** Has an extender bind the pod, where one does that; undefined: none does. */
  bind(pod: Pod, node: string): Promise<void> | undefined {
    const extender = this.#for(pod).find(({ bindVerb }) => bindVerb !== "");
    if (extender === undefined) return undefined;
    const { name, namespace, uid } = pod.metadata;
    return this.#ask(extender, extender.bindVerb, { podName: name, podNamespace: namespace, podUID: uid, node }).then((answer) => {
      const { error } = (answer ?? {}) as { readonly error?: string };
      if (error) throw new Error(`extender ${extender.urlPrefix}: ${error}`);
    });
  }

  /** What cannot be had of scores is done without. */
  async #prioritize(extender: ExtenderConfiguration, pod: Pod, names: readonly string[], scores: Map<string, number>): Promise<void> {
    if (extender.prioritizeVerb === "" || names.length === 0) return;
    const about = this.#about(extender, pod, names);
    const answer = await this.#ask(extender, extender.prioritizeVerb, about).catch(() => []);
    for (const { host, score } of (answer ?? []) as readonly { readonly host: string; readonly score: number }[]) {
      const sum = scores.get(host);
      if (sum !== undefined) scores.set(host, sum + score * extender.weight * PLUGIN_SCORES_PER_SCORE);
    }
  }

  #about({ nodeCacheCapable }: ExtenderConfiguration, pod: Pod, names: readonly string[]): object {
    if (nodeCacheCapable) return { pod, nodenames: names };
    return {
      pod,
      nodes: {
        apiVersion: "v1",
        kind: "NodeList",
        metadata: {},
        items: names.flatMap((name) => this.#view.get<Node>(`nodes/${name}`) ?? []),
      },
    };
  }

  #for({ spec }: Pod): readonly ExtenderConfiguration[] {
    if (this.#extenders.length === 0) return this.#extenders;
    const resources = new Set(
      [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) =>
        Object.keys({ ...container.resources?.requests, ...container.resources?.limits }),
      ),
    );
    return this.#extenders.filter(({ managedResources }) => managedResources?.some((name) => resources.has(name)) !== false);
  }
}
