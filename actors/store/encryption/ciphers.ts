import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import nacl from "tweetnacl";

/** What Kubernetes can encrypt with by keys from a file. */
export const CIPHERS = ["aesgcm", "secretbox", "aescbc"] as const;
export type CipherName = (typeof CIPHERS)[number];

/** Lengths that the secret of a key may have, in bytes. */
export const SECRET_BYTES: Readonly<Record<CipherName, readonly number[]>> = {
  aesgcm: [16, 24, 32],
  secretbox: [32],
  aescbc: [16, 24, 32],
};

/** Encrypts with one secret. `context` is where the text lies; where the cipher can, a text that is moved elsewhere does not decrypt there. */
export interface Cipher {
  encrypt(plain: Buffer, context: Buffer): Buffer;
  /** Throws when this is nothing that the secret encrypted. */
  decrypt(stored: Buffer, context: Buffer): Buffer;
}

const GCM_NONCE_BYTES = 12;
const GCM_TAG_BYTES = 16;
const CBC_BLOCK_BYTES = 16;
const BOX_NONCE_BYTES: number = nacl.secretbox.nonceLength;

export function cipherOf(name: CipherName, secret: Buffer): Cipher {
  switch (name) {
    case "aesgcm":
      return aesGcm(secret);
    case "secretbox":
      return secretbox(secret);
    case "aescbc":
      return aesCbc(secret);
  }
}

/** nonce | encrypted | tag */
function aesGcm(secret: Buffer): Cipher {
  const algorithm = `aes-${secret.length * 8}-gcm` as "aes-256-gcm";
  return {
    encrypt(plain, context) {
      const nonce = randomBytes(GCM_NONCE_BYTES);
      const cipher = createCipheriv(algorithm, secret, nonce, { authTagLength: GCM_TAG_BYTES }).setAAD(context);
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    decrypt(stored, context) {
      const nonce = stored.subarray(0, GCM_NONCE_BYTES);
      const decipher = createDecipheriv(algorithm, secret, nonce, { authTagLength: GCM_TAG_BYTES }).setAAD(context);
      decipher.setAuthTag(stored.subarray(-GCM_TAG_BYTES));
      return Buffer.concat([decipher.update(stored.subarray(GCM_NONCE_BYTES, -GCM_TAG_BYTES)), decipher.final()]);
    },
  };
}

/** nonce | box: XSalsa20 and Poly1305 as NaCl puts them together */
function secretbox(secret: Buffer): Cipher {
  return {
    encrypt(plain) {
      const nonce = randomBytes(BOX_NONCE_BYTES);
      return Buffer.concat([nonce, nacl.secretbox(plain, nonce, secret)]);
    },
    decrypt(stored) {
      const plain = nacl.secretbox.open(stored.subarray(BOX_NONCE_BYTES), stored.subarray(0, BOX_NONCE_BYTES), secret);
      if (plain === null) throw new Error("the box does not open");
      return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
    },
  };
}

/** initialisation vector | encrypted, padded as PKCS #7 has it. It does not notice what was altered, which is why Kubernetes advises against it. */
function aesCbc(secret: Buffer): Cipher {
  const algorithm = `aes-${secret.length * 8}-cbc`;
  return {
    encrypt(plain) {
      const vector = randomBytes(CBC_BLOCK_BYTES);
      const cipher = createCipheriv(algorithm, secret, vector);
      return Buffer.concat([vector, cipher.update(plain), cipher.final()]);
    },
    decrypt(stored) {
      const decipher = createDecipheriv(algorithm, secret, stored.subarray(0, CBC_BLOCK_BYTES));
      return Buffer.concat([decipher.update(stored.subarray(CBC_BLOCK_BYTES)), decipher.final()]);
    },
  };
}
