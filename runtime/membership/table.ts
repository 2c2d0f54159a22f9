import type { Address } from "../address.ts";
import type { Member } from "../directory.ts";

/** The register that holds the Table. */
export const TABLE_REGISTER = "table";

/** The register that holds a host's Lease. */
export function leaseRegister(host: string): string {
  return `lease.${host}`;
}

/** The host whose lease this register holds; undefined for any other. */
export function hostOfLease(register: string): string | undefined {
  return register.startsWith("lease.") ? register.slice("lease.".length) : undefined;
}

/** A host in the table. */
export interface MemberRow extends Member {
  /** The version of the table with which the host joined: so a host that comes back is told from what it was, and newer is larger. */
  readonly incarnation: number;
  /** Which life of which process the host is part of. */
  readonly process: string;
}

/** Who takes part. There is one, and it changes only by compare-and-set, from one version to the next. */
export interface Table {
  readonly version: number;
  readonly members: readonly MemberRow[];
  /** Addresses that live on a certain host for as long as it is there and offers their kind. */
  readonly pins: Readonly<Record<Address, string>>;
}

/** A host says that it lives. */
export interface Renewal {
  readonly incarnation: number;
  /** When it was sent, on the sender's own monotonic clock: of meaning to nobody else. */
  readonly sent_ms: number;
  /** The sender has let go of all that is not its own under this version of the table, except for `holding`. */
  readonly applied: number;
  /** Addresses that live elsewhere now but whose last turn here is still in progress. */
  readonly holding: readonly Address[];
}

/** Another host found that this incarnation had been silent for longer than its lease. It cannot renew any more. */
export interface Revocation {
  readonly incarnation: number;
  readonly revoked: true;
}

export type Lease = Renewal | Revocation;

/**
 * What registers hold: the register `table` the one, `lease.<host>` the others.
 * @contract membership
 */
export type RegisterValue = Table | Renewal | Revocation;

export const EMPTY_TABLE: Table = { version: 0, members: [], pins: {} };

export function rowOf(table: Table, host: string): MemberRow | undefined {
  return table.members.find((member) => member.host === host);
}
