import { parseRestoreFlags, RESTORE_FLAGS } from "../../backup/flags.ts";
import { type Command, DONE } from "../command.ts";

export const restore: Command = {
  summary: "a new cluster of a backup, in an empty directory",
  operands: "FILE",
  flags: RESTORE_FLAGS,
  examples: [{ line: "restore cluster.backup --data copy", does: "then up --data copy" }],
  run: async (args) => {
    const flags = parseRestoreFlags(args);
    const { runRestore } = await import("../../backup/restore.ts");
    console.log(await runRestore(flags));
    return DONE;
  },
};
