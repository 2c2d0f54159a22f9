import { html, nothing, render, type TemplateResult } from "lit-html";
import { ApiError, Unreachable } from "../../api.ts";
import { count } from "../../format.ts";
import { refused } from "../dialog.ts";
import { isHollow, type Panel, type PodObject } from "../subject.ts";
import { containerNames, containerPicker } from "./container-picker.ts";
import { LineRing } from "./line-ring.ts";
import { LogLines } from "./log-lines.ts";

/** Lines that the browser keeps. */
const LINES_MAX = 20_000;
/** Lines of before that are asked for. */
const TAIL_LINES = 2_000;
/** A line that is longer is shown so far. */
const LINE_CHARS_MAX = 4_000;
const RETRY_MS = 1_000;

/** What a container prints: followed, searched, and saved. */
export function open(panel: Panel): void {
  const { context, root, signal, object } = panel;
  const pod = (): PodObject => object() as PodObject;
  const { query, note, keys } = context;
  let container = query.get("container") ?? containerNames(pod())[0] ?? "";
  let isPrevious = query.get("previous") === "1";
  let hasTimes = false;
  let isFollowing = true;
  let words = "";
  let isFiltering = false;
  let failure: unknown;
  let isEnded = false;
  let reading = new AbortController();
  let ring = new LineRing(LINES_MAX);
  const place = document.createElement("div");
  const lines = new LogLines(place, signal, (isAtEnd) => {
    if (isFollowing === isAtEnd) return;
    isFollowing = isAtEnd;
    draw();
  });
  root.classList.add("log-part");

  const path = (more: Readonly<Record<string, string>>): string => {
    const { namespace, name } = pod().metadata;
    const asked = { container, ...(isPrevious ? { previous: "1" } : {}), ...(hasTimes ? { timestamps: "1" } : {}), ...more };
    return `/api/v1/namespaces/${namespace}/pods/${name}/log?${new URLSearchParams(asked)}`;
  };
  const show = (): void => lines.show(ring.lines, { words, isFiltering, isFollowing });
  const begin = (): void => {
    reading.abort();
    reading = new AbortController();
    void read(AbortSignal.any([signal, reading.signal]));
  };
  const read = async (until: AbortSignal): Promise<void> => {
    ring = new LineRing(LINES_MAX);
    failure = undefined;
    isEnded = false;
    draw();
    show();
    try {
      for await (const line of context.api.lines(path({ follow: isPrevious ? "0" : "1", tailLines: String(TAIL_LINES) }), {
        signal: until,
      })) {
        ring.push(line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX)} …` : line);
        due();
      }
      isEnded = true;
    } catch (error) {
      if (until.aborted) return;
      failure = error;
      if (error instanceof Unreachable) {
        await context.connection.back();
        if (!until.aborted) begin();
        return;
      }
      // A container that is still to start has no log yet.
      if (error instanceof ApiError && /ContainerCreating|PodInitializing|waiting to start/.test(error.message))
        setTimeout(() => !until.aborted && begin(), RETRY_MS);
    }
    draw();
  };
  let isDue = false;
  const due = (): void => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      if (signal.aborted) return;
      show();
      draw();
    });
  };
  const save = async (): Promise<void> => {
    const link = document.createElement("a");
    const text = await context.api.text(path({}), { signal });
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = `${pod().metadata.name}-${container}.log`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const set = (name: string, value: string): void => {
    if (value === "") query.delete(name);
    else query.set(name, value);
    note(query);
    begin();
  };
  const toggle = (title: string, isOn: boolean, act: () => void): TemplateResult =>
    html`<button type="button" class="button toggle" aria-pressed=${isOn} @click=${act}>${title}</button>`;
  const template = (): TemplateResult => html`
    <div class="toolbar part-bar">
      ${containerPicker(pod(), container, (name) => {
        container = name;
        set("container", name);
      })}
      ${toggle("Previous", isPrevious, () => {
        isPrevious = !isPrevious;
        set("previous", isPrevious ? "1" : "");
      })}
      ${toggle("Times", hasTimes, () => {
        hasTimes = !hasTimes;
        begin();
      })}
      ${toggle("Follow", isFollowing, () => {
        isFollowing = !isFollowing;
        draw();
        show();
      })}
      <input
        class="input filter"
        type="search"
        aria-label="Search the log"
        placeholder="Search"
        @input=${({ target }: InputEvent) => {
          words = (target as HTMLInputElement).value;
          show();
          draw();
        }}
      />
      ${toggle("Only matches", isFiltering, () => {
        isFiltering = !isFiltering;
        show();
        draw();
      })}
      <span class="muted num" role="status">${words === "" ? `${count(ring.lines.length)} lines` : `${count(lines.matches)} of ${count(ring.lines.length)} lines`}</span>
      <button type="button" class="button" @click=${save}>Download</button>
    </div>
    ${isHollow(pod()) ? html`<p class="note">This pod is hollow: no process runs in it, so nothing more will be printed.</p>` : nothing}
    ${ring.dropped > 0 ? html`<p class="muted">${count(ring.dropped)} older lines have gone from here; the download has what the node keeps.</p>` : nothing}
    ${failure === undefined ? nothing : refused(failure)} ${place}
    ${isEnded ? html`<p class="muted foot">The log ends here${isPrevious ? ": of the container before this one" : ""}.</p>` : nothing}
  `;
  const draw = (): void => {
    if (!signal.aborted) render(template(), root);
  };
  keys.bind("f", "Search the log", () => root.querySelector<HTMLInputElement>(".filter")?.focus(), signal);
  keys.bind(
    "End",
    "Follow the log",
    () => {
      isFollowing = true;
      show();
      draw();
    },
    signal,
  );
  draw();
  begin();
}
