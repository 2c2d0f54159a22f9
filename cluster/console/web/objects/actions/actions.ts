import { html, nothing, type TemplateResult } from "lit-html";
import type { ViewContext } from "../../view.ts";
import { notice } from "../notice.ts";
import type { Subject } from "../subject.ts";
import type { Action } from "./action.ts";
import { DELETE } from "./delete.ts";
import { DRAIN } from "./drain.ts";
import { CORDON, UNCORDON } from "./node.ts";
import { PAUSE, RESTART, RESUME, SUSPEND, TRIGGER, UNPAUSE } from "./rollout.ts";
import { SCALE } from "./scale.ts";

const ACTIONS: readonly Action[] = [SCALE, RESTART, TRIGGER, PAUSE, UNPAUSE, SUSPEND, RESUME, CORDON, UNCORDON, DRAIN, DELETE];

/** What can be done to an object, as far as the user may: buttons, and keys. */
export class ActionBar {
  readonly #context: ViewContext;
  readonly #redraw: () => void;
  readonly #allowed = new Map<string, boolean>();
  /** As it was last shown: keys act on that. */
  #subject: Subject | undefined;
  #keys = new AbortController();
  #bound = "";

  /** `redraw`: called when it has become known what the user may. */
  constructor(context: ViewContext, redraw: () => void) {
    this.#context = context;
    this.#redraw = redraw;
  }

  /** What is offered now. */
  actions(subject: Subject): readonly Action[] {
    const fitting = ACTIONS.filter((action) => action.applies(subject));
    for (const action of fitting) if (!this.#allowed.has(action.id)) void this.#ask(action, subject);
    const offered = fitting.filter(({ id }) => this.#allowed.get(id) === true);
    this.#bind(offered, subject);
    return offered;
  }

  template(subject: Subject): TemplateResult {
    return html`${this.actions(subject).map(
      (action) => html`
        <button
          type="button"
          class="button ${action.isDanger ? "danger" : ""}"
          title=${action.key === undefined ? nothing : `${action.title} (${action.key})`}
          @click=${() => this.#run(action, subject)}
        >
          ${action.title}
        </button>
      `,
    )}`;
  }

  async #ask(action: Action, subject: Subject): Promise<void> {
    this.#allowed.set(action.id, false);
    try {
      this.#allowed.set(action.id, await this.#context.api.may(action.deed(subject)));
    } catch {
      this.#allowed.delete(action.id);
      return;
    }
    this.#redraw();
  }

  async #run(action: Action, subject: Subject): Promise<void> {
    try {
      await action.run(subject, this.#context);
    } catch (error) {
      if (!this.#context.signal.aborted) notice(`${action.title}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #bind(actions: readonly Action[], subject: Subject): void {
    const bound = actions.map(({ id }) => id).join(" ");
    this.#subject = subject;
    if (bound === this.#bound) return;
    this.#bound = bound;
    this.#keys.abort();
    this.#keys = new AbortController();
    const signal = AbortSignal.any([this.#context.signal, this.#keys.signal]);
    for (const action of actions)
      if (action.key !== undefined)
        this.#context.keys.bind(action.key, action.title, () => void (this.#subject && this.#run(action, this.#subject)), signal);
  }
}
