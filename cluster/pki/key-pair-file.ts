import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { BootFailure } from "../boot/failure.ts";
import type { KeyPair } from "./issuing.ts";

/** A key pair as it was found on the disk, parsed: key and certificate are known to belong together. */
export interface StoredKeyPair extends KeyPair {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
}

const REMEDY =
  "restore it from a backup, or remove it and start again (with the authority's file, kubeconfigs made before are refused then)";

const BLOCK = /-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END \1-----\n?/g;

/** Makes the directory that holds the keys, for its owner's eyes only. Throws BootFailure. */
export function makePrivateDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
  } catch (error) {
    throw new BootFailure(`cannot write the certificate directory ${directory} (${reasonOf(error)}); mend its permissions`);
  }
}

/** Reads a certificate and its private key from one PEM file; undefined when there is none. Throws BootFailure, which names the file. */
export function readKeyPair(path: string): StoredKeyPair | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (reasonOf(error) === "ENOENT") return undefined;
    throw new BootFailure(`cannot read ${path} (${reasonOf(error)}); mend its permissions`);
  }
  const blocks = new Map([...text.matchAll(BLOCK)].map(([block, label = ""]) => [label, block]));
  const cert = blocks.get("CERTIFICATE");
  const key = blocks.get("PRIVATE KEY");
  if (cert === undefined || key === undefined) throw corrupt(path, "it lacks its certificate or its private key");
  let certificate: X509Certificate;
  let privateKey: KeyObject;
  try {
    certificate = new X509Certificate(cert);
    privateKey = createPrivateKey(key);
  } catch (error) {
    throw corrupt(path, (error as Error).message);
  }
  if (!certificate.checkPrivateKey(privateKey)) throw corrupt(path, "its private key is not its certificate's");
  return { cert, key, certificate, privateKey };
}

/** The certificate in a PEM file, with or without its key. Throws BootFailure, which names the file. */
export function readCertificate(path: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(path));
  } catch (error) {
    throw corrupt(path, (error as Error).message);
  }
}

/** Writes both into one file, by atomic rename and synced before, so that no crash leaves one without the other. Throws BootFailure. */
export function writeKeyPair(path: string, { cert, key }: KeyPair): void {
  writePrivateFile(path, cert + key);
}

/** Writes a file for its owner's eyes only, by atomic rename, synced before. Throws BootFailure. */
export function writePrivateFile(path: string, content: string): void {
  const draft = `${path}.${process.pid}`;
  try {
    rmSync(draft, { force: true });
    const handle = openSync(draft, "wx", 0o600);
    try {
      writeSync(handle, content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, path);
  } catch (error) {
    throw new BootFailure(`cannot write ${path} (${reasonOf(error)}); free space on its disk or mend its permissions`);
  }
}

function corrupt(path: string, why: string): BootFailure {
  return new BootFailure(`${path} is damaged: ${why}; ${REMEDY}`);
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
