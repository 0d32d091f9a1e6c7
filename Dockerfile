# rotate as a container: one static file and the certificates of public
# authorities, no shell, no root. `make image` builds it.
#
# GO_IMAGE is any image with this Go, a shell and certificates; pin it by digest
# where you build for production.
ARG GO_IMAGE=golang:1.26

FROM ${GO_IMAGE} AS build
ARG VERSION=development
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# /data is for the file store, if one is used: a volume takes its owner from here.
# What `go run` takes here is of this repository, and has no version to pin.
# hadolint ignore=DL3062
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w -X main.version=${VERSION}" -o /out/rotate ./cmd/rotate \
	&& mkdir -p /out/data /out/licences && chmod 700 /out/data \
	&& go -C packaging run ./licences -C .. -o /out/licences/THIRD_PARTY_LICENSES -targets "linux/$(go env GOARCH)" ./cmd/rotate

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/rotate /usr/local/bin/rotate
COPY --from=build --chown=65532:65532 /out/data /data
COPY LICENSE NOTICE /usr/share/licenses/rotate/
COPY --from=build /out/licences /usr/share/licenses/rotate/
USER 65532:65532
WORKDIR /data
# none: a traceback of Go shows the arguments of functions.
ENV ROTATE_CONFIG=/etc/rotate/rotate.yaml GOTRACEBACK=none
ENTRYPOINT ["/usr/local/bin/rotate"]
CMD ["run"]
