import { parseRestoreFlags, RESTORE_FLAGS } from "../../backup/flags.ts";
import { type Command, DONE } from "../command.ts";
import { printed } from "../output.ts";
import { typed } from "../typed.ts";

export const restore: Command = {
  summary: "a new cluster of a backup, in an empty directory",
  operands: "FILE",
  flags: RESTORE_FLAGS,
  examples: [{ line: "restore cluster.backup --data copy", does: "then up --data copy" }],
  run: async (args) => {
    const flags = parseRestoreFlags(args);
    const { runRestore } = await import("../../backup/restore.ts");
    const made = await runRestore(flags);
    const { data, nats, revision, objects, continuesAfter } = made;
    const again = typed(`up --data ${data}${nats === undefined ? "" : ` --nats ${nats.join(",")}`}`);
    process.stdout.write(
      await printed(flags.format, made, () => [
        `restored revision ${revision}, ${objects} objects; it goes on after revision ${continuesAfter}: ${again}`,
      ]),
    );
    return DONE;
  },
};
