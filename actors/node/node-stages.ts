import type { Timer } from "../../runtime/mod.ts";
import { NodeKind } from "../kinds/core/node.ts";
import type { Kind } from "../kinds/kind.ts";
import { NODE_OF_NAME } from "../registry/authors.ts";
import type { StagePlay } from "../stages/stage-play.ts";
import type { Stages } from "../stages/stages.ts";
import type { Entry } from "../store/view.ts";
import { KUBELET_PORT } from "./node-object.ts";

/** What stages need of a node: what their templates ask for, and somebody who calls `play` after a while. */
interface StagedNode {
  readonly name: string;
  address(): string;
  after(ms: number): Timer;
}

/** The stages' part in the life of one node: nothing, until there are stages for nodes. */
export class NodeStages {
  readonly #stages: Stages | undefined;
  readonly #node: StagedNode;
  #play: StagePlay | undefined;
  #holds = false;

  constructor(stages: Stages | undefined, node: StagedNode) {
    this.#stages = stages;
    this.#node = node;
  }

  /** Whether what the node says of itself is the stages' affair. */
  get hold(): boolean {
    return this.#holds;
  }

  /** The Node as it is now. */
  see(entry: Entry): void {
    if (this.#stages === undefined || (this.#play === undefined && this.#stages.for("v1/Node").length === 0)) return;
    const { name, address, after } = this.#node;
    this.#play ??= this.#stages.play({
      kind: NodeKind as unknown as Kind,
      functions: { NodeIP: address, NodeName: () => name, NodePort: () => KUBELET_PORT },
      author: NODE_OF_NAME,
      after,
    });
    this.#holds = this.#play.see(entry);
  }

  /** The time of a planned stage has come. A silent node plays nothing; what the API says of it later is looked at anew. */
  play(isSilent: boolean): void | Promise<void> {
    if (!isSilent) return this.#play?.play();
    this.#play?.forget();
  }

  forget(): void {
    this.#play?.forget();
  }
}
