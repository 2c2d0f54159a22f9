import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BootFailure } from "../../boot/failure.ts";
import { makePrivateDirectory, writePrivateFile } from "../../pki/key-pair-file.ts";

/** By what tokens of the cluster are signed. */
export const TOKEN_ALGORITHM = "ES256";

/** Signs service account tokens: who has it can be any of them. */
export const SERVICE_ACCOUNT_KEY = "sa.key";
/** Signs sessions of the console: who has it can be anybody. */
export const CONSOLE_KEY = "console.key";

/** A key that signs tokens of the cluster, and the name that tokens say it by. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Source: serviceaccount's keyIDFromPublicKey: the SHA-256 of the public key. */
  readonly id: string;
}

/**
 * The text (PEM, PKCS #8) of a signing key in `directory`, which is made at the first start, 0600. With another, all tokens that were given out are
 * void. Throws BootFailure.
 */
export function openSigningKey(directory: string, file: typeof SERVICE_ACCOUNT_KEY | typeof CONSOLE_KEY): string {
  makePrivateDirectory(directory);
  const path = join(directory, file);
  let text: string | undefined;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      throw new BootFailure(`cannot read ${path} (${String(error)}); mend its permissions`);
  }
  if (text === undefined) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    text = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    writePrivateFile(path, text);
  }
  try {
    if (readSigningKey(text).privateKey.asymmetricKeyDetails?.namedCurve !== "prime256v1")
      throw new Error("it is no key on the curve P-256");
  } catch (error) {
    throw new BootFailure(
      `${path} is damaged: ${(error as Error).message}; restore it, or remove it to start with a new one (tokens given out before are refused then)`,
    );
  }
  return text;
}

export function readSigningKey(text: string): SigningKey {
  const privateKey = createPrivateKey(text);
  const publicKey = createPublicKey(privateKey);
  const id = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64url");
  return { privateKey, publicKey, id };
}
