/**
 * A value that must not be printed. `reveal` is the only way to it; every way of printing gives `[secret]`.
 */

import { inspect } from "node:util";

export type Secret = {
  reveal(): string;
  toString(): string;
  toJSON(): string;
};

export function createSecret(value: string): Secret {
  const masked = () => "[secret]";
  const secret = {
    reveal: () => value,
    toString: masked,
    toJSON: masked,
    [inspect.custom]: masked,
  };
  return Object.freeze(secret);
}
