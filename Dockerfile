# syntax=docker/dockerfile:1
# The service alone: no simulator, no demo, no development packages, no shell, no package manager, no distribution.
# Node runs the TypeScript sources directly.
ARG NODE_IMAGE=docker.io/library/node:26-bookworm-slim

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/simulator/package.json packages/simulator/
COPY packages/development-node/package.json packages/development-node/
RUN npm ci --omit=dev --omit=optional --workspaces=false
# What is never read at run time. Licences stay.
RUN find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -iname '*.md' \) -delete \
 && find node_modules/swagger-ui-dist -type f ! -name swagger-ui.css ! -name swagger-ui-bundle.js ! -name package.json ! -name 'LICENSE*' ! -name NOTICE -delete \
 && rm -rf node_modules/zod/src node_modules/bintrees/test node_modules/.package-lock.json node_modules/.bin

# Node, the shared libraries that it is linked with, and the four files that they look for.
FROM ${NODE_IMAGE} AS root
RUN set -eu; \
    node=/usr/local/bin/node; \
    mkdir -p /image/etc /image/tmp /image/app; \
    chmod 1777 /image/tmp; \
    cp --parents -L "$node" $(ldd "$node" | grep -o '/[^ ]*') /image; \
    echo 'node:x:1000:1000::/app:/nonexistent' >/image/etc/passwd; \
    echo 'node:x:1000:' >/image/etc/group; \
    echo 'hosts: files dns' >/image/etc/nsswitch.conf

FROM scratch
ENV NODE_ENV=production PATH=/usr/local/bin
WORKDIR /app
COPY --from=root /image /
COPY --from=packages /app/node_modules ./node_modules
COPY package.json openapi.yaml LICENSE ./
COPY src ./src
COPY packages/embed ./packages/embed
USER 1000:1000
EXPOSE 3000 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/local/bin/node", "src/healthcheck.ts"]
ENTRYPOINT ["/usr/local/bin/node", "--disable-proto=delete", "--disable-sigusr1", "--report-exclude-env", "--max-semi-space-size=16", "src/main.ts"]
