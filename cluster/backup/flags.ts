import { parseArgs } from "node:util";
import { natsUrl } from "../command-line/flags.ts";
import { usageOf, WrongUsage } from "../command-line/wrong-usage.ts";

/** What `troupe backup` and `troupe restore` were asked for. */
export interface BackupFlags {
  readonly file: string;
  readonly data: string;
  /** NATS servers that hold the cluster; undefined: those of the data directory. */
  readonly nats: readonly string[] | undefined;
  /** Of a backup: take of a damaged store what can be read. */
  readonly salvage: boolean;
  /** Of a restore: the store that is on the NATS servers goes. */
  readonly replace: boolean;
}

/** Parses the flags of `troupe backup`. Throws WrongUsage. */
export function parseBackupFlags(args: readonly string[]): BackupFlags {
  return parse("backup", args, "salvage");
}

/** Parses the flags of `troupe restore`. Throws WrongUsage. */
export function parseRestoreFlags(args: readonly string[]): BackupFlags {
  const flags = parse("restore", args, "replace");
  if (flags.replace && flags.nats === undefined)
    throw new WrongUsage("--replace is for the store on NATS servers, --nats; without them a restore wants an empty directory");
  return flags;
}

function parse(command: string, args: readonly string[], own: "salvage" | "replace"): BackupFlags {
  const { values, positionals } = usageOf("npm run troupe -- help", () =>
    parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: true,
      options: {
        data: { type: "string" },
        nats: { type: "string" },
        [own]: { type: "boolean" },
      },
    }),
  );
  const [file, ...more] = positionals;
  if (file === undefined || file === "" || more.length > 0)
    throw new WrongUsage(`troupe ${command} wants one FILE; see npm run troupe -- help`);
  // A restore makes a cluster, so where is not to be guessed.
  if (command === "restore" && !values.data)
    throw new WrongUsage("troupe restore wants --data DIR, a directory for the cluster that it makes");
  return {
    file,
    data: (values.data as string | undefined) || ".troupe",
    nats: (values.nats as string | undefined)?.split(",").map(natsUrl),
    salvage: values.salvage === true,
    replace: values.replace === true,
  };
}
