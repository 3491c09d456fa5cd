// Your web server: the page, your login's token, and the service under the page's own origin.
import { createReadStream } from "node:fs";
import { createServer, request } from "node:http";

const { PORT = 8080, SERVICE = "http://127.0.0.1:3000" } = process.env;
const { TOKENS = "http://127.0.0.1:4000/token/ada" } = process.env; // The demo's login. Yours knows who asks.

const FILES = {
  "/": ["index.html", "text/html"],
  "/page.js": ["page.js", "text/javascript"],
};

createServer((req, res) => {
  if (req.url in FILES) {
    const [file, type] = FILES[req.url];
    res.setHeader("Content-Type", type);
    createReadStream(new URL(file, import.meta.url)).pipe(res);
  } else if (req.url === "/token") {
    forward(req, res, TOKENS);
  } else if (req.url === "/session" || req.url === "/embed.js") {
    forward(req, res, SERVICE + req.url);
  } else {
    res.writeHead(404).end();
  }
}).listen(PORT, "127.0.0.1", () => console.log(`http://localhost:${PORT}`));

/** With all headers: the service looks at Authorization, Origin and Sec-Fetch-Site. */
function forward(req, res, url) {
  const { method, headers } = req;
  const upstream = request(url, { method, headers }, (answer) => {
    res.writeHead(answer.statusCode, answer.headers);
    answer.pipe(res);
  });
  upstream.on("error", () => res.writeHead(502).end());
  req.pipe(upstream);
}
