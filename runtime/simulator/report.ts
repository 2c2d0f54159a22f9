import { faultText } from "./fault.ts";
import type { Happened } from "./happening.ts";
import type { Plan } from "./plan.ts";
import type { Shrunk } from "./shrink.ts";
import type { Run } from "./simulate.ts";
import { traceLine } from "./trace.ts";

/** Of what led to a violation, the last so many lines that matter. */
const LINES_MAX = 60;

/** Happenings that matter whatever is wrong. */
const ALWAYS: ReadonlySet<Happened["what"]> = new Set([
  "fault begins",
  "fault ends",
  "host begins",
  "host ends",
  "host leaves",
  "host pauses",
  "host goes on",
  "note",
]);

/** What a person needs to understand a failure: what broke, the smallest plan that breaks it, and what happened to those concerned. */
export function reportOf(failed: Run, { run, tries }: Shrunk): string {
  const { violation, plan } = run;
  if (violation === undefined) throw new Error("there is nothing wrong with this run");
  const lines = run.happened.filter(mattersFor(violation.text)).map(traceLine);
  const shown = lines.slice(-LINES_MAX);
  return [
    `seed ${plan.seed} breaks: ${violation.invariant}`,
    `  at ${(violation.at_ms / 1_000).toFixed(3)} s: ${violation.text}`,
    `planned: ${planText(failed.plan)}`,
    `shrunk in ${tries} runs: ${planText(plan)}`,
    ...plan.faults.map((fault) => `  ${faultText(fault)}`),
    `what happened to those concerned${lines.length > shown.length ? `, the last ${shown.length} of ${lines.length} lines` : ""}:`,
    ...shown,
    "",
  ].join("\n");
}

function planText({ duration_ms, size, faults }: Plan): string {
  return `${duration_ms / 1_000} s, hosts: ${size.hosts}, actors of a kind: ${size.actors}, faults: ${faults.length}`;
}

/** Whether a happening has to do with an address or a message that the text names. */
function mattersFor(text: string): (happened: Happened) => boolean {
  const addresses = text.match(/[\w-]+\/[\w.-]+/g) ?? [];
  const ids = [...text.matchAll(/(?:message |"id":)(\d+)/g)].map(([, id]) => `"id":${id}`);
  const named = [...addresses, ...ids].map((name) => new RegExp(`${name.replaceAll(/[.]/g, "\\$&")}(?![\\w.-])`));
  return (happened) => ALWAYS.has(happened.what) || named.some((name) => name.test(traceLine(happened)));
}
