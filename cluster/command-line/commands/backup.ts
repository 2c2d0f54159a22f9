import { BACKUP_FLAGS, parseBackupFlags } from "../../backup/flags.ts";
import { type Command, DONE } from "../command.ts";
import { printed } from "../output.ts";

export const backup: Command = {
  summary: "the whole cluster in one file, while it runs or not",
  operands: "FILE",
  flags: BACKUP_FLAGS,
  examples: [
    { line: "backup cluster.backup", does: "of the cluster in .troupe" },
    { line: "backup rest.backup --salvage", does: "of a damaged store what can still be read" },
  ],
  run: async (args) => {
    const flags = parseBackupFlags(args);
    const { runBackup } = await import("../../backup/backup.ts");
    const made = await runBackup(flags);
    const { file, revision, objects, bytes, damages } = made;
    const lines = [`backup ${file}: revision ${revision}, ${objects} objects, ${bytes} bytes`];
    if (damages.length > 0) lines.push(`damaged, and not needed or left out: ${damages.join("; ")}`);
    process.stdout.write(await printed(flags.format, made, () => lines));
    return DONE;
  },
};
