/** The form's fields for the options, each group folded away, with the number of options that are set. */

import { h } from "./dom.js";
import { OPTION_GROUPS } from "./options.js";

export function renderOptionGroups() {
  return OPTION_GROUPS.map(({ title, says, options }) => {
    const count = h("span", { className: "count" });
    const fields = options.map(toField);
    const group = h(
      "details",
      {},
      h("summary", {}, title, count),
      h("div", { className: "fields" }, h("p", { className: "soft" }, says), fields),
    );
    return { group, count, options };
  });
}

function toField(option) {
  const name = h("small", {}, option.name);
  if (option.kind === "list") {
    const boxes = option.choices.map((value) => {
      const box = h("input", { type: "checkbox", name: option.name, value });
      return h("label", {}, box, value);
    });
    const legend = h("legend", {}, option.label, " ", name);
    return h("fieldset", { className: "boxes" }, legend, boxes);
  }
  return h(
    "label",
    { className: "field" },
    h("span", {}, option.label, " ", name),
    toInput(option),
  );
}

function toInput({ name, kind, choices = ["true", "false"], example = "" }) {
  if (kind === "choice" || kind === "flag") {
    const notSent = h("option", { value: "" }, "not sent");
    return h(
      "select",
      { name },
      notSent,
      choices.map((value) => h("option", {}, value)),
    );
  }
  const type = kind === "integer" ? "number" : kind;
  const plain = { autocomplete: "off", spellcheck: false };
  return h("input", { name, type, placeholder: example, ...plain });
}
