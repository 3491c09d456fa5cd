/** Random and hostile subjects, headers and paths: fewer of each than in test/slow. */

import { describeHostileProperties } from "../support/hostile-properties.ts";

describeHostileProperties(250, 120_000);
