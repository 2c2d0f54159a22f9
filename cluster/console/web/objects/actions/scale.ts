import { html } from "lit-html";
import { ask } from "../dialog.ts";
import { notice } from "../notice.ts";
import type { Workload } from "../subject.ts";
import { type Action, deedOn, merge, pathOf } from "./action.ts";

/** Everything that has the scale subresource, custom resources as well. */
export const SCALE: Action = {
  id: "scale",
  title: "Scale",
  key: "s",
  applies: ({ type }) => type.subresources.has("scale"),
  deed: (subject) => deedOn(subject, "patch", "scale"),
  async run(subject, context) {
    const { name } = subject.object.metadata;
    const path = `${pathOf(subject)}/scale`;
    const { spec } = await context.api.get<Pick<Workload, "spec">>(path, { signal: context.signal });
    const before = spec.replicas ?? 0;
    let wanted = before;
    const to = (replicas: number): void => {
      wanted = replicas;
      asked.redraw();
    };
    const asked = ask(
      {
        title: `Scale ${name}`,
        body: () => html`
          <div class="stepper">
            <button type="button" class="button" aria-label="One less" ?disabled=${wanted <= 0} @click=${() => to(wanted - 1)}>−</button>
            <label class="field">
              <span class="hidden-text">Replicas</span>
              <input
                type="number"
                min="0"
                step="1"
                required
                autofocus
                .value=${String(wanted)}
                @input=${({ target }: InputEvent) => to((target as HTMLInputElement).valueAsNumber)}
              />
            </label>
            <button type="button" class="button" aria-label="One more" @click=${() => to((wanted || 0) + 1)}>+</button>
          </div>
          <p class="muted">${before} ${before === 1 ? "replica" : "replicas"} now.</p>
        `,
        confirm: "Scale",
        isReady: () => Number.isInteger(wanted) && wanted >= 0 && wanted !== before,
        act: () => merge(context, path, { spec: { replicas: wanted } }),
      },
      context.signal,
    );
    if (await asked.done) notice(`${name} is to have ${wanted} ${wanted === 1 ? "replica" : "replicas"}.`);
  },
};
