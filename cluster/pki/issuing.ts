import { randomUUID, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import { loadX509, UID_ATTRIBUTE } from "./x509.ts";

/** What a certificate says of its holder; in Kubernetes the common name is the user and the organizations are its groups. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** The subject gets a uid, which tells this user from others of the same name. */
  readonly withUid?: boolean;
  readonly usages: readonly ("server" | "client")[];
  /** DNS names and IP addresses that the holder answers to. */
  readonly names?: readonly string[];
}

/** A certificate with its private key, both PEM (the key PKCS #8). */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

interface Validity {
  readonly from: Date;
  readonly to: Date;
}

/** How this house signs. */
export const SIGNATURE = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Makes the certificate of an authority, signed by itself (RFC 5280: a CA's basic constraints and key usage). */
export async function makeAuthority(commonName: string, validity: Validity): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(SIGNATURE, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    keys: keys,
    notBefore: validity.from,
    notAfter: validity.to,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pem(certificate.toString("pem")), key: await privateKeyPem(keys.privateKey) };
}

/** Makes a key and a certificate for it, signed by the authority. */
export async function makeCertificate(authority: KeyPair, request: CertificateRequest, validity: Validity): Promise<KeyPair> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.cert);
  const keys = await webcrypto.subtle.generateKey(SIGNATURE, true, ["sign", "verify"]);
  const purposes = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth };
  const names = (request.names ?? []).map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value }));
  const uid = request.withUid === true ? [{ [UID_ATTRIBUTE]: [randomUUID()] }] : [];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [...(request.organizations ?? []).map((organization) => ({ O: [organization] })), { CN: [request.commonName] }, ...uid],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(authority),
    notBefore: validity.from,
    notAfter: validity.to,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(request.usages.map((usage) => purposes[usage])),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  return { cert: pem(certificate.toString("pem")), key: await privateKeyPem(keys.privateKey) };
}

/** PKCS #8. */
export async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return pem(`-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----`);
}

/** The key of an authority, to sign with. */
export async function signingKeyOf({ key }: KeyPair): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(key.replaceAll(/-----[A-Z ]+-----|\s/g, ""), "base64");
  return webcrypto.subtle.importKey("pkcs8", der, SIGNATURE, false, ["sign"]);
}

function pem(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
