import { webcrypto } from "node:crypto";

/** Where a certificate's subject says its user's uid. Source: KEP-4412; the feature AllowParsingUserUIDFromCertAuth of Kubernetes 1.34. */
export const UID_ATTRIBUTE = "1.3.6.1.4.1.57683.2";

/** The library takes 0.1 s to load and is wanted only when there is something to issue or to read, so it is loaded then. */
export async function loadX509(): Promise<typeof import("@peculiar/x509")> {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto);
  return x509;
}
