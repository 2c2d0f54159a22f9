import { parseTopFlags, TOP_FLAGS } from "../../top/flags.ts";
import { type Command, DONE } from "../command.ts";

export const top: Command = {
  summary: "nodes, pods and actors, live",
  about:
    "On a terminal it follows the cluster until q: n, p and a show nodes, pods and actors, s sorts by another column, r reverses, arrows and page keys move. Elsewhere it prints one look.",
  flags: TOP_FLAGS,
  examples: [
    { line: "top", does: "nodes, those first of which most is asked" },
    { line: "top --view pods --once", does: "all pods, those first that restarted most" },
  ],
  run: async (args) => {
    const flags = parseTopFlags(args);
    const { runTop } = await import("../../top/run.ts");
    await runTop(flags, process.stdin, process.stdout);
    return DONE;
  },
};
