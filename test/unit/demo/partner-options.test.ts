import { describe, expect, it } from "vitest";
// @ts-expect-error: a script of the partner's page, without types
import { OPTIONS, toOptions } from "../../../demo/page/options.js";
import { WidgetOptions } from "../../../src/session/widget-options.ts";

type Option = { name: string; kind: string; choices?: string[]; example?: string };
const options = OPTIONS as Option[];

describe("the options of the partner's page", () => {
  it("are all that the service takes", () => {
    const offered = new Set(options.map(({ name }) => name.split(".")[0]));
    expect([...offered].sort()).toEqual(Object.keys(WidgetOptions.shape).sort());
  });

  it("have the service's types, every choice", () => {
    for (const option of options) {
      for (const value of toValues(option)) {
        const form = new FormData();
        form.append(option.name, value);
        const asked = toOptions(form);
        expect(asked).not.toEqual({});
        expect(WidgetOptions.safeParse(asked).error, option.name).toBeUndefined();
      }
    }
  });

  it("leave out what is not filled in, and keep a false", () => {
    const form = new FormData();
    form.append("locale", "");
    form.append("include_transactions", "false");
    form.append("deep_link_params.date_range.start_date", "2026-01-01");
    expect(toOptions(form)).toEqual({
      include_transactions: false,
      deep_link_params: { date_range: { start_date: "2026-01-01" } },
    });
  });
});

/** Every value that can be chosen, or the example. */
function toValues({ kind, choices, example }: Option): string[] {
  if (kind === "date") return ["2026-01-31"];
  if (kind === "flag") return ["true", "false"];
  return choices ?? [example ?? ""];
}
