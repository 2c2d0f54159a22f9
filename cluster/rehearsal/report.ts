import type { Account, Placement } from "../../actors/mod.ts";

/** What each node says of a pod, as lines for people. */
export function accountLines({ pod, node, message, best, nodes }: Account): string[] {
  const lines = [node === undefined ? `pod ${pod} waits for a node` : `pod ${pod} is on ${node}`];
  if (message !== undefined) lines.push(message);
  const feasible = nodes.flatMap((answer) => (answer.feasible ? [answer] : []));
  if (feasible.length > 0) {
    const plugins = [...new Set(feasible.flatMap(({ scores }) => Object.keys(scores)))];
    const rows = [...feasible]
      .sort((a, b) => b.total - a.total || a.node.localeCompare(b.node))
      .map((answer) => [
        `${best.includes(answer.node) ? "*" : " "} ${answer.node}`,
        String(answer.total),
        ...plugins.map((plugin) => String(answer.scores[plugin] ?? "")),
      ]);
    lines.push("", ...table([["  NODE", "TOTAL", ...plugins], ...rows]));
  }
  const rejected = nodes.flatMap((answer) => (answer.feasible ? [] : [[`  ${answer.node}`, answer.reasons.join(", ")]]));
  if (rejected.length > 0) lines.push("", ...table([["  NODE", "REJECTED BY"], ...rejected]));
  return lines;
}

/** Where pods would go, as lines for people. */
export function placementLines(placements: readonly Placement[]): string[] {
  return table([
    ["POD", "NODE", ""],
    ...placements.map(({ pod, node, message, nominated, victims, notAsked = [] }) => {
      const room = nominated === undefined ? "" : ` It would have room on ${nominated} without ${victims.join(", ") || "anybody's going"}.`;
      const others = notAsked.length === 0 ? "" : ` Not asked: ${notAsked.join(", ")}.`;
      return [pod, node ?? "-", `${message ?? ""}${room}${others}`.trimStart()];
    }),
  ]);
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
