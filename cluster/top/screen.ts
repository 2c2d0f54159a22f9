import { styleText } from "node:util";
import type { KindRow } from "../actors-top/summary.ts";
import { KIND_COLUMNS } from "../actors-top/table.ts";
import { type Column, columnLines } from "../command-line/columns.ts";
import { bar } from "../command-line/progress.ts";
import { ageText, bytesText } from "../command-line/quantity-text.ts";
import type { PodFacts } from "./facts.ts";
import type { NodeRow, Picture } from "./picture.ts";
import { sortOf, type TopState, VIEWS } from "./state.ts";

/** Lines that are not rows: three of totals, one of titles, one of keys, and two that part them. */
export const FRAME_LINES = 7;

/** What is shown, in as many lines: no line is longer than `columns`. `now_ms` is Unix time. */
export function screenLines(picture: Picture, state: TopState, rows: number, columns: number, now_ms: number): readonly string[] {
  const shown = picture.rows.slice(state.offset, state.offset + rows);
  const [titles = "", ...table] = tableOf(state, shown, now_ms);
  const cut = (line: string): string => line.slice(0, columns);
  return [
    ...totals(picture).map(cut),
    "",
    styleText("inverse", cut(titles).padEnd(Math.min(columns, Math.max(titles.length, ...table.map((line) => line.length))))),
    ...table.map((line, index) => coloured(cut(line), shown[index])),
    "",
    styleText("dim", cut(keysOf(state, picture.rows.length, rows))),
  ];
}

function totals({ nodes, pods, asked, actors }: Picture): readonly string[] {
  const statuses = Object.entries(pods.byStatus)
    .toSorted(([, a], [, b]) => b - a)
    .map(([status, count]) => `${count} ${status}`);
  return [
    `nodes   ${nodes.ready} of ${nodes.total} Ready    actors ${actors.active} on ${actors.hosts} ${actors.hosts === 1 ? "host" : "hosts"}, ${Math.round(actors.messages_per_s)} messages/s`,
    `pods    ${pods.total}${statuses.length === 0 ? "" : `: ${statuses.join(", ")}`}`,
    `cpu     ${bar(asked.cpuShare)}    memory ${bar(asked.memoryShare)}    of what nodes have, asked for`,
  ];
}

const NODE_COLUMNS = (now_ms: number): readonly Column<NodeRow>[] => [
  { title: "NODE", text: ({ name }) => name },
  { title: "STATUS", text: ({ status }) => status },
  { title: "ZONE", text: ({ zone }) => zone },
  { title: "PODS", right: true, text: ({ pods, podsMax }) => `${pods}/${podsMax}` },
  { title: "CPU", right: true, text: ({ cpuShare }) => percent(cpuShare) },
  { title: "MEMORY", right: true, text: ({ memoryShare }) => percent(memoryShare) },
  { title: "AGE", right: true, text: ({ since_ms }) => ageText(now_ms - since_ms) },
];

const POD_COLUMNS = (now_ms: number): readonly Column<PodFacts>[] => [
  { title: "POD", text: ({ key }) => key },
  { title: "READY", right: true, text: ({ ready, containers }) => `${ready}/${containers}` },
  { title: "STATUS", text: ({ status }) => status },
  { title: "RESTARTS", right: true, text: ({ restarts }) => String(restarts) },
  { title: "CPU", right: true, text: ({ cpu }) => (cpu === 0 ? "" : `${Math.round(cpu * 1_000)}m`) },
  { title: "MEMORY", right: true, text: ({ memory_bytes }) => (memory_bytes === 0 ? "" : bytesText(memory_bytes)) },
  { title: "AGE", right: true, text: ({ since_ms }) => ageText(now_ms - since_ms) },
  { title: "NODE", text: ({ node }) => node },
];

function tableOf({ view }: TopState, rows: readonly unknown[], now_ms: number): readonly string[] {
  switch (view) {
    case "nodes":
      return columnLines(NODE_COLUMNS(now_ms), rows as readonly NodeRow[]);
    case "pods":
      return columnLines(POD_COLUMNS(now_ms), rows as readonly PodFacts[]);
    case "actors":
      return columnLines(KIND_COLUMNS, rows as readonly KindRow[]);
  }
}

function coloured(line: string, row: Picture["rows"][number] | undefined): string {
  if (row === undefined) return line;
  if ("looping" in row) return row.looping > 0 ? styleText("red", line) : line;
  if (/^(Running|Succeeded|Ready)$/.test(row.status)) return line;
  return styleText(/Pending|Terminating|ContainerCreating|SchedulingDisabled/.test(row.status) ? "yellow" : "red", line);
}

function keysOf(state: TopState, all: number, rows: number): string {
  const views = VIEWS.map((view) => (view === state.view ? `[${view}]` : view)).join(" ");
  const place = all > rows ? `  rows ${state.offset + 1}-${Math.min(all, state.offset + rows)} of ${all}` : "";
  return `${views}  n p a or Tab  s: sort (${sortOf(state)}${state.reversed ? ", reversed" : ""})  r: reverse  arrows  q: quit${place}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
