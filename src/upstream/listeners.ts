/**
 * Whether something besides this service listens to requests to upstreams.
 *
 * An APM agent that was loaded before the service subscribes to these channels, records URLs, and adds headers to requests.
 * Channels that tell of connections and of bytes alone are left out: what listens there sees neither a path nor a header.
 * Source: undici, Diagnostics Channel Support; Node.js, `diagnostics_channel`, "HTTP".
 */

import { channel } from "node:diagnostics_channel";

const CHANNELS = [
  "undici:request:create",
  "undici:request:bodyChunkSent",
  "undici:request:bodySent",
  "undici:request:headers",
  "undici:request:bodyChunkReceived",
  "undici:request:trailers",
  "undici:request:error",
  "undici:client:sendHeaders",
  "http.client.request.created",
  "http.client.request.start",
  "http.client.request.error",
  "http.client.response.finish",
].map((name) => channel(name));

export function hasForeignListeners(): boolean {
  return CHANNELS.some(({ hasSubscribers }) => hasSubscribers);
}
