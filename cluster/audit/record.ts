import type { Identity } from "../access/identity.ts";
import type { Level, Stage } from "./policy.ts";

/** One line of the audit log. Source: audit.k8s.io/v1 Event. */
export interface AuditRecord {
  readonly kind: "Event";
  readonly apiVersion: "audit.k8s.io/v1";
  readonly level: Level;
  readonly auditID: string;
  readonly stage: Stage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditUser;
  readonly impersonatedUser?: AuditUser;
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: ObjectRef;
  readonly responseStatus?: object;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface AuditUser {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ObjectRef {
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiGroup?: string;
  readonly apiVersion?: string;
  readonly resourceVersion?: string;
  readonly subresource?: string;
}

export function auditUser({ user, uid, groups, extra }: Identity): AuditUser {
  return {
    username: user,
    ...(uid === undefined ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined ? {} : { extra }),
  };
}

/** Kubernetes' MicroTime; clocks here have milliseconds. */
export function microTime(now_ms: number): string {
  return new Date(now_ms).toISOString().replace("Z", "000Z");
}
