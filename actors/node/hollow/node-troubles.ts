import type { Timer } from "../../../runtime/mod.ts";
import type { Fate } from "./fate.ts";
import { nodeBehaviour, type Spell, type ToldCondition } from "./node-behaviour.ts";

/** A spell begins or ends. */
export interface SpellTurn {
  readonly what: "silence" | "pressure";
  readonly begins: boolean;
  /** Of which reading of the annotations it is: turns of earlier ones mean nothing. */
  readonly reading: number;
}

export interface TroublesOptions {
  readonly node: string;
  readonly fate: Fate;
  /** Hands the turn to `turn` after a while. */
  after(ms: number, turn: SpellTurn): Timer;
  /** Is told what was not understood in the annotations. */
  complain(complaint: string): void;
}

/**
 * What its annotations do to a hollow node, as time goes by. They are read anew whenever they change, even of a node that is silent: whoever takes them away
 * brings it back.
 */
export class NodeTroubles {
  readonly #options: TroublesOptions;
  #told = "";
  #reading = 0;
  #spells: { readonly silence: Spell | undefined; readonly pressure: Spell | undefined } = { silence: undefined, pressure: undefined };
  #conditions: readonly ToldCondition[] = [];
  #silent = false;
  #underPressure = false;

  constructor(options: TroublesOptions) {
    this.#options = options;
  }

  get isSilent(): boolean {
    return this.#silent;
  }

  /** What the node reports in place of its being well; of a spell that is over the opposite, so that nothing of it stays. */
  get conditions(): readonly ToldCondition[] {
    return this.#underPressure
      ? this.#conditions
      : this.#conditions.map(({ type }) => ({ type, status: type === "Ready" ? "True" : "False" }));
  }

  /** The node's annotations now. True when something may be otherwise than before. */
  read(annotations: Readonly<Record<string, string>> | undefined): boolean {
    const { node, fate, complain } = this.#options;
    const behaviour = nodeBehaviour(node, annotations, fate);
    const told = behaviour === undefined ? "" : JSON.stringify(behaviour);
    if (told === this.#told) return false;
    this.#told = told;
    this.#reading++;
    this.#silent = false;
    this.#underPressure = false;
    if (behaviour?.pressure !== undefined) this.#conditions = behaviour.pressure.conditions;
    this.#spells = { silence: behaviour?.silence, pressure: behaviour?.pressure };
    for (const complaint of behaviour?.complaints ?? []) complain(complaint);
    this.#plan("silence", true);
    this.#plan("pressure", true);
    return true;
  }

  /** True when something is otherwise now. */
  turn({ what, begins, reading }: SpellTurn): boolean {
    if (reading !== this.#reading) return false;
    if (what === "silence") this.#silent = begins;
    else this.#underPressure = begins;
    this.#plan(what, !begins);
    return true;
  }

  #plan(what: SpellTurn["what"], begins: boolean): void {
    const spell = this.#spells[what];
    const ms = begins ? spell?.after_ms : spell?.for_ms;
    if (ms === undefined || !Number.isFinite(ms)) return;
    this.#options.after(ms, { what, begins, reading: this.#reading });
  }
}
