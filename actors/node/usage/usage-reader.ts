import { addressOf, type Messenger } from "../../../runtime/mod.ts";
import type { Node } from "../../kinds/generated/types.ts";
import { nodeNameOf } from "../../kinds/metadata-text.ts";
import type { Entry, ObjectView } from "../../store/view.ts";
import type { NodeMessage } from "../messages.ts";
import { MACHINE_LABEL, RUNTIME_LABEL } from "../runtime.ts";
import type { MachineUsage, NodeUsage, PodUsage } from "./usage.ts";

/** Nodes that are asked at the same time; thousands of questions at once would be more than the way to another host takes. */
const NODES_AT_ONCE = 256;
/** A node that does not answer in this time is left out, as one is that a metrics-server cannot scrape. */
const ANSWER_MS = 5_000;

/** Asks a machine that has joined; undefined: it does not answer. */
export type AskMachine = (node: string) => Promise<MachineUsage | undefined>;

/**
 * Asks the nodes that this Troupe plays what they and their pods use, and machines that have joined. Others' nodes, and nodes that do not answer, are left out.
 */
export class UsageReader {
  readonly #view: Pick<ObjectView, "get">;
  readonly #messenger: Messenger;
  readonly #askMachine: AskMachine | undefined;

  constructor(view: Pick<ObjectView, "get">, messenger: Messenger, askMachine?: AskMachine) {
    this.#view = view;
    this.#messenger = messenger;
    this.#askMachine = askMachine;
  }

  /** By name. */
  async nodes(names: readonly string[]): Promise<ReadonlyMap<string, NodeUsage>> {
    const played = names.filter((name) => this.#isPlayed(name));
    const [answers, machines] = await Promise.all([this.#ask<NodeUsage>(played, () => ({ type: "usage" })), this.#machines(names)]);
    return new Map([...answers, ...[...machines].map(([name, { node }]) => [name, node] as const)]);
  }

  /** By key. */
  async pods(pods: readonly Entry[]): Promise<ReadonlyMap<string, PodUsage>> {
    const byNode = Map.groupBy(pods, ({ text }) => nodeNameOf(text) ?? "");
    const played = [...byNode.keys()].filter((name) => name !== "" && this.#isPlayed(name));
    const [answers, machines] = await Promise.all([
      this.#ask<readonly PodUsage[]>(played, (name) => ({ type: "podUsage", pods: (byNode.get(name) ?? []).map(({ key }) => key) })),
      this.#machines([...byNode.keys()]),
    ]);
    // What a machine says of pods that are elsewhere is not heard.
    const said = [...machines].flatMap(([name, { pods: used }]) => {
      const own = new Set(byNode.get(name)?.map(({ key }) => key));
      return used.filter(({ key, containers }) => own.has(key) && containers.length > 0);
    });
    return new Map([...answers.flatMap(([, used]) => used), ...said].map((usage) => [usage.key, usage]));
  }

  /** To ask a node that nobody plays would make it an actor. */
  #isPlayed(name: string): boolean {
    return this.#labelsOf(name)?.[RUNTIME_LABEL] !== undefined;
  }

  #labelsOf(name: string): Readonly<Record<string, string>> | undefined {
    return this.#view.get<Node>(`nodes/${name}`)?.metadata.labels;
  }

  async #machines(names: readonly string[]): Promise<ReadonlyMap<string, MachineUsage>> {
    const ask = this.#askMachine;
    if (ask === undefined) return new Map();
    const machines = names.filter((name) => this.#labelsOf(name)?.[MACHINE_LABEL] !== undefined);
    const answers = await Promise.all(machines.map(async (name) => [name, await ask(name)] as const));
    return new Map(answers.flatMap(([name, usage]) => (usage === undefined ? [] : [[name, usage]])));
  }

  async #ask<Answer>(names: readonly string[], question: (name: string) => NodeMessage): Promise<readonly (readonly [string, Answer])[]> {
    const answers: (readonly [string, Answer])[] = [];
    for (let from = 0; from < names.length; from += NODES_AT_ONCE) {
      const some = names.slice(from, from + NODES_AT_ONCE).map(async (name) => {
        const options = { deadline_ms: ANSWER_MS };
        const answer = await this.#messenger.ask<Answer>(addressOf("node", name), question(name), options).catch(() => undefined);
        if (answer !== undefined) answers.push([name, answer]);
      });
      await Promise.all(some);
    }
    return answers;
  }
}
