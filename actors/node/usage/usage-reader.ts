import { addressOf, type Messenger } from "../../../runtime/mod.ts";
import type { Node } from "../../kinds/generated/types.ts";
import { nodeNameOf } from "../../kinds/metadata-text.ts";
import type { Entry, View } from "../../store/view.ts";
import type { NodeMessage } from "../messages.ts";
import { RUNTIME_LABEL } from "../runtime.ts";
import type { NodeUsage, PodUsage } from "./usage.ts";

/** Nodes that are asked at the same time; thousands of questions at once would be more than the way to another host takes. */
const NODES_AT_ONCE = 256;
/** A node that does not answer in this time is left out, as one is that a metrics-server cannot scrape. */
const ANSWER_MS = 5_000;

/** Asks the nodes that this Troupe plays what they and their pods use. Others' nodes, and nodes that do not answer, are left out. */
export class UsageReader {
  readonly #view: View;
  readonly #messenger: Messenger;

  constructor(view: View, messenger: Messenger) {
    this.#view = view;
    this.#messenger = messenger;
  }

  /** By name. */
  async nodes(names: readonly string[]): Promise<ReadonlyMap<string, NodeUsage>> {
    const played = names.filter((name) => this.#isPlayed(name));
    const answers = await this.#ask<NodeUsage>(played, () => ({ type: "usage" }));
    return new Map(answers);
  }

  /** By key. */
  async pods(pods: readonly Entry[]): Promise<ReadonlyMap<string, PodUsage>> {
    const byNode = Map.groupBy(pods, ({ text }) => nodeNameOf(text) ?? "");
    const played = [...byNode.keys()].filter((name) => name !== "" && this.#isPlayed(name));
    const answers = await this.#ask<readonly PodUsage[]>(played, (name) => ({
      type: "podUsage",
      pods: (byNode.get(name) ?? []).map(({ key }) => key),
    }));
    return new Map(answers.flatMap(([, used]) => used.map((usage) => [usage.key, usage] as const)));
  }

  /** To ask a node that nobody plays would make it an actor. */
  #isPlayed(name: string): boolean {
    return this.#view.get<Node>(`nodes/${name}`)?.metadata.labels?.[RUNTIME_LABEL] !== undefined;
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
