/** The partner's endpoint for Member credentials, and for what else it says about a user. */

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { Environment } from "../../src/config/variables.ts";

export type Question = { user_id: string; issuer: string; subject: string };

/** JSON to answer with, or whatever the function does. */
export type Answer = object | ((question: Question, res: ServerResponse) => object | undefined);

export type PartnerLookup = AsyncDisposable & {
  questions: readonly Question[];
  /** Without MEMBER_CREDENTIALS. */
  environment: Environment;
  answer: Answer;
};

export async function startPartnerLookup(answer: Answer): Promise<PartnerLookup> {
  const questions: Question[] = [];
  const lookup = { answer };
  const server = createServer(async (req, res) => {
    const question = (await json(req)) as Question;
    questions.push(question);
    const body = typeof lookup.answer === "function" ? lookup.answer(question, res) : lookup.answer;
    if (body) res.setHeader("content-type", "application/json").end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(lookup, {
    questions,
    environment: {
      MEMBER_LOOKUP_URL: `http://127.0.0.1:${port}/mx`,
      MEMBER_LOOKUP_TOKEN: "lookup-token-for-tests",
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  });
}
