import { html, nothing, render, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import { age } from "../format.ts";
import { stateMark } from "./cell.ts";
import { factsOf } from "./facts.ts";
import { podContainers } from "./pod/containers.ts";
import { objectAddress, resourceTypeOf } from "./resource-types.ts";
import type { AnyObject, Condition, Owner, Panel, PodObject } from "./subject.ts";

/** Conditions for which True is what is not wished for. */
const BETTER_FALSE = /(Pressure|Unavailable|Failure|Failed|Disruption|Terminating|Suspended|Deletion|Resizing)/;
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** What an object is, in short: facts of its kind, conditions, containers, labels, owners. */
export async function open(panel: Panel): Promise<void> {
  const owners = new Map<string, string>();
  const draw = (): void => {
    if (!panel.signal.aborted) render(template(panel, owners), panel.root);
  };
  panel.changed(draw);
  draw();
  for (const owner of panel.object().metadata.ownerReferences ?? []) {
    const address = await addressOf(panel, owner).catch(() => undefined);
    if (address !== undefined) owners.set(owner.uid, address);
  }
  draw();
}

async function addressOf({ context, object }: Panel, { apiVersion, kind, name }: Owner): Promise<string | undefined> {
  const type = await resourceTypeOf(context.api, apiVersion, kind);
  return type === undefined ? undefined : objectAddress(type.id, type.isNamespaced ? object().metadata.namespace : undefined, name);
}

function template({ type, object }: Panel, owners: ReadonlyMap<string, string>): TemplateResult {
  const current = object();
  const facts = factsOf({ type, object: current });
  const conditions = current.status?.conditions ?? [];
  return html`
    <div class="overview">
      ${facts.length === 0 ? nothing : html`<section><h2>In short</h2><dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`}
      ${type.id === "pods" ? podContainers(current as PodObject) : nothing}
      ${conditions.length === 0 ? nothing : html`<section><h2>Conditions</h2>${conditionTable(conditions)}</section>`}
      <section><h2>Metadata</h2>${metadata(current, owners)}</section>
    </div>
  `;
}

function conditionTable(conditions: readonly Condition[]): TemplateResult {
  return html`
    <div class="scroll-x">
      <table class="table">
        <thead>
          <tr><th scope="col">Condition</th><th scope="col">Is</th><th scope="col">Since</th><th scope="col">Why</th></tr>
        </thead>
        <tbody>
          ${conditions.map(
            ({ type, status, reason, message, lastTransitionTime }) => html`
              <tr>
                <td>${type}</td>
                <td>${stateMark(status, toneOfCondition(type, status))}</td>
                <td class="num">${lastTransitionTime ? age(lastTransitionTime, Date.now()) : "–"}</td>
                <td class="words">${[reason, message].filter(Boolean).join(": ")}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

function toneOfCondition(type: string, status: string): "good" | "warn" | "plain" {
  if (status === "Unknown") return "warn";
  if (BETTER_FALSE.test(type)) return status === "True" ? "warn" : "plain";
  return status === "True" ? "good" : "warn";
}

function metadata({ metadata }: AnyObject, owners: ReadonlyMap<string, string>): TemplateResult {
  const {
    uid,
    resourceVersion,
    generation,
    creationTimestamp,
    deletionTimestamp,
    labels = {},
    annotations = {},
    finalizers = [],
    ownerReferences = [],
  } = metadata;
  const shown = Object.entries(annotations).filter(([key]) => key !== LAST_APPLIED);
  const owner = ({ uid, kind, name }: Owner): TemplateResult => {
    const address = owners.get(uid);
    return html`<span>${kind} ${address === undefined ? name : html`<a href=${hrefOf(address)}>${name}</a>`}</span> `;
  };
  return html`
    <dl class="facts">
      ${ownerReferences.length === 0 ? nothing : html`<div><dt>Owned by</dt><dd>${ownerReferences.map(owner)}</dd></div>`}
      ${pairs("Labels", Object.entries(labels))} ${pairs("Annotations", shown)}
      ${finalizers.length === 0 ? nothing : html`<div><dt>Finalizers</dt><dd>${finalizers.map((each) => html`<code>${each}</code> `)}</dd></div>`}
      <div><dt>Created</dt><dd class="num">${creationTimestamp}</dd></div>
      ${deletionTimestamp === undefined ? nothing : html`<div><dt>Deleted</dt><dd class="num">${deletionTimestamp}</dd></div>`}
      <div><dt>Version</dt><dd class="num">${resourceVersion}${generation === undefined ? nothing : html` <span class="muted">of generation ${generation}</span>`}</dd></div>
      <div><dt>UID</dt><dd class="mono">${uid}</dd></div>
    </dl>
  `;
}

function pairs(title: string, entries: readonly (readonly [string, string])[]): TemplateResult | typeof nothing {
  if (entries.length === 0) return nothing;
  return html`<div><dt>${title}</dt><dd class="pairs">${entries.map(([key, value]) => html`<span class="pair"><span class="pair-key">${key}</span><span class="pair-value">${value}</span></span>`)}</dd></div>`;
}
