/** Ten thousand random and hostile subjects, headers and paths. */

import { describeHostileProperties } from "../support/hostile-properties.ts";

describeHostileProperties(10_000, 300_000);
