/**
 * A key of the identity provider, and tokens signed with it.
 *
 * The header is taken as it comes, however wrong: what makes a token bad is the business of a test.
 * Source: RFC 7515 (compact serialisation), RFC 7518 and RFC 8037 (algorithms).
 */

import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";

export type SigningAlgorithm = "RS256" | "PS256" | "ES256" | "EdDSA";

export type SigningKey = {
  readonly id: string;
  readonly algorithm: SigningAlgorithm;
  /** As it is published. */
  readonly publicJwk: JWK;
  sign(header: object, claims: object): Promise<string>;
};

export async function createSigningKey(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const id = await calculateJwkThumbprint(jwk);

  return {
    id,
    algorithm,
    publicJwk: { ...jwk, kid: id, alg: algorithm, use: "sig" },
    async sign(header, claims) {
      const signed = `${encode(header)}.${encode(claims)}`;
      const parameters = SIGNATURE_PARAMETERS[algorithm];
      const signature = await crypto.subtle.sign(parameters, privateKey, Buffer.from(signed));
      return `${signed}.${Buffer.from(signature).toString("base64url")}`;
    },
  };
}

export type KeyRing = {
  /** The key that signs. */
  readonly current: SigningKey;
  readonly published: readonly JWK[];
  /** From now on a new key signs. */
  rotate(options?: { keepOld?: boolean | undefined }): Promise<void>;
};

export async function createKeyRing(algorithm: SigningAlgorithm): Promise<KeyRing> {
  let current = await createSigningKey(algorithm);
  let published = [current.publicJwk];

  return {
    get current() {
      return current;
    },
    get published() {
      return published;
    },
    async rotate({ keepOld = true } = {}) {
      current = await createSigningKey(algorithm);
      published = keepOld ? [current.publicJwk, ...published] : [current.publicJwk];
    },
  };
}

const SIGNATURE_PARAMETERS = {
  RS256: { name: "RSASSA-PKCS1-v1_5" },
  PS256: { name: "RSA-PSS", saltLength: 32 },
  ES256: { name: "ECDSA", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
};

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
