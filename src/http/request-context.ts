/** What a request carries on its way through the middleware. */

import type { AppError } from "../errors.ts";
import type { Budget } from "../session/budget.ts";
import type { RequestEntry } from "../telemetry/logger.ts";

declare global {
  namespace Express {
    // biome-ignore lint/style/useConsistentTypeDefinitions: Express merges this declaration
    interface Locals {
      requestId: string;
      /** Of the answer, beside those that every answer has. */
      headers: Record<string, string>;
      /** `req.ip`, which Express works out anew each time. */
      address: string | undefined;
      /** For the limits by address, which are two. */
      addressKey?: string;
      /** Once it has been admitted. */
      budget?: Budget;
      tenant?: string;
      /** The tenant in whose share of the places this request counts. */
      shareOf?: string;
      /** A pseudonym: pseudonym.ts. */
      userHash?: string;
      widgetType?: string;
      /** Where a span is recording. */
      traceId?: string;
      endSpan?: (entry: RequestEntry) => void;
      error?: AppError;
    }
  }
}
