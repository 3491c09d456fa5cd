/**
 * Fetches the packages whose types the guide for React Native is compiled against (`npm run guide-types`), without their
 * dependencies: React Native has 300, and its types need none of them. The hashes are those of npm's lock files.
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Where the packages find each other, and React's types above. */
export const GUIDE_TYPES = new URL("../node_modules/.guide-types/node_modules/", import.meta.url)
  .pathname;

export const GUIDE_PACKAGES = {
  "react-native": {
    version: "0.88.1",
    sha512:
      "wajWcLZ93GCN7k4Uwh4CS4L2Ah8ohcvkOXnvIYmh4Yvuqho5j3APZ9qozK+nQrHWSgauq4h8D3HN5DKK84SrHA==",
  },
  "@react-native/virtualized-lists": {
    version: "0.88.1",
    sha512:
      "Zt+OGvJE6VgmzgemZL8TSA0VomNWpHMNcG0OvLkkBQEGrzY8OdDHRfjJh7S+f+UFJF77kicRC6o6mt3A7ER9lQ==",
  },
  "react-native-webview": {
    version: "16.0.0",
    sha512:
      "KIg5Yhy04lQfHdXC1JQPM+0kftMfPnH6AqDH7v6YskQ9kzfUacooofOFRmbaZHASq/0WY87Fx0peiFETFjOcCg==",
  },
  "expo-web-browser": {
    version: "57.0.3",
    sha512:
      "+ecvhyS/PdWkpv4ai6FF1Trd6Y/4kn/eQ3O86mie2ecU3w+I8bKZh13kppY/jw1uSL7yikt03L5W/iiHojrFwQ==",
  },
  "@mxenabled/react-native-widget-sdk": {
    version: "1.1.1",
    sha512:
      "BGrRS4aSNByfrD6MhIictT+LX53AZbCrVOlTbAFUVKVbQ03mwJ0/nbACeFJkGFArsBN9mRWgnhbet8Vx9SEmUg==",
  },
};

const run = promisify(execFile);

async function fetchTypes(): Promise<void> {
  for (const [name, { version, sha512 }] of Object.entries(GUIDE_PACKAGES)) {
    const folder = await mkdtemp(join(tmpdir(), "guide-types-"));
    try {
      await run("npm", ["pack", `${name}@${version}`, "--pack-destination", folder]);
      const [file = ""] = await readdir(folder);
      const hash = createHash("sha512").update(await readFile(join(folder, file)));
      if (hash.digest("base64") !== sha512) throw new Error(`${name} is not what was tested.`);
      const target = join(GUIDE_TYPES, name);
      await mkdir(target, { recursive: true });
      await run("tar", ["-xzf", join(folder, file), "-C", target, "--strip-components=1"]);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}

if (import.meta.main) await fetchTypes();
