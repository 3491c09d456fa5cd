# syntax=docker/dockerfile:1
# The service alone: no simulator, no demo, no development packages. Node runs the TypeScript sources directly.
ARG NODE_IMAGE=docker.io/library/node:26-bookworm-slim

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json openapi.yaml LICENSE ./
COPY src ./src
USER 1000:1000
EXPOSE 3000 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["node", "-e", "const { HOST, OPERATIONS_PORT = 9090 } = process.env; fetch(`http://${HOST && HOST !== '0.0.0.0' ? HOST : '127.0.0.1'}:${OPERATIONS_PORT}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--disable-proto=delete", "--disable-sigusr1", "--report-exclude-env", "src/main.ts"]
