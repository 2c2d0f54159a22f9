import type { KeyPair } from "../../../cluster/pki/issuing.ts";
import { makeAuthority as makeCa, makeCertificate } from "../../../cluster/pki/issuing.ts";

export type Pair = KeyPair;

/** An authority made for one test. */
export interface Authority {
  readonly cert: string;
  readonly pair: Pair;
  server(...names: readonly string[]): Promise<Pair>;
  client(user: string, groups: readonly string[], times?: { readonly from: Date; readonly to: Date }): Promise<Pair>;
}

const HOUR_MS = 3_600_000;

export async function makeAuthority(name = "test-ca"): Promise<Authority> {
  const validity = { from: new Date(Date.now() - HOUR_MS), to: new Date(Date.now() + HOUR_MS) };
  const ca = await makeCa(name, validity);
  return {
    cert: ca.cert,
    pair: ca,
    server: (...names) =>
      makeCertificate(ca, { commonName: "api", usages: ["server"], names: ["127.0.0.1", "localhost", ...names] }, validity),
    client: (commonName, organizations, times = validity) =>
      makeCertificate(ca, { commonName, organizations, usages: ["client"], withUid: true }, times),
  };
}
