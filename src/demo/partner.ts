/**
 * The partner in the demo: a page, and a login that hands out the issuer's tokens without asking for a password.
 *
 * The page's own headers are part of the example: `Referrer-Policy: no-referrer` would silence MX's widgets, and the
 * Content-Security-Policy names the two origins that an embedding page needs.
 */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express } from "express";
import { SSO_WIDGET_TYPES, WIDGET_TYPES } from "../session/widget-options.ts";
import type { IdentityProvider } from "../simulator/identity-provider.ts";
import type { Apis } from "./environment.ts";

export type PartnerOptions = {
  port: number;
  serviceUrl: string;
  widgetUrl: string;
  issuer: IdentityProvider;
  apis: Apis;
};

export type Partner = AsyncDisposable & { url: string };

export async function startPartner(options: PartnerOptions): Promise<Partner> {
  const server = createServer(createPartner(options));
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function createPartner({ serviceUrl, widgetUrl, issuer, apis }: PartnerOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use((_req, res, next) => {
    res.set({
      "Content-Security-Policy": `default-src 'self'; connect-src 'self' ${serviceUrl}; frame-src ${widgetUrl}`,
      "Referrer-Policy": "strict-origin-when-cross-origin",
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-store",
    });
    next();
  });

  for (const [path, file, type] of PAGE_FILES) {
    const content = readFileSync(new URL(`./page/${file}`, import.meta.url));
    app.get(path, (_req, res) => {
      res.type(type).send(content);
    });
  }

  app.get("/setup", (_req, res) => {
    const widgetTypes = apis === "sso" ? SSO_WIDGET_TYPES : WIDGET_TYPES;
    res.json({ serviceUrl, apis, widgetTypes, users: issuer.users });
  });

  app.get("/token/:user", async (req, res) => {
    const { user } = req.params;
    if (!Object.hasOwn(issuer.users, user)) {
      res
        .status(404)
        .type("text")
        .send(`There is nobody called that. Try: ${Object.keys(issuer.users).join(", ")}\n`);
      return;
    }
    res.type("text").send(await issuer.issueToken(user));
  });

  return app;
}

const PAGE_FILES = [
  ["/", "index.html", "html"],
  ["/page.js", "page.js", "text/javascript"],
  ["/page.css", "page.css", "css"],
  ["/favicon.svg", "favicon.svg", "image/svg+xml"],
] as const;
