import { html, type nothing, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import { age } from "../format.ts";
import { objectAddress } from "./resource-types.ts";
import type { Cell, Column, Row } from "./table-list.ts";

/** How the server's words for the state of something look. */
export type Tone = "good" | "warn" | "bad" | "plain";

const GOOD = /^(Running|Ready|Active|Bound|Complete|Completed|Succeeded|Available|True|Approved|Healthy|Normal)\b/;
const WARN =
  /^(Pending|ContainerCreating|PodInitializing|Init:|Terminating|Released|Unknown|Suspended|Warning|Progressing|SchedulingGated|NotReady|.*SchedulingDisabled)/;
const BAD = /(Error|BackOff|Failed|OOMKilled|Evicted|Lost|Unhealthy|Invalid|CannotRun|NotFound|ErrImage|Killed|Denied)/;
/** Columns that say what state something is in. */
const STATES: ReadonlySet<string> = new Set(["status", "phase", "state", "type", "condition"]);
const READY = /^(\d+)\/(\d+)$/;
const NOTHING: ReadonlySet<Cell> = new Set<Cell>(["", "<none>", "<unset>", null]);
const AGES: ReadonlySet<string> = new Set(["age", "created at"]);

/** Whether one of the columns says what state an object is in. */
export function haveState(columns: readonly Column[]): boolean {
  return columns.some(({ name }) => STATES.has(name.toLowerCase()));
}

export function toneOf(state: string): Tone {
  if (BAD.test(state)) return "bad";
  if (WARN.test(state)) return "warn";
  return GOOD.test(state) ? "good" : "plain";
}

/** A state with its colour beside it. */
export function stateMark(state: string, tone: Tone = toneOf(state)): TemplateResult {
  return html`<span class="state-word ${tone}">${state}</span>`;
}

/** How many of how many are ready, as words and as a bar. */
export function readiness(ready: number, wanted: number, tone: Tone = toneOfReadiness(ready, wanted)): TemplateResult {
  const share = wanted === 0 ? 0 : Math.min(1, ready / wanted);
  return html`<span class="ready ${tone}"><span class="num">${ready}/${wanted}</span><span class="ready-bar"><span .style=${`width:${share * 100}%`}></span></span></span>`;
}

function toneOfReadiness(ready: number, wanted: number): Tone {
  if (ready >= wanted) return wanted === 0 ? "plain" : "good";
  return ready === 0 ? "bad" : "warn";
}

/** A cell as the console shows it. `hasState`: another column says what state the object is in. */
export function cell(column: Column, value: Cell, row: Row, hasState: boolean, now_ms: number): TemplateResult | string | typeof nothing {
  if (NOTHING.has(value)) return html`<span class="muted">–</span>`;
  const name = column.name.toLowerCase();
  const text = String(value);
  if (AGES.has(name) && row.created) return html`<span title=${row.created}>${age(row.created, now_ms)}</span>`;
  if (STATES.has(name)) return stateMark(row.isGoing && name === "status" ? "Terminating" : text);
  if (name === "node") return html`<a href=${hrefOf(objectAddress("nodes", undefined, text))}>${text}</a>`;
  const ready = name === "ready" || name === "completions" ? READY.exec(text) : null;
  if (ready !== null) {
    // What has a state of its own says there whether this is bad.
    const counts = [Number(ready[1]), Number(ready[2])] as const;
    return hasState ? readiness(...counts, counts[0] >= counts[1] ? "good" : "plain") : readiness(...counts);
  }
  if (name === "restarts" && text !== "0") return html`<span class="restarted">${text}</span>`;
  return text;
}

/** Whether the column's values are compared by their last digits. */
export function isNumeric({ type, name }: Column): boolean {
  return type === "integer" || type === "number" || /^(restarts|age|up-to-date|available|desired|current|data)$/i.test(name);
}
