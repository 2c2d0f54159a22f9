import { html, nothing, render, type TemplateResult } from "lit-html";
import { refused } from "../dialog.ts";
import { isHollow, type Panel, type PodObject } from "../subject.ts";
import { containerNames, containerPicker } from "./container-picker.ts";
import { ExecStream } from "./exec-stream.ts";
import type { Screen } from "./screen.ts";

const SHELL = "/bin/sh";

/** A shell in a container. The terminal's own code comes when it is opened. */
export async function open(panel: Panel): Promise<void> {
  const { context, root, signal, object } = panel;
  const pod = (): PodObject => object() as PodObject;
  const { namespace, name } = pod().metadata;
  let container = context.query.get("container") ?? containerNames(pod())[0] ?? "";
  let command = SHELL;
  let state: "closed" | "opening" | "open" = "closed";
  let failure: unknown;
  let words = "";
  let stream: ExecStream | undefined;
  let screen: Screen | undefined;
  const place = document.createElement("div");
  place.className = "screen";
  root.classList.add("terminal-part");

  const connect = async (event?: Event): Promise<void> => {
    event?.preventDefault();
    stream?.close();
    failure = undefined;
    words = "";
    state = "opening";
    draw();
    try {
      const { openScreen } = await import("./screen.ts");
      if (signal.aborted) return;
      screen?.dispose();
      place.replaceChildren();
      screen = await openScreen(place, signal);
    } catch (error) {
      failure = error;
      state = "closed";
      draw();
      return;
    }
    const shown = screen;
    const opened = new ExecStream(context.api, {
      namespace: namespace ?? "",
      pod: name,
      container,
      command: command.split(/\s+/).filter((word) => word !== ""),
      opened: () => {
        state = "open";
        opened.resize(shown.columns, shown.rows);
        shown.focus();
        draw();
      },
      printed: (bytes) => shown.write(bytes),
      ended: (why) => {
        if (stream !== opened) return;
        words = why;
        state = "closed";
        draw();
      },
    });
    stream = opened;
    shown.typed((bytes) => opened.send(bytes));
    shown.resized((columns, rows) => opened.resize(columns, rows));
  };
  const template = (): TemplateResult => html`
    <form class="toolbar part-bar" @submit=${connect}>
      ${containerPicker(pod(), container, (chosen) => {
        container = chosen;
      })}
      <input
        class="input narrow mono"
        aria-label="Command"
        spellcheck="false"
        autocomplete="off"
        .value=${command}
        @input=${({ target }: InputEvent) => {
          command = (target as HTMLInputElement).value;
        }}
      />
      <button class="button primary" ?disabled=${state === "opening"}>${state === "open" ? "Open another" : "Open"}</button>
      ${state === "open" ? html`<button type="button" class="button" @click=${() => stream?.close()}>Close</button>` : nothing}
      <span class="muted" role="status">${state === "closed" ? words : state === "opening" ? "Opening …" : `In ${container}`}</span>
    </form>
    ${failure === undefined ? nothing : refused(failure)} ${place}
    <p class="hint">Ctrl-Shift-Escape leaves the terminal for the rest of the page.</p>
  `;
  const draw = (): void => {
    if (!signal.aborted) render(template(), root);
  };
  signal.addEventListener("abort", () => {
    stream?.close();
    screen?.dispose();
  });
  if (isHollow(pod())) {
    render(
      html`<p class="note">This pod is hollow: its containers have states, but no processes, so there is nothing to open a terminal in.</p>`,
      root,
    );
    return;
  }
  const right = { resource: "pods", subresource: "exec", ...(namespace === undefined ? {} : { namespace }), name };
  const [mayGet, mayCreate] = await Promise.all([
    context.api.may({ verb: "get", ...right }),
    context.api.may({ verb: "create", ...right }),
  ]);
  if (signal.aborted) return;
  if (!mayGet && !mayCreate) {
    render(html`<p class="note">You may not open terminals here: that takes the right to create pods/exec in ${namespace}.</p>`, root);
    return;
  }
  draw();
}
