import { isIP } from "node:net";

/** Records as they are answered, before they are put on a wire. Names have no dot at their end. */
export type DnsRecord =
  | { readonly type: "A" | "AAAA"; readonly name: string; readonly ttl_s: number; readonly address: string }
  | { readonly type: "CNAME" | "PTR" | "NS"; readonly name: string; readonly ttl_s: number; readonly target: string }
  | {
      readonly type: "SRV";
      readonly name: string;
      readonly ttl_s: number;
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: "TXT"; readonly name: string; readonly ttl_s: number; readonly text: string }
  | { readonly type: "SOA"; readonly name: string; readonly ttl_s: number; readonly serial: number };

export interface Question {
  /** As it was asked, in large and small letters. */
  readonly name: string;
  /** `A`, `SRV`, ...; unknown types by another name. */
  readonly type: string;
}

/** What is answered out of the cluster alone. */
export interface Reply {
  readonly code: "NOERROR" | "NXDOMAIN" | "REFUSED";
  readonly answers: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  /** With no answers: what says for how long there are none. */
  readonly authority: readonly DnsRecord[];
  /** A name outside of the cluster that the answer leads to: its records belong to the answer. */
  readonly leadsTo?: string;
}

/** How long a record holds, and that there is none: so long an address that has changed may be used still. Source: CoreDNS' default. */
export const RECORD_TTL_S = 5;

export function addressRecord(name: string, address: string): DnsRecord {
  return { type: isIP(address) === 6 ? "AAAA" : "A", name, ttl_s: RECORD_TTL_S, address };
}
