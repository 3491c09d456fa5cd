/**
 * Every secret and personal field of the tests has a marker, and no channel out of the service may hold one: neither as
 * it is nor URL-, percent-, JSON-, hex- or base64-encoded.
 *
 * `start()` plants them and searches logs, answers and metrics of each test; other channels call `expectNoCanary`.
 */

/** Stands in all of them, so that a part of one is found too. */
const STEM = "Zq7Canary4Wx";

/** Letters, digits and - only. */
function canary(name: string): string {
  return `${STEM}-${name}`;
}

/** What the base configuration of each test has for secrets. */
export const SECRETS = {
  clientId: canary("platform-client"),
  apiKey: canary("platform-api-key"),
  ssoKey: canary("sso-key-k"),
  clientGuid: `CLT-${STEM}-c`,
  mdApiKey: canary("md-api-key"),
  userkeySecret: canary("userkey-secret-0123456789"),
  instanceSecret: canary("instance-secret-0123456789"),
};

/** Personal claims by subject; formats leave no room for the stem in all of them. */
export const PEOPLE = Object.fromEntries(
  ["ada", "grace", "linus"].map((subject, index) => [
    subject,
    {
      given_name: canary(`given-${subject}`),
      family_name: canary(`family-${subject}`),
      email: `${STEM.toLowerCase()}.${subject}@example.com`,
      email_verified: subject !== "linus",
      phone_number: `+1801555014${index}`,
      birthdate: `190${index}-03-29`,
      gender: "female",
      address: { postal_code: `84049-471${index}`, street_address: canary(`street-${subject}`) },
    },
  ]),
);

/** In every token, so that no part of a token's payload gets out unseen. */
export const TOKEN_CLAIMS = { jti: canary("token") };

/** Where they do not come from here: the simulator's own defaults, and what widget URLs look like. */
const LITERALS = [
  STEM,
  ...Object.values(PEOPLE).flatMap(({ phone_number, birthdate, address }) => [
    phone_number.slice(2), // As MX takes it.
    birthdate,
    address.postal_code,
  ]),
  "demo-api-key",
  "demo-sso-key",
  "demo-client",
  "CLT-00000000-0000-4000-8000-000000000000",
  "/md/connect/",
  "/raja/",
];

/** Guids of MX, and the tokens of its URLs. */
const PATTERNS = /\b(USR|MBR|INS)-[0-9a-f]{8}-|\b[0-9a-f]{80,}\b/i;

/** Throws where a marker is found, and says which. `own` are further secrets, such as those that a test has made. */
export function expectNoCanary(channel: string, text: string, own: readonly string[] = []): void {
  const found = searchLiterals(text) ?? createSearch(own)(text);
  const pattern = PATTERNS.exec(text)?.[0];
  if (found) throw new Error(`${channel} holds ${found.value} (${found.encoding})`);
  if (pattern) throw new Error(`${channel} holds an id or a token: ${pattern}`);
}

/** What a caller gets. The URL of a widget is for him, and for him alone. */
export function expectNoCanaryInAnswer(
  { status, headers, text = "" }: { status: number; headers: object; text?: string },
  own: readonly string[] = [],
): void {
  const shown = status === 200 ? text.replace(/"url":"https?:[^"]+"/, '"url":""') : text;
  expectNoCanary(`an answer ${status}`, `${JSON.stringify(headers)}\n${shown}`, own);
}

type Hit = { value: string; encoding: string };

function createSearch(values: readonly string[]): (text: string) => Hit | undefined {
  if (values.length === 0) return () => undefined;
  const needles = values.flatMap((value) =>
    Object.entries(encodingsOf(value)).flatMap(([encoding, texts]) =>
      texts.map((needle) => ({ value, encoding, needle })),
    ),
  );
  const anyCase = toPattern(
    needles.filter(({ encoding }) => encoding !== "base64"),
    "i",
  );
  const exact = toPattern(
    needles.filter(({ encoding }) => encoding === "base64"),
    "",
  );
  return (text) => {
    const hit = (anyCase.exec(text) ?? exact.exec(text))?.[0].toLowerCase();
    return hit === undefined
      ? undefined
      : needles.find(({ needle }) => needle.toLowerCase() === hit);
  };
}

/** What would be found of a value. Case does not count but in base64. */
export function encodingsOf(value: string): Record<string, string[]> {
  const bytes = Buffer.from(value);
  const hex = bytes.toString("hex");
  return {
    raw: [value],
    url: [encodeURIComponent(value), encodeURIComponent(encodeURIComponent(value))],
    percent: [hex.replace(/../g, "%$&")],
    json: [
      JSON.stringify(value).slice(1, -1),
      [...value].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
      [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
    ],
    hex: [hex, hex.replace(/..(?=.)/g, "$& "), hex.replace(/..(?=.)/g, "$&:")],
    base64: [0, 1, 2].flatMap((offset) => {
      const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
      const [start, end] = [Math.ceil((offset * 8) / 6), Math.floor((padded.length * 8) / 6)];
      return (["base64", "base64url"] as const).map((form) =>
        padded.toString(form).slice(start, end),
      );
    }),
  };
}

function toPattern(needles: readonly { needle: string }[], flags: string): RegExp {
  const texts = new Set(
    needles.map(({ needle }) => needle.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")),
  );
  return new RegExp([...texts].join("|"), flags);
}

const searchLiterals = createSearch(LITERALS);
