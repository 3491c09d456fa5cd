/** A call to the Platform API once its version is known. */

import type { Answer } from "./answer.ts";
import type { PlatformVersion } from "./platform-versions.ts";
import type { ApiRequest } from "./serve.ts";

export type PlatformRequest = ApiRequest & { readonly version: PlatformVersion };
export type PlatformHandle = (request: PlatformRequest) => Answer;
