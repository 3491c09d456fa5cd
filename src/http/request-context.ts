/**
 * What a request carries on its way through the middleware, and what everything else needs of it: its id, the address that it
 * came from, and its span.
 *
 * `X-Request-Id` is taken over if it has the form `^[A-Za-z0-9_-]{8,64}$`, and replaced otherwise; the log then has both.
 *
 * The audit log has the address as it is. The limits have IPv4 as it is and IPv6 by its /64, which is what one customer of a
 * provider has. `X-Forwarded-For` counts only as far as TRUSTED_PROXIES says; by default it does not. `Forwarded` is never read: a
 * proxy that sets the one passes the other on as the caller wrote it. Source of the forms: RFC 7239, section 6.
 *
 * The SERVER span is a child of the caller's if the request has a valid `traceparent`. It ends with the request.
 * Source: OpenTelemetry, Semantic conventions for HTTP spans, "HTTP server".
 */

import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP, isIPv4, isIPv6, SocketAddress } from "node:net";
import type { Span } from "@opentelemetry/api";
import type { Application, NextFunction, Request, RequestHandler, Response } from "express";
import type { AppError } from "../errors.ts";
import type { Budget } from "../session/budget.ts";
import type { Principal } from "../session/types.ts";
import type { RequestEntry } from "../telemetry/log-entries.ts";
import { parseTraceparent, type Tracing } from "../telemetry/tracing.ts";

declare global {
  namespace Express {
    // biome-ignore lint/style/useConsistentTypeDefinitions: Express merges this declaration
    interface Locals {
      requestId: string;
      /** The id that came, if `requestId` is another one. */
      receivedRequestId?: string | undefined;
      /** IP address of the caller; `undefined` once the connection is gone. */
      address: string | undefined;
      /** Once the request is admitted. */
      budget?: Budget;
      /** Once the caller is authenticated. */
      principal?: Principal;
      /** The caller's pseudonym in the log: telemetry/logger.ts. */
      userHash?: string;
      /** The tenant whose share of the places this request takes. */
      shareOf?: string;
      widgetType?: string;
      /** If a span is recording. */
      traceId?: string;
      endSpan?: (entry: RequestEntry) => void;
      error?: AppError;
    }
  }
}

export function requestContext(req: Request, res: Response, next: NextFunction): void {
  const received = findReceivedId(req);
  const isUsable = received !== undefined && USABLE_ID.test(received);
  res.locals.requestId = isUsable ? received : randomUUID();
  if (!isUsable) res.locals.receivedRequestId = toLoggedId(received);
  res.locals.address = findClientAddress(req); // Read now: a connection that is gone has none.
  res.set({ "X-Request-Id": res.locals.requestId, "Cache-Control": "no-store" }); // Pages and files may be cached, and say so.
  next();
}

const USABLE_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** `X-Request-Id`, else what AWS's load balancers send. */
function findReceivedId({ headers }: IncomingMessage): string | undefined {
  const received = headers["x-request-id"] || headers["x-amzn-trace-id"];
  return Array.isArray(received) ? received.join(", ") : received;
}

/** Ids of gateways, such as Kong's `uuid#n` and AWS's `Root=1-…`. What looks like a credential or a URL is no id. */
function toLoggedId(received: string | undefined): string | undefined {
  if (received === undefined || !/^[\x20-\x7e]+$/.test(received)) return undefined;
  return CREDENTIAL.test(received) ? undefined : received.slice(0, 128);
}

/**
 * `eyJ` is how the Base64 of a JSON object begins; three long parts between dots are a JWT, however it begins; a widget
 * URL ends with 96 hexadecimal digits. Nothing of unbounded length comes first: that would be tried from each character.
 */
const CREDENTIAL = /eyJ|bearer|basic|:\/\/|[\w-]{10}\.[\w-]{10,}\.[\w-]|[\da-f]{65}/i;

