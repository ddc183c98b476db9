# The program alone: docker build -t dodge . && docker run --rm -v "$PWD:/data" -w /data dodge enhance photos -o enhanced
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends g++ make && rm -rf /var/lib/apt/lists/*
WORKDIR /dodge
COPY . .
RUN cargo build --release --locked --package dodge-cli

FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /dodge/target/release/dodge /usr/local/bin/dodge
USER 1000:1000
ENV IMAGE_VOLUME_PATH=/data
ENTRYPOINT ["dodge"]
CMD ["--help"]
