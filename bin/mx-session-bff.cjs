#!/usr/bin/env node
/** The command `mx-session-bff`: says in one line that a Node is too old, where the program itself would fail with a stack trace. */

"use strict";

const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { engines } = require("../package.json");

const needed = engines.node.replace(">=", "");
if (isOlder(process.versions.node, needed)) {
  process.stderr.write(
    `mx-session-bff needs Node ${needed} or newer. This is Node ${process.versions.node}.\n`,
  );
  process.exitCode = 1;
} else {
  const source = join(__dirname, "../src/main.ts"); // Only a checkout has it, and a build there may be stale.
  const entry = existsSync(source) ? source : join(__dirname, "../dist/main.js");
  import(pathToFileURL(entry).href);
}

function isOlder(version, minimum) {
  const own = version.split(".").map(Number);
  const least = minimum.split(".").map(Number);
  const at = least.findIndex((part, index) => own[index] !== part);
  return at !== -1 && own[at] < least[at];
}
