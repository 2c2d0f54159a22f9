import { isIP } from "node:net";
import type { ParsedRequest } from "./certificate-request.ts";
import type { KeyPair } from "./issuing.ts";
import { SIGNATURE, signingKeyOf } from "./issuing.ts";
import { loadX509 } from "./x509.ts";

/** What the certificates API calls the uses of a key, and what X.509 does (RFC 5280, 4.2.1.3 and 4.2.1.12). */
const KEY_USAGES = {
  "digital signature": "digitalSignature",
  signing: "digitalSignature",
  "content commitment": "nonRepudiation",
  "key encipherment": "keyEncipherment",
  "key agreement": "keyAgreement",
  "data encipherment": "dataEncipherment",
} as const;
const EXTENDED_USAGES = { "client auth": "clientAuth", "server auth": "serverAuth" } as const;

/** Certifies what was asked for, as it was asked for: PEM. No certificate outlives the authority. */
export async function signRequest(
  authority: KeyPair,
  request: ParsedRequest,
  usages: readonly string[],
  validity: { readonly from: Date; readonly to: Date },
): Promise<string> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.cert);
  let keyUsages = 0;
  const extended: string[] = [];
  for (const usage of usages) {
    const key = KEY_USAGES[usage as keyof typeof KEY_USAGES];
    if (key !== undefined) keyUsages |= x509.KeyUsageFlags[key];
    const purpose = EXTENDED_USAGES[usage as keyof typeof EXTENDED_USAGES];
    if (purpose !== undefined) extended.push(x509.ExtendedKeyUsage[purpose]);
  }
  const names = [...request.dnsNames, ...request.ipAddresses].map((value) => ({
    type: isIP(value) ? ("ip" as const) : ("dns" as const),
    value,
  }));
  const publicKey = new x509.PublicKey(request.publicKey);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: new x509.Name(request.subject),
    issuer: issuer.subjectName,
    publicKey,
    signingKey: await signingKeyOf(authority),
    notBefore: validity.from,
    notAfter: new Date(Math.min(validity.to.getTime(), issuer.notAfter.getTime())),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      ...(keyUsages === 0 ? [] : [new x509.KeyUsagesExtension(keyUsages, true)]),
      ...(extended.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  return `${certificate.toString("pem").trimEnd()}\n`;
}
