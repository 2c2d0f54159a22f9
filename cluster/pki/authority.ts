import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { BootFailure } from "../boot/failure.ts";
import { type CertificateRequest, type KeyPair, makeAuthority, makeCertificate } from "./issuing.ts";
import { makePrivateDirectory, readKeyPair, writeKeyPair } from "./key-pair-file.ts";
import { UID_ATTRIBUTE } from "./x509.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** kubeadm's terms: ten years for the authority, one for what it issues. */
const AUTHORITY_LIFE_MS = 3650 * DAY_MS;
const CERTIFICATE_LIFE_MS = 365 * DAY_MS;
/** What has less left than this is issued anew at a start. */
const RENEW_BEFORE_MS = 90 * DAY_MS;
/** Clients whose clock is behind ours accept a new certificate all the same. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;

const AUTHORITY_NAME = "kubernetes";

/** The cluster's own certificate authority: whoever holds a certificate of it is who the certificate says. */
export interface CertificateAuthority {
  /** The authority's certificate, PEM; what clients trust and the API server asks client certificates to be signed by. */
  readonly cert: string;
  /** The same with its key: who has it makes certificates. */
  readonly pair: KeyPair;
  /** Makes a certificate and a key of its own for it. */
  issue(request: CertificateRequest): Promise<KeyPair>;
  /**
   * The certificate of that name in the authority's directory when it still serves: signed by this authority, valid for a good while,
   * and naming all that is asked for; else a new one, stored under that name.
   */
  issueOnce(name: string, request: CertificateRequest): Promise<KeyPair>;
  /** A new one in any case, stored under that name. */
  renew(name: string, request: CertificateRequest): Promise<KeyPair>;
}

/**
 * Opens the authority in `directory`, or makes one at the first start. Directory 0700, files 0600, each a certificate and its key
 * in PEM: `ca.pem` for the authority. Throws BootFailure when a file cannot be read, is damaged, or the authority has expired.
 */
export async function openCertificateAuthority(directory: string, now_ms: () => number = Date.now): Promise<CertificateAuthority> {
  makePrivateDirectory(directory);
  const path = join(directory, "ca.pem");
  const life = (length_ms: number) => ({ from: new Date(now_ms() - CLOCK_SKEW_MS), to: new Date(now_ms() + length_ms) });
  let authority = readKeyPair(path);
  if (authority === undefined) {
    writeKeyPair(path, await makeAuthority(AUTHORITY_NAME, life(AUTHORITY_LIFE_MS)));
    authority = readKeyPair(path);
    if (authority === undefined) throw new Error(`${path} was written and is not there`);
  }
  if (authority.certificate.validToDate.getTime() <= now_ms()) {
    throw new BootFailure(
      `${path} expired on ${authority.certificate.validTo}; remove ${directory} to start with new certificates (kubeconfigs made before are refused then)`,
    );
  }
  const own = authority;
  const issue = (request: CertificateRequest) => makeCertificate(own, request, life(CERTIFICATE_LIFE_MS));
  const fileOf = (name: string): string => join(directory, `${name}.pem`);
  const renew = async (name: string, request: CertificateRequest): Promise<KeyPair> => {
    const fresh = await issue(request);
    writeKeyPair(fileOf(name), fresh);
    return fresh;
  };
  return {
    cert: own.cert,
    pair: { cert: own.cert, key: own.key },
    issue,
    async issueOnce(name, request) {
      const stored = readKeyPair(fileOf(name));
      return stored !== undefined && serves(stored.certificate, own.certificate, request, now_ms())
        ? { cert: stored.cert, key: stored.key }
        : renew(name, request);
    },
    renew,
  };
}

/** Whether a stored certificate can be used again for a request. */
function serves(certificate: X509Certificate, authority: X509Certificate, request: CertificateRequest, now_ms: number): boolean {
  if (certificate.validToDate.getTime() - now_ms < RENEW_BEFORE_MS || certificate.validFromDate.getTime() > now_ms) return false;
  if (!certificate.verify(authority.publicKey)) return false;
  if (request.withUid === true && !certificate.subject.includes(UID_ATTRIBUTE)) return false;
  const named = (certificate.subjectAltName ?? "").split(", ");
  return (request.names ?? []).every((name) => (isIP(name) ? certificate.checkIP(name) !== undefined : named.includes(`DNS:${name}`)));
}
