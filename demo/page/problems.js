/** Explains a problem: its own words first, then what the service's page about its type says. */

import { h } from "./dom.js";

/**
 * @param {{ type: string, title: string, status: number, detail?: string, request_id?: string,
 *   errors?: readonly { pointer?: string, header?: string, detail: string }[] }} problem
 * @param {string} serviceUrl
 */
export async function renderProblem(problem, serviceUrl) {
  const { type, title, status, detail, request_id: requestId, errors = [] } = problem;
  const name = type.slice(type.lastIndexOf("/") + 1);
  const items = errors.map((error) => {
    const where = h("code", {}, error.pointer ?? error.header ?? "");
    return h("li", {}, where, " ", error.detail);
  });
  return [
    h("p", { className: "kicker" }, `${status} ${name}`),
    h("h3", {}, title),
    ...(detail ? [h("p", {}, detail)] : []),
    ...(items.length > 0 ? [h("ul", {}, items)] : []),
    ...(await fetchExplanation(name)),
    h("p", { className: "soft" }, toLink(new URL(type, serviceUrl)), ` · request ${requestId}`),
  ];
}

/** What is neither an answer nor a widget. */
export function renderFailure(message) {
  return [h("h3", {}, "There is no widget"), h("p", {}, message)];
}

function toLink(url) {
  return h("a", { href: url.href, target: "_blank" }, "The service's page about this problem");
}

/** Headings and paragraphs of that page, as text. */
async function fetchExplanation(name) {
  const response = await fetch(`/problems/${encodeURIComponent(name)}`);
  if (!response.ok) return [];
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return [...page.querySelectorAll("h2")].map((heading) => {
    const text = heading.nextElementSibling?.textContent ?? "";
    const parts = [h("dt", {}, heading.textContent ?? ""), h("dd", {}, text)];
    return h("dl", {}, parts);
  });
}
