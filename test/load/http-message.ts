/**
 * Reads HTTP/1.1 messages off a socket, for both ends of a load run.
 *
 * As little as will do: a body has a `Content-Length`, or there is none. Whatever else comes is an error.
 */

export type Message = {
  /** First line and headers. */
  head: string;
  body: string;
  /** Characters of the whole message. */
  length: number;
};

/** The first message of `text`, one character per byte; `undefined` until it is complete. */
export function readMessage(text: string): Message | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  if (/\r\ntransfer-encoding:/i.test(head)) throw new Error("a message without a Content-Length");
  const bodyStart = headEnd + 4;
  const length = bodyStart + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  if (text.length < length) return undefined;
  return { head, body: text.slice(bodyStart, length), length };
}
