/** Ends the process with one line where Node is too old, or a checkout has no packages: else there would be a stack trace. */

"use strict";

const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { engines } = require("../package.json");

const has = (name) => existsSync(join(__dirname, "..", name));
if (has("src") && !has("node_modules")) end("The packages are not installed. Run npm ci first."); // It brings a newer Node, too.
const needed = engines.node.replace(">=", "");
if (isOlder(process.versions.node, needed)) {
  end(`mx-session-bff needs Node ${needed} or newer. This is Node ${process.versions.node}.`);
}

function end(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function isOlder(version, minimum) {
  const own = version.split(".").map(Number);
  const least = minimum.split(".").map(Number);
  const at = least.findIndex((part, index) => own[index] !== part);
  return at !== -1 && own[at] < least[at];
}
