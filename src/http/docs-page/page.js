/* global SwaggerUIBundle */

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
follow();
dark.addEventListener("change", follow);

SwaggerUIBundle({
  url: "openapi.yaml",
  domNode: document.getElementById("contract"),
  deepLinking: true,
  validatorUrl: null, // The contract is nobody else's business.
});
