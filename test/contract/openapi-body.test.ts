/**
 * The request body in openapi.yaml against the zod schema that the service uses: both accept and refuse the same.
 */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createWidgetUrlBody,
  PRODUCTS,
  WIDGET_TYPES,
  type WidgetOptions,
} from "../../src/session/widget-options.ts";
import { validateRequestBody } from "../support/contract.ts";
import { runsOf } from "../support/exhaustive.ts";

const RUNS = runsOf(5000);

describe("the request body in openapi.yaml", () => {
  const Body = createWidgetUrlBody(WIDGET_TYPES);

  it("is accepted and refused as by the service, at each limit of each option", () => {
    const { limits, odd } = requestBody();

    expect(odd.length).toBeGreaterThan(1000);
    for (const value of limits.map(parsed)) {
      expect([value, Body.safeParse(value).success]).toEqual([value, true]);
      expect([value, validateRequestBody(value)]).toEqual([value, true]);
    }
    for (const value of odd.map(parsed))
      expect([value, validateRequestBody(value)]).toEqual([value, Body.safeParse(value).success]);
  });

  it("is accepted and refused as by the service, whatever comes", () => {
    const { good, broken } = requestBody();
    const counts = { accepted: 0, refused: 0 };
    const bodies = fc.oneof({ weight: 9, arbitrary: good }, { weight: 11, arbitrary: broken });

    fc.assert(
      fc.property(bodies.map(parsed), (value) => {
        const isAccepted = Body.safeParse(value).success;
        counts[isAccepted ? "accepted" : "refused"] += 1;
        expect(validateRequestBody(value)).toBe(isAccepted);
      }),
      { seed: 20250224, numRuns: RUNS },
    );

    expect(counts.accepted).toBeGreaterThan(RUNS / 4);
    expect(counts.refused).toBeGreaterThan(RUNS / 4);
  });

  /** As it comes out of a JSON parser: `__proto__` is a key like any other. */
  function parsed(value: unknown): unknown {
    return JSON.parse(JSON.stringify(value));
  }
});

/**
 * Values of one option, made without a look at either schema: `limits` and `good` are to be accepted, `odd` and `broken`
 * mostly not. The first of the limits is an ordinary value.
 */
type Sample = {
  limits: unknown[];
  odd: unknown[];
  good: fc.Arbitrary<unknown>;
  broken: fc.Arbitrary<unknown>;
};

function requestBody(): Sample {
  return object({ widget_url: object(OPTIONS) });
}

const JUNK = [null, true, false, 0, 1, -1, 4.5, "", " ", "true", "null", "0", [], [null], {}];

const STRANGE_KEYS = [
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then"],
  ...["", "0", "$ref", "a/b", "a~b", "widgetType", "Mode", "mode "],
  ...["products", "name", "user_guid", "institution_guid", "client_id"],
];

const flag = sample([true, false], ["True", "yes"], fc.boolean());

const date = sample(
  ["2026-01-31", "2024-02-29", "2000-02-29", "0000-02-29", "0001-01-01", "9999-12-31"],
  [
    ...["2023-02-29", "1900-02-29", "2026-02-30", "2026-04-31", "2026-00-10", "2026-13-01"],
    ...["2026-01-00", "2026-01-32", "2026-1-1", "26-01-01", "20260101", "2026-031", "2026-W05-6"],
    ...["2026-01-31T00:00:00Z", " 2026-01-31", "2026-01-31\n", "-2026-01-31", "+002026-01-31"],
    ...["٢٠٢٦-٠١-٣١", "2026‐01‐31"],
  ],
  fc
    .date({
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("9999-12-31T00:00:00Z"),
      noInvalidDate: true,
    })
    .map((day) => day.toISOString().slice(0, 10)),
);

const OPTIONS: Record<keyof WidgetOptions | "widget_type", Sample> = {
  additional_product_option: choice("account_verification", "transactions"),
  client_redirect_url: text(2048),
  color_scheme: nullable(choice("light", "dark", "browser")),
  connections_use_case_filter: flag,
  current_institution_code: nullable(text(255)),
  current_institution_guid: text(255),
  current_member_guid: nullable(text(255)),
  current_microdeposit_guid: text(255),
  data_request: object({ products: list(7, ...PRODUCTS) }, ["products"]),
  deep_link_params: object({
    account_guid: text(255),
    date_range: object({ start_date: date, end_date: date }),
    launch_integration: choice("direct-deposit"),
    view: choice("manage_income", "accounts", "budgets", "insights"),
    widget: choice(
      ...["accounts", "budgets", "cash_flow", "debts", "finstrong", "goals", "insights"],
      ...["investments", "networth", "recurringtransactions", "spending", "transactions", "trends"],
    ),
  }),
  disable_background_agg: flag,
  disable_institution_search: nullable(flag),
  enable_app2app: flag,
  include_identity: flag,
  include_transactions: flag,
  insight_guid: nullable(text(255)),
  is_mobile_webview: flag,
  iso_country_code: list(3, "US", "CA", "MX"),
  locale: sample(
    ["fr-CA", "en", "tlh", "zh-Hant-TW", "es-419", "abc-12345678-12345678-12345678-1234"],
    [
      ...["e", "engl", "en_US", "en-", "-en", "en-U", "en--US", "en-123456789", "en-US\n", "e1"],
      ...["ſr", "frança", "en-Ü1", "abc-12345678-12345678-12345678-12345"],
    ],
    fc.stringMatching(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/),
  ),
  microwidget_instance_id: nullable(text(255)),
  mode: sample(
    ["verification", "aggregation", "aggregation,verification", modes(4, 17)],
    [
      ...["aggregation,", ",verification", "verification,,aggregation", "Aggregation", "verify"],
      ...["aggregation, verification", "aggregation;verification", "aggregationverification"],
      ...["verification\n", "verification\naggregation", modes(5, 16)],
    ],
    fc.stringMatching(/^(aggregation|verification)(,(aggregation|verification)){0,3}$/),
  ),
  oauth_referral_source: choice("BROWSER", "APP"),
  style: object({ font_name: text(100) }, ["font_name"]),
  ui_message_version: sample(
    [4, 3, 2, 1],
    [5, 0.999, 1.5, 3.999, 4.001, "4", 2 ** 53, 1e300, 1e-9],
    fc.integer({ min: 1, max: 4 }),
  ),
  ui_message_webview_url_scheme: sample(
    ["mx", "m", "M9+.-", "x".repeat(64)],
    ["1mx", "mx:", "m x", "-mx", ".mx", "mx\n", "mx/", "m_x", "mé", "x".repeat(65)],
    fc.stringMatching(/^[A-Za-z][A-Za-z0-9+.-]{0,15}$/),
  ),
  update_credentials: flag,
  use_cases: list(2, "PFM", "MONEY_MOVEMENT"),
  widget_type: choice(...WIDGET_TYPES),
};

