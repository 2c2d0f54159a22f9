import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { CertificateContent } from "../../actors/controllers/certificates/certificates.ts";
import { privateKeyPem, SIGNATURE } from "./issuing.ts";
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

/** What one asks to have certified of oneself. */
export interface RequestContent {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** DNS names and IP addresses that the holder answers to. */
  readonly names?: readonly string[];
}

/** Makes a key and a request for it, both PEM. */
export async function makeRequest({
  commonName,
  organizations,
  names = [],
}: RequestContent): Promise<{ readonly request: string; readonly key: string }> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(SIGNATURE, true, ["sign", "verify"]);
  const alternatives = names.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value }));
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }],
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: alternatives.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternatives)],
  });
  return { request: request.toString("pem"), key: await privateKeyPem(keys.privateKey) };
}
