import type { Values } from "./flag.ts";
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

/** The names of kube-apiserver. */
export const AUDIT_FLAGS = {
  "audit-policy-file": { value: "FILE", help: "a Policy: which requests are recorded", section: "Record of requests" },
  "audit-log-path": { value: "FILE", help: "where they are recorded; - for standard output", section: "Record of requests" },
  "audit-log-maxage": { value: "DAYS", help: "how long a full log is kept (0, if not given: for ever)", section: "Record of requests" },
  "audit-log-maxbackup": { value: "N", help: "how many full logs are kept (0, if not given: all)", section: "Record of requests" },
  "audit-log-maxsize": { value: "MB", help: "when a log is full (100, if not given)", section: "Record of requests" },
} as const;

type AuditValues = Values<typeof AUDIT_FLAGS>;

const MAX = 1_000_000;
/** Where nothing is said of it; a log without limits would fill the disk. Source: lumberjack's default. */
const SIZE_DEFAULT_MB = 100;

/** What they mean; undefined: nothing is recorded. Throws WrongUsage. */
export function auditFlags(values: AuditValues): AuditFlags | undefined {
  const [policyFile, path] = [values["audit-policy-file"], values["audit-log-path"]];
  if (policyFile === undefined && path === undefined) {
    const alone = Object.keys(AUDIT_FLAGS).find((name) => values[name as keyof AuditValues] !== undefined);
    if (alone !== undefined) throw new WrongUsage(`--${alone} needs --audit-policy-file and --audit-log-path`);
    return undefined;
  }
  if (policyFile === undefined || path === undefined)
    throw new WrongUsage("--audit-policy-file FILE and --audit-log-path FILE go together");
  const number = (name: keyof AuditValues): number => wholeNumber(`--${name}`, values[name], 0, MAX) ?? 0;
  return {
    policyFile,
    path,
    maxAge_days: number("audit-log-maxage"),
    maxBackups: number("audit-log-maxbackup"),
    maxSize_MB: number("audit-log-maxsize") || SIZE_DEFAULT_MB,
  };
}
