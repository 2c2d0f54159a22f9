import { html, nothing, render, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { hrefOf } from "../address.ts";
import type { KubeObject } from "../api.ts";
import { follow } from "../follow.ts";
import { age, count } from "../format.ts";
import { empty, loading, problem } from "../states.ts";
import type { ViewContext } from "../view.ts";
import { stateMark } from "./cell.ts";
import { objectAddress, type ResourceType, resourceTypes } from "./resource-types.ts";

/** Events that are kept in sight of; what comes beyond is told as a number. */
const EVENTS_MAX = 5_000;
const LINES_MAX = 500;
const AGE_TICK_MS = 5_000;

interface EventObject extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly involvedObject: { readonly apiVersion?: string; readonly kind?: string; readonly namespace?: string; readonly name?: string };
  readonly source?: { readonly component?: string };
  readonly reportingComponent?: string;
}

export interface EventFeedOptions {
  readonly context: ViewContext;
  readonly root: HTMLElement;
  readonly signal: AbortSignal;
  /** Empty: all. */
  readonly namespace: string;
  readonly fieldSelector?: string;
  /** Whether lines say what they are about. */
  readonly hasObjects: boolean;
  readonly told?: (words: string) => void;
}

/** Events as they come, the newest first. */
export class EventFeed {
  readonly #options: EventFeedOptions;
  #events: readonly EventObject[] | undefined;
  #remaining = 0;
  #words = "";
  #isWarningsOnly = false;
  #failure: unknown;
  #addresses = new Map<string, ResourceType>();

  constructor(options: EventFeedOptions) {
    this.#options = options;
    const { context, root, signal, namespace, fieldSelector } = options;
    root.classList.add("feed");
    const tick = setInterval(() => this.#draw(), AGE_TICK_MS);
    signal.addEventListener("abort", () => clearInterval(tick));
    this.#draw();
    void resourceTypes(context.api).then((types) => {
      this.#addresses = new Map(types.map((type) => [`${type.group}/${type.kind}`, type]));
      this.#draw();
    });
    void follow<EventObject>({
      api: context.api,
      connection: context.connection,
      path: namespace === "" ? "/api/v1/events" : `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`,
      ...(fieldSelector === undefined ? {} : { query: { fieldSelector } }),
      signal,
      max: EVENTS_MAX,
      changed: ({ objects, remaining }) => {
        this.#events = [...objects.values()].sort((a, b) => (lastOf(a) < lastOf(b) ? 1 : -1));
        this.#remaining = remaining;
        this.#draw();
      },
      failed: (error) => {
        this.#failure = error;
        this.#draw();
      },
    });
  }

  filter(words: string, isWarningsOnly: boolean): void {
    this.#words = words.toLowerCase();
    this.#isWarningsOnly = isWarningsOnly;
    this.#draw();
  }

  #draw(): void {
    const { root, signal } = this.#options;
    if (!signal.aborted) render(this.#template(), root);
  }

  #template(): TemplateResult {
    if (this.#failure !== undefined) return problem(this.#failure);
    if (this.#events === undefined) return loading("events");
    const found = this.#events.filter((event) => this.#isWanted(event));
    this.#options.told?.(`${count(found.length)} ${found.length === 1 ? "event" : "events"}`);
    if (found.length === 0) return empty("No events", this.#events.length === 0 ? "Events go after an hour." : "None that matches.");
    const beyond = this.#remaining + Math.max(0, found.length - LINES_MAX);
    return html`
      <table class="table events-table">
        <thead>
          <tr>
            <th scope="col">Last</th>
            <th scope="col">Type</th>
            <th scope="col">Reason</th>
            ${this.#options.hasObjects ? html`<th scope="col">Object</th>` : nothing}
            <th scope="col">Message</th>
            <th scope="col" class="right">Count</th>
          </tr>
        </thead>
        <tbody>
          ${repeat(
            found.slice(0, LINES_MAX),
            ({ metadata }) => metadata.uid,
            (event) => this.#line(event),
          )}
        </tbody>
      </table>
      ${beyond > 0 ? html`<p class="muted foot">${count(beyond)} more are not shown; filter for those that you look for.</p>` : nothing}
    `;
  }

  #line(event: EventObject): TemplateResult {
    const { type = "Normal", reason, message, involvedObject, series } = event;
    const { kind = "", name = "", namespace = "", apiVersion = "v1" } = involvedObject;
    const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
    const known = this.#addresses.get(`${group}/${kind}`);
    const about = html`<span class="muted">${kind}</span> ${name}`;
    return html`
      <tr>
        <td class="num" title=${lastOf(event)}>${age(lastOf(event), Date.now())}</td>
        <td>${stateMark(type, type === "Warning" ? "warn" : "plain")}</td>
        <td>${reason}</td>
        ${
          this.#options.hasObjects
            ? html`<td class="about">${known === undefined ? about : html`<a href=${hrefOf(objectAddress(known.id, known.isNamespaced ? namespace : undefined, name))}>${about}</a>`}</td>`
            : nothing
        }
        <td class="words" title=${event.source?.component ?? event.reportingComponent ?? ""}>${message}</td>
        <td class="right num">${series?.count ?? event.count ?? 1}</td>
      </tr>
    `;
  }

  #isWanted({ type, reason = "", message = "", involvedObject, metadata }: EventObject): boolean {
    if (this.#isWarningsOnly && type !== "Warning") return false;
    if (this.#words === "") return true;
    const text = `${reason} ${message} ${involvedObject.kind} ${involvedObject.name} ${metadata.namespace}`;
    return text.toLowerCase().includes(this.#words);
  }
}

function lastOf({ series, lastTimestamp, eventTime, firstTimestamp, metadata }: EventObject): string {
  return series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? firstTimestamp ?? metadata.creationTimestamp;
}
