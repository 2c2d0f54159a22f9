import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { hrefOf } from "../address.ts";
import type { KubeObject } from "../api.ts";
import { bar } from "../bar.ts";
import { follow } from "../follow.ts";
import { age, bytes, cores, count, percent } from "../format.ts";
import { icon } from "../icons.ts";
import { loading, problem } from "../states.ts";
import type { ViewContext } from "../view.ts";
import { CORDONED, DISK_PRESSURE, MEMORY_PRESSURE, NO_NETWORK, NOT_READY, PID_PRESSURE } from "./feed-lines.ts";
import { type MapNode, podsOn, useOf } from "./model.ts";

/** Pods of one node that are listed. */
const PODS_MAX = 500;

const TROUBLES: readonly (readonly [bit: number, words: string, how: "bad" | "warn" | "plain"])[] = [
  [NOT_READY, "NotReady", "bad"],
  [NO_NETWORK, "NetworkUnavailable", "bad"],
  [CORDONED, "Cordoned", "plain"],
  [MEMORY_PRESSURE, "MemoryPressure", "warn"],
  [DISK_PRESSURE, "DiskPressure", "warn"],
  [PID_PRESSURE, "PIDPressure", "warn"],
];

interface PodOnNode extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly restartCount?: number;
      readonly state?: { readonly waiting?: { readonly reason?: string } };
    }[];
  };
}

/** What is the matter with a node, or that nothing is. */
export function badges(state: number): readonly TemplateResult[] {
  const found = TROUBLES.filter(([bit]) => (state & bit) !== 0);
  if ((state & NOT_READY) === 0) found.unshift([0, "Ready", "plain"]);
  return found.map(([bit, words, how]) => html`<span class="badge ${bit === 0 ? "good" : how}">${words}</span>`);
}

/** The same in one line of words. */
export function inWords(node: MapNode): string {
  const troubles = TROUBLES.filter(([bit]) => (node.state & bit) !== 0).map(([, words]) => words);
  const use = `CPU ${percent(useOf(node, "cpu"))}, memory ${percent(useOf(node, "memory"))}, ${podsOn(node)} pods`;
  return `${node.name}, ${troubles.length === 0 ? "Ready" : troubles.join(", ")}, ${use}`;
}

/** The use of a node, line by line. */
export function uses(node: MapNode): TemplateResult {
  const lines = [
    ["CPU", "cpu", `${cores(node.cpu)} of ${cores(node.cpuMax)}`],
    ["Memory", "memory", `${bytes(node.memory)} of ${bytes(node.memoryMax)}`],
    ["Pods", "pods", `${count(podsOn(node))} of ${count(node.podsMax)}`],
  ] as const;
  return html`
    <dl class="uses">
      ${lines.map(([words, by, amount]) => html`<div><dt>${words}</dt><dd class="num">${amount}</dd>${bar(useOf(node, by))}</div>`)}
    </dl>
  `;
}

/** All about one node, beside the map. It follows the node's pods while it is open. */
export class NodePanel {
  readonly node: MapNode;
  readonly #draw: () => void;
  readonly #end = new AbortController();
  #pods: readonly PodOnNode[] | undefined;
  #more = 0;
  #failure: unknown;

  constructor(node: MapNode, context: ViewContext, draw: () => void) {
    this.node = node;
    this.#draw = draw;
    context.signal.addEventListener("abort", () => this.close(), { signal: this.#end.signal });
    void follow<PodOnNode>({
      api: context.api,
      connection: context.connection,
      path: "/api/v1/pods",
      query: { fieldSelector: `spec.nodeName=${node.name}` },
      max: PODS_MAX,
      signal: this.#end.signal,
      changed: ({ objects, remaining }) => {
        this.#pods = [...objects.values()].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
        this.#more = remaining;
        this.#draw();
      },
      failed: (error) => {
        this.#failure = error;
        this.#draw();
      },
    });
  }

  close(): void {
    this.#end.abort();
  }

  template(close: () => void): TemplateResult {
    const { name, zone, state } = this.node;
    return html`
      <aside class="panel" aria-label=${`Node ${name}`}>
        <header>
          <h2 class="clip"><a href=${hrefOf(`/nodes/${encodeURIComponent(name)}`)} title="All of this node">${name}</a></h2>
          <button type="button" class="button quiet" aria-label="Close (Escape)" title="Close (Escape)" @click=${close}>${icon("close")}</button>
        </header>
        <p class="badges">${badges(state)}${zone === "" ? nothing : html`<span class="badge">${zone}</span>`}</p>
        ${uses(this.node)}
        <h3>Pods</h3>
        ${this.#list()}
      </aside>
    `;
  }

  #list(): TemplateResult {
    if (this.#failure !== undefined) return problem(this.#failure);
    if (this.#pods === undefined) return loading("pods");
    if (this.#pods.length === 0) return html`<p class="muted">No pod is on this node.</p>`;
    const now_ms = Date.now();
    return html`
      <ul class="pod-list">
        ${repeat(
          this.#pods,
          ({ metadata }) => metadata.uid,
          (pod) => {
            const { words, how } = stateOf(pod);
            const { name, namespace = "", creationTimestamp } = pod.metadata;
            return html`
              <li>
                <span class="dot ${how}" aria-hidden="true"></span>
                <a class="clip" href=${hrefOf(`/pods/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`)} title=${`${namespace}/${name}`}>${name}</a>
                <span class="muted num">${words === "Running" ? age(creationTimestamp, now_ms) : words}</span>
              </li>
            `;
          },
        )}
      </ul>
      ${this.#more > 0 ? html`<p class="muted">and ${count(this.#more)} more</p>` : nothing}
    `;
  }
}

function stateOf({ metadata, status }: PodOnNode): { readonly words: string; readonly how: "good" | "warn" | "bad" | "plain" } {
  if (metadata.deletionTimestamp !== undefined) return { words: "Terminating", how: "plain" };
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting?.reason !== undefined)?.state?.waiting?.reason;
  const phase = status?.phase ?? "Unknown";
  if (phase === "Running") {
    const isReady = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
    return { words: waiting ?? (isReady ? "Running" : "NotReady"), how: isReady ? "good" : "warn" };
  }
  return { words: waiting ?? phase, how: phase === "Failed" ? "bad" : "plain" };
}