function sample(limits: unknown[], odd: unknown[], good: fc.Arbitrary<unknown>): Sample {
  const odds = [...odd, ...JUNK];
  return {
    limits,
    odd: odds,
    good: fc.oneof(good, fc.constantFrom(...limits)),
    broken: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...odds) },
      { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
    ),
  };
}

/**
 * Lengths are counted in characters, not in UTF-16 units: `"💶".length` is 2. What the schema says in words, that control
 * characters are refused, has tests of its own (unit/session/widget-policy.test.ts).
 */
function text(max: number): Sample {
  const characters = ["x", "é", "💶"];
  return sample(
    ["mxbank", ...characters, ...characters.map((character) => character.repeat(max))],
    [["mxbank"], ...characters.map((character) => character.repeat(max + 1))],
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
  );
}

function choice(...values: string[]): Sample {
  const odd = values.flatMap((value) => [
    value === value.toUpperCase() ? value.toLowerCase() : value.toUpperCase(),
    `${value} `,
    `${value}\n`,
    value.slice(1),
    [value],
  ]);
  return sample(values, odd, fc.constantFrom(...values));
}

function list(max: number, ...values: string[]): Sample {
  const repeated = (length: number) => Array.from({ length }, () => values[0]);
  const items = choice(...values);
  return sample(
    [...values.map((value) => [value]), values, repeated(max)],
    [repeated(max + 1), [values], ...values, ...items.odd.map((odd) => [values[0], odd])],
    fc.array(items.good, { minLength: 1, maxLength: max }),
  );
}

function nullable({ limits, odd, good }: Sample): Sample {
  return sample([...limits, null], odd, good);
}

function modes(verifications: number, aggregations: number): string {
  const words = [
    ...Array.from({ length: verifications }, () => "verification"),
    ...Array.from({ length: aggregations }, () => "aggregation"),
  ];
  return words.join(",");
}

/** Odd and broken objects have one fault: an odd member, a strange one, or a missing one; or they are no objects. */
function object(members: Record<string, Sample>, requiredKeys: string[] = []): Sample {
  const entries = Object.entries(members);
  const least = Object.fromEntries(
    requiredKeys.map((key) => [key, members[key]?.limits[0]] as const),
  );
  const good = fc.record(Object.fromEntries(entries.map(([key, member]) => [key, member.good])), {
    requiredKeys,
  });
  const oddMember = fc
    .constantFrom(...entries)
    .chain(([key, { broken }]) => fc.tuple(fc.constant(key), broken));
  const strangeMember = fc.tuple(
    fc.oneof(fc.constantFrom(...STRANGE_KEYS), fc.string({ maxLength: 12 })),
    fc.jsonValue({ maxDepth: 1 }),
  );
  const missingMember = fc.tuple(fc.constantFrom(...Object.keys(members)), fc.constant(undefined));
  const fault = fc.oneof(
    { weight: 16, arbitrary: oddMember },
    { weight: 3, arbitrary: strangeMember },
    { weight: 1, arbitrary: missingMember },
  );
  return {
    limits: [
      least,
      ...entries.flatMap(([key, { limits }]) =>
        limits.map((value) => ({ ...least, [key]: value })),
      ),
    ],
    odd: [
      ...entries.flatMap(([key, { odd }]) => odd.map((value) => ({ ...least, [key]: value }))),
      ...STRANGE_KEYS.map((key) => ({ ...least, [key]: true })),
      ...requiredKeys.map((key) => ({ ...least, [key]: undefined })),
      ...JUNK,
      [least],
    ],
    good,
    broken: fc.oneof(
      {
        weight: 19,
        arbitrary: fc.tuple(good, fault).map(([all, [key, value]]) => ({ ...all, [key]: value })),
      },
      { weight: 1, arbitrary: fc.constantFrom(...JUNK, [least]) },
    ),
  };
}
