import type { CertificateContent } from "../../actors/controllers/certificates/certificates.ts";
import { loadX509 } from "./x509.ts";

/** What somebody asks to have certified (PKCS #10, RFC 2986). */
export interface ParsedRequest extends CertificateContent {
  /** DER of the public key, SPKI. */
  readonly publicKey: ArrayBuffer;
  /** DER of the subject's name, as it was sent. */
  readonly subject: ArrayBuffer;
  /** The request is signed by the key that it is about. */
  isSigned(): Promise<boolean>;
}

/** Reads a request as the API has it: the base64 of PEM. Throws with what is wrong. */
export async function parseCertificateRequest(base64: string): Promise<ParsedRequest> {
  const x509 = await loadX509();
  const pem = Buffer.from(base64, "base64").toString();
  const request = new x509.Pkcs10CertificateRequest(pem);
  const subject = request.subjectName;
  const alternatives = request.extensions.find((one) => one instanceof x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const named = (type: string): readonly string[] => alternatives.filter((one) => one.type === type).map(({ value }) => value);
  return {
    commonName: subject.getField("CN")[0] ?? "",
    organizations: subject.getField("O"),
    dnsNames: named("dns"),
    ipAddresses: named("ip"),
    emails: named("email"),
    uris: named("url"),
    publicKey: request.publicKey.rawData,
    subject: subject.toArrayBuffer(),
    isSigned: () => request.verify(),
  };
}
