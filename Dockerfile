# The program with a browser, for a server without a display. docs/scale.md says how to use it.
FROM rust:1.91-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p lenore-cli

FROM debian:bookworm-slim
# A browser has to be the newest, so no version is named. The headless-only program starts faster;
# tini takes care of the processes that a crashed browser leaves.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates chromium chromium-headless-shell curl tini \
    && rm -rf /var/lib/apt/lists/*

# The profile, the settings, the keys and the log are in the user's home, for that user alone.
# No secret is in the image. Not root: as root the browser would run without its sandbox.
RUN useradd --uid 1000 --home-dir /data --shell /usr/sbin/nologin lenore \
    && install -d -m 0700 -o lenore -g lenore /data
COPY --from=build /src/target/release/lenore /usr/local/bin/lenore
USER 1000
ENV HOME=/data
WORKDIR /data
VOLUME /data

# Beyond the loopback address the server wants a key: `lenore keys add NAME`.
ENV LENORE_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/health/live"]
# The first SIGTERM lets running answers finish; give it more than `--grace` (30 s).
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "lenore"]
CMD ["serve"]
