/** Elements without a framework: `h("p", { className: "soft" }, "text")`. */

/** Names with a hyphen, and `role`, are attributes; all others are properties. Absent children are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "role" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== ""));
  return element;
}

/** The same for SVG, where everything is an attribute. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Puts a view in place. After what the user did the heading gets the focus, so that a screen reader reads on there. */
export function show(root, view) {
  const hadFocus = root.contains(document.activeElement);
  root.replaceChildren(...view);
  const heading = root.querySelector("h1");
  if (!hadFocus || !heading) return;
  heading.tabIndex = -1;
  heading.focus();
}
