# syntax=docker/dockerfile:1
# Two stages: the compiler and its packages stay in the first. The image carries neither the embedded PostgreSQL nor a second
# Node: production gives it DATABASE_URL and REDIS_URL.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY .swcrc ./
COPY scripts/build.mjs scripts/
COPY src src
COPY migrations migrations
RUN node scripts/build.mjs

FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional && npm cache clean --force

FROM node:24-bookworm-slim
ARG GIT_COMMIT=unknown
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 OG_DATA_DIR=/var/lib/opengateway GIT_COMMIT=$GIT_COMMIT
WORKDIR /app
COPY package.json LICENSE ./
COPY catalog catalog
COPY web web
COPY bin bin
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
# Numeric, so that Kubernetes can see that it is not root. The data directory holds the journal: give it a volume.
RUN mkdir -p /var/lib/opengateway && chown 10001:10001 /var/lib/opengateway
USER 10001:10001
VOLUME /var/lib/opengateway
EXPOSE 8080
STOPSIGNAL SIGTERM
# Node itself, not npm: signals reach it, and its exit code is the container's.
CMD ["node", "--max-semi-space-size=64", "--no-allocation-site-pretenuring", "--no-parallel-scavenge", "--enable-source-maps", "dist/src/main.js"]
