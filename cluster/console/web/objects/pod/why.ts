import { html, nothing, render, type TemplateResult } from "lit-html";
import { hrefOf } from "../../address.ts";
import { count } from "../../format.ts";
import { loading, problem } from "../../states.ts";
import { objectAddress } from "../resource-types.ts";
import type { Panel } from "../subject.ts";

/** Nodes that are shown one by one. */
const NODES_SHOWN = 200;

/** What the scheduler makes of a pod, as `/troupe/why` has it. */
interface Account {
  readonly pod: string;
  readonly node?: string;
  readonly message?: string;
  readonly best: readonly string[];
  readonly nodes: readonly NodeAnswer[];
}

type NodeAnswer =
  | { readonly node: string; readonly feasible: false; readonly reasons: readonly string[] }
  | { readonly node: string; readonly feasible: true; readonly scores: Readonly<Record<string, number>>; readonly total: number };
type Taker = Extract<NodeAnswer, { feasible: true }>;

/** Why a pod waits for a node: what the scheduler says of each node. */
export async function open({ context, root, signal, object }: Panel): Promise<void> {
  const { namespace, name } = object().metadata;
  const ask = async (): Promise<void> => {
    render(loading("what the scheduler says"), root);
    try {
      const account = await context.api.get<Account>(
        `/troupe/why?namespace=${encodeURIComponent(namespace ?? "")}&pod=${encodeURIComponent(name)}`,
        { signal },
      );
      render(template(account, ask), root);
    } catch (error) {
      if (!signal.aborted) render(problem(error, ask), root);
    }
  };
  await ask();
}

function template({ node, message, best, nodes }: Account, again: () => Promise<void>): TemplateResult {
  const takers = nodes.filter((each) => each.feasible).sort((a, b) => b.total - a.total);
  const reasons = Map.groupBy(
    nodes.flatMap((each) => (each.feasible ? [] : [each])),
    (each) => each.reasons.join(", "),
  );
  const groups = [...reasons].sort(([, a], [, b]) => b.length - a.length);
  return html`
    <div class="overview">
      <section>
        <h2>${node === undefined ? (takers.length === 0 ? "No node takes it" : "It waits for its turn") : html`It is on ${nodeLink(node)}`}</h2>
        <p class="words">${message ?? (takers.length === 0 ? "" : `${count(takers.length)} of ${count(nodes.length)} nodes would take it.`)}</p>
        <button type="button" class="button" @click=${again}>Ask again</button>
      </section>
      ${
        groups.length === 0
          ? nothing
          : html`<section><h2>${count(nodes.length - takers.length)} of ${count(nodes.length)} nodes refuse it</h2>${groups.map(
              ([words, each]) =>
                refusals(
                  words,
                  each.map((answer) => answer.node),
                  nodes.length,
                ),
            )}</section>`
      }
      ${takers.length === 0 ? nothing : html`<section><h2>Nodes that would take it</h2>${scores(takers, new Set(best))}</section>`}
    </div>
  `;
}

/** Nodes that say the same. */
function refusals(words: string, nodes: readonly string[], all: number): TemplateResult {
  const share = all === 0 ? 0 : nodes.length / all;
  return html`
    <details class="refusal">
      <summary>
        <span class="ready bad"><span class="num">${count(nodes.length)}</span><span class="ready-bar wide"><span .style=${`width:${share * 100}%`}></span></span></span>
        <span class="words">${words}</span>
      </summary>
      <p class="node-names">${nodes.slice(0, NODES_SHOWN).map((node) => html`${nodeLink(node)} `)}${nodes.length > NODES_SHOWN ? html`<span class="muted">and ${count(nodes.length - NODES_SHOWN)} more</span>` : nothing}</p>
    </details>
  `;
}

function scores(takers: readonly Taker[], best: ReadonlySet<string>): TemplateResult {
  const plugins = [...new Set(takers.flatMap((each) => Object.keys(each.scores)))];
  return html`
    <div class="scroll-x">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col" class="right">Score</th>
            ${plugins.map((plugin) => html`<th scope="col" class="right">${plugin}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${takers.slice(0, NODES_SHOWN).map(
            ({ node, total, scores }) => html`
              <tr>
                <td>${nodeLink(node)} ${best.has(node) ? html`<span class="badge good">best</span>` : nothing}</td>
                <td class="right">${total}</td>
                ${plugins.map((plugin) => html`<td class="right">${scores[plugin] ?? ""}</td>`)}
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

function nodeLink(node: string): TemplateResult {
  return html`<a href=${hrefOf(objectAddress("nodes", undefined, node))}>${node}</a>`;
}
