import { html, nothing, render, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import { follow } from "../follow.ts";
import { percent } from "../format.ts";
import { empty, loading, problem } from "../states.ts";
import { parseQuantity } from "./quantity.ts";
import { objectAddress } from "./resource-types.ts";
import type { AnyObject, Panel, Quantities } from "./subject.ts";

const NEARLY_FULL = 0.9;

interface Quota extends AnyObject {
  readonly status?: NonNullable<AnyObject["status"]> & { readonly hard?: Quantities; readonly used?: Quantities };
}

/** How much of its quotas a namespace uses. */
export function open({ context, root, signal, object }: Panel): void {
  const { name } = object().metadata;
  const show = (template: TemplateResult): void => void render(template, root);
  show(loading("quotas"));
  void follow<Quota>({
    api: context.api,
    connection: context.connection,
    signal,
    path: `/api/v1/namespaces/${encodeURIComponent(name)}/resourcequotas`,
    changed: ({ objects }) =>
      show(
        objects.size === 0
          ? empty("No quotas", "What is made here has no limit but the cluster.")
          : html`${[...objects.values()].map(quota)}`,
      ),
    failed: (error) => show(problem(error)),
  });
}

function quota({ metadata, status }: Quota): TemplateResult {
  const { hard = {}, used = {} } = status ?? {};
  return html`
    <section class="quota">
      <h2><a href=${hrefOf(objectAddress("resourcequotas", metadata.namespace, metadata.name))}>${metadata.name}</a></h2>
      <table class="table">
        <thead>
          <tr><th scope="col">Of</th><th scope="col" class="right">Used</th><th scope="col" class="right">At most</th><th scope="col">Share</th></tr>
        </thead>
        <tbody>
          ${Object.entries(hard).map(([resource, most]) => line(resource, used[resource] ?? "0", most))}
        </tbody>
      </table>
      ${Object.keys(hard).length === 0 ? html`<p class="muted">It limits nothing yet.</p>` : nothing}
    </section>
  `;
}

function line(resource: string, used: string, most: string): TemplateResult {
  const share = parseQuantity(most) === 0 ? 1 : parseQuantity(used) / parseQuantity(most);
  const tone = share >= 1 ? "bad" : share >= NEARLY_FULL ? "warn" : "good";
  return html`
    <tr>
      <td>${resource}</td>
      <td class="right">${used}</td>
      <td class="right">${most}</td>
      <td>
        <span class="ready ${tone}"><span class="num">${percent(share)}</span><span class="ready-bar wide"><span .style=${`width:${Math.min(1, share) * 100}%`}></span></span></span>
      </td>
    </tr>
  `;
}
