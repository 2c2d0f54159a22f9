import { parseStatusFlags, STATUS_FLAGS } from "../../status/flags.ts";
import { type Command, DONE, FAILED } from "../command.ts";
import { printed } from "../output.ts";

export const status: Command = {
  summary: "what runs on a data directory, and how it is",
  about:
    "Whether a Troupe runs there and since when, nodes, pods by phase, actors, the store's revision and size, and the addresses. The exit code is 1 where none runs, or it is not ready.",
  flags: STATUS_FLAGS,
  examples: [
    { line: "status", does: "of the cluster in .troupe" },
    { line: "status -o json", does: "for a script" },
  ],
  run: async (args) => {
    const { data, format } = parseStatusFlags(args);
    const [{ statusOf }, { statusLines }] = await Promise.all([import("../../status/status.ts"), import("../../status/text.ts")]);
    const answer = await statusOf(data);
    process.stdout.write(await printed(format, answer, () => statusLines(answer, Date.now())));
    return answer.state === "running" ? DONE : FAILED;
  },
};
