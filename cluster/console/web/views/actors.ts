import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { type HostRow, hostRows, type KindRow, kindRows } from "../actors/summary.ts";
import { bar } from "../bar.ts";
import { bytes, count, duration, percent, rateOf } from "../format.ts";
import { parseMetrics, type Scrape, sum } from "../metrics.ts";
import { loading, problem } from "../states.ts";
import { drawing, repeatedly, type ViewContext } from "../view.ts";

const LOOK_MS = 2_000;
/** Single actors that are named: those with the most to tell. */
const ACTORS_MAX = 12;

/** What /troupe/actors answers, as far as it is shown. */
interface ActorList {
  readonly hosts: readonly { readonly host: string; readonly said?: { readonly actors: readonly ActorState[] } }[];
}

interface ActorState {
  readonly address: string;
  readonly phase: string;
  readonly waiting: number;
  readonly handled: number;
  readonly crashes: number;
  readonly error?: string;
}

interface Look {
  readonly hosts: readonly HostRow[];
  readonly kinds: readonly KindRow[];
  readonly actors: readonly (ActorState & { readonly host: string })[];
  readonly deadLetters: number;
}

/** The actors of the cluster: hosts, kinds, mailboxes, and those that are in trouble. */
export async function open(context: ViewContext): Promise<void> {
  const { api, signal } = context;
  let last: Scrape | undefined;
  let look: Look | undefined;
  let failure: unknown;
  const draw = drawing(context, () => template(look, failure));
  const scrape = async (): Promise<void> => {
    const [text, list] = await Promise.all([
      api.text("/metrics", { signal }),
      api.get<ActorList>(`/troupe/actors?limit=${ACTORS_MAX}`, { signal }),
    ]);
    const now = parseMetrics(text, Date.now());
    if (last !== undefined) look = lookOf(last, now, list);
    last = now;
  };
  await repeatedly(context, LOOK_MS, scrape, (error) => {
    failure = error;
    if (error !== undefined) last = undefined;
    draw();
  });
}

function lookOf(then: Scrape, now: Scrape, list: ActorList): Look {
  const actors = list.hosts.flatMap(({ host, said }) => (said?.actors ?? []).map((actor) => ({ ...actor, host })));
  actors.sort((a, b) => b.crashes - a.crashes || b.waiting - a.waiting || b.handled - a.handled);
  return {
    hosts: hostRows(then, now),
    kinds: kindRows(then, now),
    actors: actors.slice(0, ACTORS_MAX),
    deadLetters: sum(now, "troupe_dead_letters_total"),
  };
}

function template(look: Look | undefined, failure: unknown): TemplateResult {
  const body = failure !== undefined && look === undefined ? problem(failure) : look === undefined ? loading("actors") : page(look);
  return html`<header class="page-head"><h1>Actors</h1></header>${body}`;
}

function page({ hosts, kinds, actors, deadLetters }: Look): TemplateResult {
  const total = (of: (row: KindRow) => number): number => kinds.reduce((all, row) => all + of(row), 0);
  const crashes = total((row) => row.crashes);
  const isMany = hosts.length > 1;
  const most = Math.max(1, ...kinds.map(({ messages_per_s }) => messages_per_s));
  return html`
    <dl class="figures">
      ${figure("Actors", count(total((row) => row.active)))} ${figure("Messages", rateOf(total((row) => row.messages_per_s)))}
      ${figure("Waiting in mailboxes", count(total((row) => row.waiting)))}
      ${figure("Crashes", count(crashes), crashes > 0 ? `${count(total((row) => row.restarts))} restarts` : "")}
      ${figure("Dead letters", count(deadLetters))}
    </dl>
    <h2>Hosts</h2>
    <div class="hosts">${hosts.map(hostCard)}</div>
    <h2>Kinds</h2>
    <div class="scroll-x" tabindex="0" role="region" aria-label="Kinds of actors">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Kind</th>
            ${isMany ? html`<th scope="col">Host</th>` : nothing}
            <th scope="col" class="right">Active</th>
            <th scope="col" class="right">Messages</th>
            <th scope="col" aria-hidden="true"></th>
            <th scope="col" class="right">Waiting</th>
            <th scope="col" class="right">Wait p99</th>
            <th scope="col" class="right">Turn p99</th>
            <th scope="col" class="right">Crashes</th>
            <th scope="col" class="right">Restarts</th>
          </tr>
        </thead>
        <tbody>
          ${repeat(
            kinds,
            ({ host, kind }) => `${host}/${kind}`,
            (row) => html`
              <tr>
                <td class="mono">${row.kind}</td>
                ${isMany ? html`<td class="muted">${row.host}</td>` : nothing}
                <td class="right">${count(row.active)}</td>
                <td class="right">${rateOf(row.messages_per_s)}</td>
                <td class="share">${bar(row.messages_per_s / most)}</td>
                <td class="right">${count(row.waiting)}</td>
                <td class="right">${time(row.wait_s)}</td>
                <td class="right">${time(row.turn_s)}</td>
                <td class="right ${row.crashes > 0 ? "bad-text" : ""}">${count(row.crashes)}</td>
                <td class="right">${count(row.restarts)}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
    <h2>Single actors</h2>
    <p class="muted">Those that crash first, then those whose messages wait, then the busiest.</p>
    <div class="scroll-x" tabindex="0" role="region" aria-label="Single actors">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Address</th>
            ${isMany ? html`<th scope="col">Host</th>` : nothing}
            <th scope="col">Phase</th>
            <th scope="col" class="right">Waiting</th>
            <th scope="col" class="right">Handled</th>
            <th scope="col" class="right">Crashes</th>
            <th scope="col">Last error</th>
          </tr>
        </thead>
        <tbody>
          ${repeat(
            actors,
            ({ host, address }) => `${host}/${address}`,
            (actor) => html`
              <tr>
                <td class="mono">${actor.address}</td>
                ${isMany ? html`<td class="muted">${actor.host}</td>` : nothing}
                <td><span class="badge ${isWell(actor) ? "" : "warn"}">${actor.phase}</span></td>
                <td class="right">${count(actor.waiting)}</td>
                <td class="right">${count(actor.handled)}</td>
                <td class="right">${count(actor.crashes)}</td>
                <td class="muted">${actor.error?.split("\n", 1)[0] ?? ""}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

function hostCard({ host, isUp, active, messages_per_s, busy, heap_bytes }: HostRow): TemplateResult {
  return html`
    <section class="card host" aria-label=${`Host ${host}`}>
      <header><h3>${host}</h3><span class="badge ${isUp ? "good" : "bad"}">${isUp ? "up" : "silent"}</span></header>
      <p class="num">${count(active)} actors · ${rateOf(messages_per_s)} · ${bytes(heap_bytes)}</p>
      <p class="host-busy num"><span class="muted">event loop</span>${bar(busy)}<span>${percent(busy)}</span></p>
    </section>
  `;
}

/** It handles what it gets, or has nothing to. */
function isWell({ phase }: ActorState): boolean {
  return phase !== "backoff" && phase !== "gone";
}

function figure(name: string, value: string, note = ""): TemplateResult {
  return html`<div><dt>${name}</dt><dd class="num">${value}${note === "" ? nothing : html` <small>${note}</small>`}</dd></div>`;
}

function time(seconds: number | undefined): string {
  return seconds === undefined ? "–" : duration(seconds);
}
