/** Random and hostile subjects, headers and paths: fewer of each than in test/slow. */

import { runsOf } from "../support/exhaustive.ts";
import { describeHostileProperties } from "../support/hostile-properties.ts";

describeHostileProperties(runsOf(1000), 300_000);
