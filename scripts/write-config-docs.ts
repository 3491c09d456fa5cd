/** `npm run config-docs`: writes what follows from the table of variables. */

import { writeFileSync } from "node:fs";
import { renderConfigDocs } from "./config-docs.ts";

for (const [path, content] of Object.entries(renderConfigDocs())) {
  writeFileSync(new URL(`../${path}`, import.meta.url), content);
}
