/** Elements without a framework: `h("p", { className: "soft" }, "text")`. */

/** Names with a hyphen, and `role`, are attributes; all others are properties. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "role" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);
