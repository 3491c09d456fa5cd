/** The package describes only its index, which also loads its fetch, WebSocket, caches and mocks: half of its modules. */

declare module "undici/lib/dispatcher/client.js" {
  import { Client } from "undici";

  /** Only the index adds methods such as `request` to it. */
  type BareClient = Pick<Client, "dispatch" | "destroy" | "once">;
  const BareClient: new (...options: ConstructorParameters<typeof Client>) => BareClient;
  export = BareClient;
}

declare module "undici/lib/api/api-connect.js" {
  import type { Dispatcher } from "undici";

  function connect(
    this: Pick<Dispatcher, "dispatch">,
    options: Pick<Dispatcher.ConnectOptions, "path" | "headers">,
  ): Promise<Dispatcher.ConnectData>;
  export = connect;
}

declare module "undici/lib/core/connect.js" {
  import { buildConnector } from "undici";
  export = buildConnector;
}

declare module "undici/lib/core/errors.js" {
  import { errors } from "undici";
  export = errors;
}