/** Throws if the middleware that sets it comes later: a bug in the list of http/session.ts. */
export function admittedRequest(res: Response): { principal: Principal; budget: Budget } {
  const { principal, budget } = res.locals;
  if (principal && budget) return { principal, budget };
  throw new Error("the request is not admitted and authenticated yet");
}

/** Sets Express's `trust proxy`, which compares addresses without ports. `trusted`: hops, or addresses and networks. */
export function trustProxies(app: Application, trusted: number | readonly string[]): void {
  app.set("trust proxy", trusted);
  const isTrusted: (address: string, hop: number) => boolean = app.get("trust proxy fn");
  app.set("trust proxy", (address: string, hop: number) =>
    isTrusted(parseAddress(address) ?? address, hop),
  );
}

/** The peer's own address where a proxy has written no address. */
function findClientAddress(req: Request): string | undefined {
  return parseAddress(req.ip) ?? parseAddress(req.socket.remoteAddress);
}

/**
 * An IP address without port, brackets, quotes and zone, and IPv4 in IPv6 as IPv4; `undefined` where there is none. What
 * a zone holds means nothing to other machines, and could be any text.
 */
function parseAddress(text: string | undefined): string | undefined {
  const [, quoted, plain = ""] = /^[ \t]*(?:"([^"]*)"|([^" \t]*))[ \t]*$/.exec(text ?? "") ?? [];
  const bare = quoted ?? plain;
  const [, inBrackets, ipv4] = WITH_PORT.exec(bare) ?? [];
  if (inBrackets !== undefined && !isIPv6(inBrackets)) return undefined;
  const address = inBrackets ?? ipv4 ?? bare;
  if (!isIP(address)) return undefined;
  const [withoutZone = ""] = address.split("%", 1);
  return toMappedIPv4(withoutZone) ?? withoutZone;
}

const WITH_PORT = /^(?:\[([^[\]]+)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/;

/** `::ffff:192.0.2.1`, in all its spellings. Source: RFC 4291, section 2.5.5.2. */
function toMappedIPv4(address: string): string | undefined {
  if (!isIPv6(address)) return undefined;
  const plain = new SocketAddress({ address, family: "ipv6" }).address;
  return /^::ffff:([\d.]+)$/.exec(plain)?.[1];
}

export function toAddressKey(address = ""): string {
  return isIPv4(address)
    ? address
    : `${toGroups(address.toLowerCase()).slice(0, 4).join(":")}::/64`;
}

/** All eight groups of an IPv6 address. Source: RFC 4291, section 2.2. */
function toGroups(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail ? tail.split(":") : [];
  const missing = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(missing).fill("0"), ...after];
  return groups.map((group) => group.replace(/^0+(?=.)/, ""));
}

export function createRequestSpan(tracing: Tracing): RequestHandler {
  const { context, ROOT_CONTEXT, SpanKind, trace } = tracing.api;
  return function requestSpan(req, res, next) {
    const { traceparent } = req.headers;
    const caller = typeof traceparent === "string" ? parseTraceparent(traceparent) : undefined;
    const parent = caller ? trace.setSpanContext(ROOT_CONTEXT, caller) : ROOT_CONTEXT;
    const span = tracing.tracer.startSpan("request", { kind: SpanKind.SERVER }, parent);
    if (span.isRecording()) res.locals.traceId = span.spanContext().traceId;
    res.locals.endSpan = (entry) => end(tracing, span, entry);
    context.with(trace.setSpan(parent, span), next);
  };
}

function end({ api }: Tracing, span: Span, entry: RequestEntry): void {
  const { method, route, status, requestId, tenant, errorType, isClientGone } = entry;
  span.updateName(`${method} ${route}`);
  span.setAttributes({
    "http.request.method": method,
    "http.route": route,
    "http.response.status_code": status,
    request_id: requestId,
    ...(tenant !== undefined && { tenant }),
    ...(errorType !== undefined && { "error.type": errorType }),
    ...(isClientGone && { "client.gone": true }),
  });
  if (status >= 500) span.setStatus({ code: api.SpanStatusCode.ERROR });
  span.end();
}
