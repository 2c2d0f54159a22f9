import { parseWhyFlags, WHY_FLAGS } from "../../rehearsal/flags.ts";
import { type Command, DONE } from "../command.ts";

export const why: Command = {
  summary: "why a pod is where it is, or nowhere",
  about: "What each node says of a pod: the filter that rejects it, or the score of each plugin.",
  operands: "POD",
  flags: WHY_FLAGS,
  examples: [{ line: "why web-7d9c5b6f4-x2x7v -n shop", does: "the pod of that name in the namespace shop" }],
  run: async (args) => {
    const flags = parseWhyFlags(args);
    const { runWhy } = await import("../../rehearsal/run.ts");
    await runWhy(flags, process.stdout);
    return DONE;
  },
};
