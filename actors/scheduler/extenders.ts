import type { Node, Pod } from "../kinds/generated/types.ts";
import type { ExtenderConfiguration } from "./configuration/extender-configuration.ts";
import {
  argsOfNames,
  argsOfNodes,
  bindingAnswer,
  bindingArgs,
  filterAnswer,
  type NamedVictims,
  preemptionAnswer,
  preemptionArgs,
  prioritizeAnswer,
  type Victims,
} from "./extender-wire.ts";
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

/** Helpers of the scheduler that are asked over HTTP about pods that are their business. Source: pkg/scheduler/extender.go. */
export class Extenders {
  readonly #extenders: readonly ExtenderConfiguration[];
  readonly #ask: AskExtender;
  readonly #view: Objects;

  constructor(extenders: readonly ExtenderConfiguration[], ask: AskExtender, view: Objects) {
    this.#extenders = extenders;
    this.#ask = ask;
    this.#view = view;
  }

  get any(): boolean {
    return this.#extenders.length > 0;
  }

  /** Whether one of them has a say in where the pod goes. */
  concern(pod: Pod): boolean {
    return this.#for(pod).some(({ filterVerb, prioritizeVerb }) => filterVerb !== "" || prioritizeVerb !== "");
  }

  /** Where those are that have a say in where the pod goes. */
  concerned(pod: Pod): readonly string[] {
    return this.#for(pod).flatMap(({ filterVerb, prioritizeVerb, urlPrefix }) => (filterVerb + prioritizeVerb === "" ? [] : [urlPrefix]));
  }

  /** Asks them in order. Rejects when one fails that may not. */
  async consult(pod: Pod, feasible: readonly string[]): Promise<Consultation> {
    let names = feasible;
    const failed = new Map<string, string>();
    const asked = this.#for(pod);
    for (const extender of asked) {
      if (extender.filterVerb === "" || names.length === 0) continue;
      try {
        const answer = filterAnswer(await this.#ask(extender, extender.filterVerb, this.#about(extender, pod, names)));
        if (answer.error !== "") throw new Error(answer.error);
        for (const [node, why] of answer.failed) failed.set(node, why);
        const left = answer.left === undefined ? undefined : new Set(answer.left);
        if (left !== undefined) names = names.filter((name) => left.has(name));
      } catch (error) {
        if (!extender.ignorable) throw failureOf(extender, error);
      }
    }
    const nodes = new Map(names.map((name) => [name, 0]));
    await Promise.all(asked.map((extender) => this.#prioritize(extender, pod, names, nodes)));
    return { nodes, failed };
  }

  /** Whether one of them binds the pod. */
  bindsFor(pod: Pod): boolean {
    return this.#for(pod).some(({ bindVerb }) => bindVerb !== "");
  }

  /** Has an extender bind the pod, where one does that; undefined: none does. */
  bind(pod: Pod, node: string): Promise<void> | undefined {
    const extender = this.#for(pod).find(({ bindVerb }) => bindVerb !== "");
    if (extender === undefined) return undefined;
    return this.#ask(extender, extender.bindVerb, bindingArgs(pod, node)).then((answer) => {
      const error = bindingAnswer(answer);
      if (error !== "") throw failureOf(extender, new Error(error));
    });
  }

  /** Whether one of them has a say in who makes room for the pod. */
  concernRoom(pod: Pod): boolean {
    return this.#for(pod).some(({ preemptVerb }) => preemptVerb !== "");
  }

  /**
   * Asks them in order where room may be made for the pod, and by whose end; each is told what those before it left. `find` looks a pod up that
   * is on a node. Rejects when one fails that may not, or answers what cannot be. Source: Evaluator.callExtenders.
   */
  async preempt(
    pod: Pod,
    victims: ReadonlyMap<string, Victims>,
    find: (node: string, uid: string) => Pod | undefined,
  ): Promise<ReadonlyMap<string, Victims>> {
    let left = victims;
    for (const extender of this.#for(pod)) {
      if (extender.preemptVerb === "" || left.size === 0) continue;
      try {
        const answer = await this.#ask(extender, extender.preemptVerb, preemptionArgs(pod, left, extender.nodeCacheCapable));
        left = victimsFound(preemptionAnswer(answer), find, extender.ignorable);
      } catch (error) {
        if (!extender.ignorable) throw failureOf(extender, error);
      }
    }
    return left;
  }

  /** What cannot be had of scores is done without. */
  async #prioritize(extender: ExtenderConfiguration, pod: Pod, names: readonly string[], scores: Map<string, number>): Promise<void> {
    if (extender.prioritizeVerb === "" || names.length === 0) return;
    const about = this.#about(extender, pod, names);
    const answer = await this.#ask(extender, extender.prioritizeVerb, about).catch(() => []);
    for (const [host, score] of prioritizeAnswer(answer)) {
      const sum = scores.get(host);
      if (sum !== undefined) scores.set(host, sum + score * extender.weight * PLUGIN_SCORES_PER_SCORE);
    }
  }

  #about({ nodeCacheCapable }: ExtenderConfiguration, pod: Pod, names: readonly string[]): object {
    if (nodeCacheCapable) return argsOfNames(pod, names);
    return argsOfNodes(
      pod,
      names.flatMap((name) => this.#view.get<Node>(`nodes/${name}`) ?? []),
    );
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

function failureOf({ urlPrefix }: ExtenderConfiguration, error: unknown): Error {
  return new Error(`extender ${urlPrefix}: ${(error as Error).message}`, { cause: error });
}

/** The pods that an extender named. Where one is not there the answer is worth nothing; a node without victims may be left out by who may fail. */
function victimsFound(
  named: ReadonlyMap<string, NamedVictims>,
  find: (node: string, uid: string) => Pod | undefined,
  ignorable: boolean,
): ReadonlyMap<string, Victims> {
  const found = new Map<string, Victims>();
  for (const [node, { uids, violations }] of named) {
    const pods = uids.map((uid) => {
      const pod = find(node, uid);
      if (pod === undefined) throw new Error(`claims to preempt pod (UID: ${uid}) on node: ${node}, but the pod is not found on that node`);
      return pod;
    });
    if (pods.length > 0) found.set(node, { pods, violations });
    else if (!ignorable) throw new Error(`expected at least one victim pod on node "${node}"`);
  }
  return found;
}
