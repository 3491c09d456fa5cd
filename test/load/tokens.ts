/**
 * Tokens of the load run's users: RS256 as most providers sign, ES256 where there has to be a new one per request.
 *
 * Source: RFC 7515 (compact serialisation), RFC 7518, section 3.4 (ES256 signatures are r and s, 32 bytes each).
 */

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  sign,
} from "node:crypto";

export type TokenAlgorithm = "RS256" | "ES256";

/** A private key with the id under which its public part is published. */
export type TokenKey = { algorithm: TokenAlgorithm; id: string; privateJwk: JsonWebKey };

export type TokenIssuer = { issuer: string; audience: string };

/** Seconds. Longer than any run, shorter than the service's limit of a day. */
const LIFETIME_SECONDS = 12 * 60 * 60;

export function createTokenKey(algorithm: TokenAlgorithm, id: string): TokenKey {
  const { privateKey } =
    algorithm === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { algorithm, id, privateJwk: privateKey.export({ format: "jwk" }) };
}

/** As it is published. */
export function toPublicJwk({ algorithm, id, privateJwk }: TokenKey): JsonWebKey {
  const publicKey = createPublicKey({ key: privateJwk, format: "jwk" });
  return { ...publicKey.export({ format: "jwk" }), kid: id, alg: algorithm, use: "sig" };
}

/** Gives the function that signs one token. */
export function createSign(
  key: TokenKey,
  { issuer, audience }: TokenIssuer,
): (subject: string) => string {
  const privateKey = createPrivateKey({ key: key.privateJwk, format: "jwk" });
  const header = encode({ alg: key.algorithm, typ: "JWT", kid: key.id });

  return function signToken(subject) {
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, sub: subject, aud: audience, iat, exp: iat + LIFETIME_SECONDS };
    const signed = `${header}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), {
      key: privateKey,
      dsaEncoding: "ieee-p1363",
    });
    return `${signed}.${signature.toString("base64url")}`;
  };
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
