import { DATA, type Flags, parseOperands } from "../command-line/flag.ts";
import { natsUrl } from "../command-line/flags.ts";
import { type Format, formatOf, OUTPUT } from "../command-line/output.ts";
import { WrongUsage } from "../command-line/wrong-usage.ts";

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
  readonly format: Format;
}

const BACKUP = {
  data: DATA,
  nats: { value: "URL[,URL]", help: "the NATS servers that it uses, if not its own" },
  salvage: { help: "of a damaged store what can still be read" },
  output: OUTPUT,
} as const;
const RESTORE = {
  data: { value: "DIR", help: "an empty directory for the cluster" },
  nats: { value: "URL[,URL]", help: "on these NATS servers, instead of one of its own" },
  replace: { help: "in place of the store that is on them" },
  output: OUTPUT,
} as const;
export const BACKUP_FLAGS: Flags = BACKUP;
export const RESTORE_FLAGS: Flags = RESTORE;

/** Parses the flags of `troupe backup`. Throws WrongUsage. */
export function parseBackupFlags(args: readonly string[]): BackupFlags {
  const { values, operands } = parseOperands("backup", BACKUP, args);
  const format = formatOf(OUTPUT, values.output);
  return { file: oneFile("backup", operands), ...places(values), salvage: values.salvage, replace: false, format };
}

/** Parses the flags of `troupe restore`. Throws WrongUsage. */
export function parseRestoreFlags(args: readonly string[]): BackupFlags {
  const { values, operands } = parseOperands("restore", RESTORE, args);
  const file = oneFile("restore", operands);
  // A restore makes a cluster, so where is not to be guessed.
  if (!values.data) throw new WrongUsage("troupe restore wants --data DIR, a directory for the cluster that it makes");
  const format = formatOf(OUTPUT, values.output);
  const flags = { file, ...places(values), salvage: false, replace: values.replace, format };
  if (flags.replace && flags.nats === undefined)
    throw new WrongUsage("--replace is for the store on NATS servers, --nats; without them a restore wants an empty directory");
  return flags;
}

function places({
  data,
  nats,
}: {
  readonly data: string | undefined;
  readonly nats: string | undefined;
}): Pick<BackupFlags, "data" | "nats"> {
  return { data: data || DATA.default, nats: nats?.split(",").map(natsUrl) };
}

function oneFile(command: string, operands: readonly string[]): string {
  const [file, ...more] = operands;
  if (file === undefined || file === "" || more.length > 0)
    throw new WrongUsage(`troupe ${command} wants one FILE; see troupe help ${command}`);
  return file;
}
