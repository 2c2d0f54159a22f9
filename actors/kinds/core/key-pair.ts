/** Whether a certificate and a key belong together. Source: Go's crypto/tls, X509KeyPair. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

const BLOCK = /-----BEGIN ([^-]+)-----[^-]*-----END \1-----/g;

function blocksOf(pem: string): { readonly type: string; readonly text: string }[] {
  return [...pem.matchAll(BLOCK)].map(([text, type = ""]) => ({ type, text }));
}

function skipped(types: readonly string[], wanted: string, input: string): string {
  return `tls: failed to find ${wanted} in ${input} input after skipping PEM blocks of the following types: [${types.join(" ")}]`;
}

/** What is wrong with the two, each a PEM text in base64; undefined: nothing that is seen without parsing as Go does. */
export function wrongPair(certificate: string, key: string): string | undefined {
  const certificates = blocksOf(Buffer.from(certificate, "base64").toString());
  const keys = blocksOf(Buffer.from(key, "base64").toString());
  const types = certificates.map(({ type }) => type);
  const [first] = certificates.filter(({ type }) => type === "CERTIFICATE");
  if (first === undefined) {
    if (types.length === 0) return "tls: failed to find any PEM data in certificate input";
    if (types.length === 1 && types[0]?.endsWith("PRIVATE KEY")) {
      return "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched";
    }
    return skipped(types, '"CERTIFICATE" PEM block', "certificate");
  }
  const own = keys.find(({ type }) => type === "PRIVATE KEY" || type.endsWith(" PRIVATE KEY"));
  if (own !== undefined) return matches(first.text, own.text) ? undefined : "tls: private key does not match public key";
  const others = keys.map(({ type }) => type);
  if (others.length === 0) return "tls: failed to find any PEM data in key input";
  if (others.length === 1 && others[0] === "CERTIFICATE")
    return "tls: found a certificate rather than a key in the PEM for the private key";
  return skipped(others, 'PEM block with type ending in "PRIVATE KEY"', "key");
}

/** What cannot be read is not judged. */
function matches(certificate: string, key: string): boolean {
  let read: { readonly certificate: X509Certificate; readonly key: KeyObject };
  try {
    read = { certificate: new X509Certificate(certificate), key: createPrivateKey(key) };
  } catch {
    return true;
  }
  return read.certificate.checkPrivateKey(read.key);
}
