import type { AuditLogSettings } from "./log.ts";
import type { AuditPolicy } from "./policy.ts";

/** What to record, and where; plain data that crosses threads. */
export interface AuditSettings extends AuditLogSettings {
  readonly policy: AuditPolicy;
}
