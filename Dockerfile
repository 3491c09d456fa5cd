# syntax=docker/dockerfile:1
# The service alone: no simulator, no demo, no development packages, no shell, no package manager.
ARG NODE_IMAGE=docker.io/library/node:26-bookworm-slim

FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/development-node/package.json packages/development-node/
COPY packages/embed/package.json packages/embed/
COPY packages/simulator/package.json packages/simulator/

# Node, the shared libraries that it is linked with, the four files that they look for, and the records by which scanners
# know the libraries: those of the packages in the form that distroless images have.
FROM ${NODE_IMAGE} AS root
RUN set -eu; \
    node=/usr/local/bin/node; \
    libraries=$(ldd "$node" | grep -o '/[^ ]*'); \
    mkdir -p /image/etc /image/tmp /image/app /image/var/lib/dpkg/status.d; \
    chmod 1777 /image/tmp; \
    cp --parents -L "$node" $libraries /etc/os-release /image; \
    for library in $libraries; do \
      for path in "$library" "/usr$library" "$(readlink -f "$library")"; do dpkg-query --search "$path" 2>/dev/null || :; done; \
    done | cut -d: -f1 | sort -u >/tmp/packages; \
    for package in base-files $(cat /tmp/packages); do \
      dpkg-query --status "$package" >"/image/var/lib/dpkg/status.d/$package"; \
      if [ -e "/usr/share/doc/$package/copyright" ]; then cp --parents -L "/usr/share/doc/$package/copyright" /image; fi; \
    done; \
    test -s /image/var/lib/dpkg/status.d/libc6; \
    echo 'node:x:1000:1000::/app:/nonexistent' >/image/etc/passwd; \
    echo 'node:x:1000:' >/image/etc/group; \
    echo 'hosts: files dns' >/image/etc/nsswitch.conf

FROM manifests AS build
RUN npm ci --workspaces=false
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY src ./src
RUN npm run build
COPY --from=root /image/var/lib/dpkg/status.d /status.d
RUN mkdir -p /sbom && node scripts/sbom.ts /sbom/mx-session-bff.cdx.json --debian-packages /status.d

# As the image is, for the one thing that has to run in it: Node keeps a compile cache apart for each path and user.
FROM manifests AS app
RUN npm ci --omit=dev --omit=optional --workspaces=false
# What is never read at run time. Licences stay.
RUN find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -iname '*.md' \) -delete \
 && rm -rf node_modules/zod/src node_modules/bintrees/test node_modules/.package-lock.json node_modules/.bin packages package-lock.json .npmrc
COPY openapi.yaml LICENSE ./
COPY packages/embed ./packages/embed
COPY --from=build /app/dist ./dist
RUN find dist -name '*.d.ts' -delete
COPY scripts/fill-compile-cache.mjs /tmp/
RUN mkdir /app/.compile-cache && chown 1000:1000 /app/.compile-cache
USER 1000:1000
RUN NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache node /tmp/fill-compile-cache.mjs \
      node --disable-proto=delete --disable-sigusr1 --report-exclude-env --max-semi-space-size=16 dist/main.js

FROM scratch
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache PATH=/usr/local/bin
WORKDIR /app
COPY --from=root /image /
COPY --from=build /sbom /usr/share/sbom
COPY --from=app /app ./
USER 1000:1000
EXPOSE 3000 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/local/bin/node", "dist/healthcheck.js"]
ENTRYPOINT ["/usr/local/bin/node", "--disable-proto=delete", "--disable-sigusr1", "--report-exclude-env", "--max-semi-space-size=16", "dist/main.js"]
