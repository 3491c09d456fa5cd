/** The service under the bench's load, profiled when its code is warm. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { toEnvironment } from "./environment.ts";
import { startMx } from "./mx.ts";
import { type Profile, recordProfile } from "./profile.ts";
import type { BenchRig } from "./rig.ts";
import { SCENARIOS } from "./scenarios.ts";
import { startServiceSubject } from "./subjects.ts";
import { runWrk } from "./wrk.ts";

const WARM_UP_SECONDS = 10;
const PROFILE_SECONDS = 5;

export async function profileService(rig: BenchRig): Promise<Profile> {
  const folder = join(rig.folder, "profile");
  await mkdir(folder, { recursive: true });
  const { cpus, issuer } = rig;
  await using mx = await startMx({ cpus: cpus.others, folder, isFirstLogin: false });
  const mxUrl = `http://127.0.0.1:${mx.port}`;
  await using service = await startServiceSubject({
    environment: toEnvironment({ issuer, mxUrl, apis: ["platform"] }),
    cpus: cpus.service,
    folder,
    inspector: true,
  });
  const load = (seconds: number) =>
    runWrk({
      url: service.url,
      tokensPath: rig.tokensPath,
      body: SCENARIOS[0]?.body ?? "",
      connections: 32,
      seconds,
      cpus: cpus.others,
    });
  await load(WARM_UP_SECONDS);
  return recordProfile(service.inspectorUrl ?? "", () => load(PROFILE_SECONDS));
}
