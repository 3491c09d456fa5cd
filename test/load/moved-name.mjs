/** Loaded before a replica: `localhost` leads to the address that stands in the file LOAD_NAME_FILE. */

import dns from "node:dns";
import { readFileSync } from "node:fs";

const { lookup } = dns;

dns.lookup = (host, options, callback) => {
  if (host !== "localhost") return lookup(host, options, callback);
  const address = readFileSync(process.env.LOAD_NAME_FILE ?? "", "utf8");
  const answer = options.all ? [[{ address, family: 4 }]] : [address, 4];
  process.nextTick(callback, null, ...answer);
};
