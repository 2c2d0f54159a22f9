import { WrongUsage, wholeNumber } from "./wrong-usage.ts";

/** What `troupe up` was asked for about the record of requests. The flags are kube-apiserver's. */
export interface AuditFlags {
  /** A file with a Policy. */
  readonly policyFile: string;
  /** `-` is standard output. */
  readonly path: string;
  readonly maxAge_days: number;
  readonly maxBackups: number;
  readonly maxSize_MB: number;
}

type Flag = "audit-policy-file" | "audit-log-path" | "audit-log-maxage" | "audit-log-maxbackup" | "audit-log-maxsize";

/** For parseArgs. */
export const AUDIT_OPTIONS: Readonly<Record<Flag, { readonly type: "string" }>> = {
  "audit-policy-file": { type: "string" },
  "audit-log-path": { type: "string" },
  "audit-log-maxage": { type: "string" },
  "audit-log-maxbackup": { type: "string" },
  "audit-log-maxsize": { type: "string" },
};

const MAX = 1_000_000;
/** Where nothing is said of it; a log without limits would fill the disk. Source: lumberjack's default. */
const SIZE_DEFAULT_MB = 100;

/** Reads what parseArgs found; undefined: nothing is recorded. Throws WrongUsage. */
export function auditFlags(values: { readonly [Name in Flag]?: string }): AuditFlags | undefined {
  const [policyFile, path] = [values["audit-policy-file"], values["audit-log-path"]];
  if (policyFile === undefined && path === undefined) {
    const alone = Object.keys(AUDIT_OPTIONS).find((name) => values[name as Flag] !== undefined);
    if (alone !== undefined) throw new WrongUsage(`--${alone} needs --audit-policy-file and --audit-log-path`);
    return undefined;
  }
  if (policyFile === undefined || path === undefined)
    throw new WrongUsage("--audit-policy-file FILE and --audit-log-path FILE go together");
  const number = (name: Flag): number => wholeNumber(`--${name}`, values[name], 0, MAX) ?? 0;
  return {
    policyFile,
    path,
    maxAge_days: number("audit-log-maxage"),
    maxBackups: number("audit-log-maxbackup"),
    maxSize_MB: number("audit-log-maxsize") || SIZE_DEFAULT_MB,
  };
}
