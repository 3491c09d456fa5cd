/** Ends the process with one line where Node is too old: the program itself would fail with a stack trace. */

"use strict";

const { engines } = require("../package.json");

const needed = engines.node.replace(">=", "");
if (isOlder(process.versions.node, needed)) {
  process.stderr.write(
    `mx-session-bff needs Node ${needed} or newer. This is Node ${process.versions.node}.\n`,
  );
  process.exit(1);
}

function isOlder(version, minimum) {
  const own = version.split(".").map(Number);
  const least = minimum.split(".").map(Number);
  const at = least.findIndex((part, index) => own[index] !== part);
  return at !== -1 && own[at] < least[at];
}
