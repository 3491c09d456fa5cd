#!/usr/bin/env node
/** The command `mx-session-bff`: as `npm start`, it also reads `.env`. */

"use strict";

require("./require-node.cjs");

const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

const isCheckout = existsSync(join(__dirname, "../src/main.ts")); // A build there may be stale.
const load = (name) => {
  const path = isCheckout ? `../src/${name}.ts` : `../dist/${name}.js`;
  return import(pathToFileURL(join(__dirname, path)).href);
};

load("app/process").then(({ loadEnvFile }) => {
  loadEnvFile();
  return load("main");
});
