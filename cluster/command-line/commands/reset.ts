import { parseResetFlags, RESET_FLAGS } from "../../joining/flags.ts";
import { type Command, DONE } from "../command.ts";
import { printed } from "../output.ts";

export const reset: Command = {
  summary: "stop what runs on a data directory, and remove it",
  about:
    "Stops what runs on the directory and removes all of Troupe's in it: the whole cluster, or, of a machine that has joined one, what makes it a member. It asks before.",
  flags: RESET_FLAGS,
  examples: [{ line: "reset --data .troupe", does: "forget the cluster that up made" }],
  run: async (args) => {
    const { data, force, format } = parseResetFlags(args);
    const { runReset } = await import("../../joining/reset.ts");
    const { answer, lines } = await runReset(data, force);
    process.stdout.write(await printed(format, answer, () => lines));
    return DONE;
  },
};
