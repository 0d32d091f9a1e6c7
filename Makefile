# Everything here needs Go and nothing else; what a target installs it pins.
SHELL = /bin/bash
.SHELLFLAGS = -eu -o pipefail -c
# What `time` prints of the parts that take long.
export TIMEFORMAT = == %0R s by the clock, %0U s of processor time
CYCLONEDX = v1.10.0
GREMLINS = github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build image reproducible sbom sbom-of dist man licences test check lint race guards fuzz bench
.PHONY: conformance-page faults lint-others
.PHONY: judge simulate soak mutants planted interleavings edges
.PHONY: conformance conformance-adapter conformance-all conformance-awssm conformance-bao conformance-door conformance-dotenv conformance-kubernetes conformance-notify conformance-packages conformance-systemd conformance-vaultkv conformance-versions
.PHONY: chart conformance-http conformance-helm conformance-kubelet
.PHONY: live-awssm live-azurekv live-gcpsm live-vaultkv

# What a release is built with. VERSION is what `rotate version` says.
RELEASE = CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w -X main.version=$(VERSION)"
VERSION ?= development
DATE ?= $(shell git log -1 --format=%cs)
DOCKER ?= docker

# Where the target named beside each leaves its work.
OUT ?= bin/rotate
DIST ?= dist
MAN ?= dist/man
LICENCES ?= dist/THIRD_PARTY_LICENSES
SHIPPED = linux/amd64,linux/arm64,darwin/amd64,darwin/arm64

build: ## the binary, static
	$(RELEASE) -o $(OUT) ./cmd/rotate

image: ## the container, with DOCKER=docker, podman or buildah
	$(DOCKER) build --build-arg VERSION=$(VERSION) -t rotate:$(VERSION) .

reproducible: ## two builds, in two folders with two caches, are one
	@one=$$(mktemp -d) two=$$(mktemp -d); trap 'rm -rf "$$one" "$$two"' EXIT; \
	for dir in "$$one" "$$two"; do \
		git archive HEAD | tar -x -C "$$dir"; \
		(cd "$$dir" && GOCACHE="$$dir/.cache" $(RELEASE) -o out ./cmd/rotate && sha256sum out); \
	done; \
	cmp "$$one/out" "$$two/out" && echo "reproducible"

sbom: ## what the binary is made of, in bin/rotate.cdx.json (CycloneDX)
	$(MAKE) build
	go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX) bin -json -output bin/rotate.cdx.json bin/rotate

sbom-of: # the same of any binary, in SBOM, without what differs from build to build
	go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX) bin -json -noserial -notimestamp -std -version $(VERSION) -output $(SBOM) $(BINARY)

dist: ## a release in dist/: archives, deb, rpm, apk, SBOMs, SHA256SUMS; VERSION=v1.2.3
	packaging/dist.sh $(DIST) $(filter-out development,$(VERSION))

man: ## the manual pages, in dist/man
	@mkdir -p $(MAN)
	ROTATE_MAN=$(abspath $(MAN)) ROTATE_MAN_DATE=$(DATE) ROTATE_MAN_VERSION=$(VERSION) go test -count=1 -run '^TestManual$$' ./cmd/rotate

licences: ## the terms of all that is linked in; refuses what may not be shipped
	@mkdir -p $(dir $(LICENCES))
	go -C packaging run ./licences -C .. -o $(abspath $(LICENCES)) -targets $(SHIPPED) ./cmd/rotate

test: ## hermetic
	go test ./...

lint: ## format, vet, staticcheck, module files
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not gofmt-formatted: $$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go mod tidy -diff

lint-others: ## shellcheck over the scripts, hadolint over the Dockerfile, gosec over the Go that ships
	./e2e/lint.sh

check: lint test ## before every commit

race: ## the same tests under the race detector
	go test -race -timeout 40m ./...

guards: ## takes each promise's guard out and holds that a test fails
	time ROTATE_GUARDS=1 go test -count=1 -timeout 80m ./internal/test/guards

fuzz: ## each fuzz target for FUZZTIME
	for target in $$(grep -rho '^func Fuzz[A-Za-z]*' --include=*_test.go . | cut -c6-); do \
		dir=$$(dirname $$(grep -rl "^func $$target(" --include=*_test.go .)); \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(or $(FUZZTIME),20s) -fuzzminimizetime 10x $$dir; \
	done

bench: ## ratios, counts and growth with their goals, never absolute promises; ONLY=cost,due,inner,process,daemon,aws,git for some
	go run ./internal/test/bench -only '$(ONLY)'

judge: ## what the judge of texts finds and what it must not; KEYS millions of each generator's keys, ten times as many of rotate's
	time ROTATE_JUDGE=$$(( $(or $(KEYS),1) * 1000000 )) GOGC=400 nice go test -count=1 -timeout 12h -v -run 'Known|BadOnes|OwnKeys|OtherGenerators|ShorterKeys' ./internal/judge

simulate: ## a run of YEARS years with SEED; see docs/how-it-is-tested.md
	ROTATE_SIM_SEED=$(or $(SEED),1) ROTATE_SIM_YEARS=$(or $(YEARS),100) go test -count=1 -timeout 60m -run TestPromisesHoldForYears -v ./internal/test/sim

soak: ## RUNS counting runs of YEARS years each, from SEED on
	for ((seed = $(or $(SEED),1); seed < $(or $(SEED),1) + $(or $(RUNS),10); seed++)); do $(MAKE) simulate SEED=$$seed; done

mutants: ## each operator of the core changed: a test fails, or survivors.txt has the reason; ONLY=rotation/keyset,rotation,rotation/engine,ours for some
	time go run ./internal/test/mutants -gremlins $(GREMLINS) -only '$(ONLY)'

planted: ## bugs put in, and incidents without their guards: each is found
	ROTATE_PLANTED=1 go test -count=1 -timeout 60m -run 'Planted|Without' ./internal/test/sim

interleavings: ## every order of the calls of two and three writers
	ROTATE_EXPLORE=1 go test -count=1 -timeout 60m -run TestEveryInterleaving -v ./internal/test/sim ./providers/awssm ./providers/azurekv ./providers/gcpsm ./providers/kubernetes ./providers/vaultkv

edges: ## what breaks beyond the declared bounds, and by how much
	ROTATE_EDGES=1 go test -count=1 -timeout 60m -run TestEdges -v ./internal/test/sim

conformance-awssm: ## the awssm store on two servers that others wrote, moto and ministack
	time ./e2e/aws.sh

conformance-bao: ## the vaultkv store on OpenBao: one server, and the standbys of a cluster of three
	time ./e2e/bao.sh

conformance-vaultkv: ## the vaultkv store on Vault itself, built the first time
	time ./e2e/vault.sh

chart: ## what the Helm chart has from elsewhere: the schema of its values, the rules, the dashboard
	go test -count=1 ./cmd/rotate -run TestChartIsCurrent -update

conformance-helm: ## the Helm chart on etcd and kube-apiserver, built the first time
	time ./e2e/helm.sh

conformance-kubelet: ## the commands of docs/install-kubernetes.md and their pods, on a real kubelet; as root
	./e2e/tools.sh containerd:containerd runc:runc ctr:containerd containernetworking-plugins buildah:buildah git:git ip:iproute2 pgrep:procps
	time ./e2e/kubelet.sh

conformance-kubernetes: ## the kubernetes store on etcd and kube-apiserver, built the first time
	time ./e2e/kube.sh

conformance-versions: ## the first version's binary and this one look after one key, in turns, at once, up and down again
	time ./e2e/versions.sh

conformance-systemd: ## the deb and its units under systemd as init, by the commands of its page; as root
	./e2e/tools.sh python3:python3 debootstrap:debootstrap systemd-nspawn:systemd-container
	time ./e2e/systemd-init.sh

conformance-packages: ## a release made twice, and what is in it
	./e2e/tools.sh python3:python3 lintian:lintian rpm:rpm rpm2cpio:rpm2cpio cpio:cpio zsh:zsh fish:fish
	go -C packaging test ./...
	time ./e2e/packages.sh

conformance-page: ## the page in Chromium, with axe-core; IMAGES=docs/images takes the documentation's pictures anew
	./e2e/tools.sh python3:python3 node:nodejs npm:npm chromium:chromium pngquant:pngquant fonts-dejavu-core
	time ./e2e/page.sh

conformance-dotenv: ## eight readers of .env files themselves, against what rotate knows of them; RANDOM_FILES and SEED for more
	time ./e2e/dotenv.sh

conformance-door: ## tokens and cookies of real libraries and frameworks: keys adopted from each kind of source, templates that they read
	./e2e/tools.sh python3:python3 python3-venv openssl:openssl node:nodejs npm:npm java:default-jdk-headless mvn:maven nginx:nginx-light ruby:ruby ruby-railties
	time ./e2e/door.sh

conformance-http: ## a daemon under a thousand hostile connections; EACH=1000 of every kind for more
	./e2e/tools.sh python3:python3
	time ./e2e/http.sh

faults: ## the real binary on a disk that fails, hangs, lies and tears: RUNS, SEED; each byte of each file changed, or each STEPth; hostile connections. As root
	./e2e/tools.sh python3:python3
	time ./e2e/faults.sh
	ROTATE_MEMORY=1 go test -count=1 -v -run '^TestNoRetiredKeyStaysInMemory$$' ./internal/daemon

conformance-notify: ## a receiver made of public libraries: standardwebhooks and cloudevents, from PyPI
	./e2e/tools.sh python3:python3 python3-venv
	time ./e2e/notify.sh

conformance: ## what needs more than `go test` and Go, and is not in .ci/run; with the time of each part
	./e2e/tools.sh python3:python3 python3-venv openssl:openssl buildah:buildah busybox:busybox-static node:nodejs npm:npm java:default-jdk-headless mvn:maven
	time ROTATE_KILLS=1000 go test -count=1 -timeout 20m -run Kill -v ./providers/file
	time ROTATE_KILLS=200 go test -count=1 -timeout 20m -run Kill ./cmd/rotate
	time ROTATE_FULL=1 go test -count=1 -timeout 20m -run Promise10 ./providers/awssm ./providers/vaultkv
	time ./e2e/pyjwt.sh
	time ./e2e/ics.sh
	time ./e2e/consumers.sh
	time ./e2e/image.sh
	time $(MAKE) reproducible
	time ./e2e/promtool.sh

conformance-adapter: ## a store that is a module of its own: examples/adapter holds the contract, and its rotate works
	time ./e2e/adapter.sh

# Everything that .ci/run leaves out. Each row of docs/how-it-is-tested.md says when its target last ran.
BEYOND = conformance conformance-adapter conformance-bao conformance-door conformance-dotenv conformance-http faults conformance-notify conformance-versions conformance-packages conformance-helm conformance-kubelet conformance-page judge fuzz mutants planted interleavings edges soak bench

conformance-all: ## all of BEYOND, for hours; goes on after a failure, and ends with the rows for docs/how-it-is-tested.md
	./e2e/all.sh $(BEYOND)

live-awssm: ## the store on AWS itself, in your account: REGION=eu-west-1, and ROLE= to assume one
	@test -n "$(REGION)" || { echo "say where: make live-awssm REGION=eu-west-1"; exit 1; }
	ROTATE_AWS_LIVE=$(REGION) ROTATE_AWS_LIVE_ROLE=$(ROLE) go test -count=1 -timeout 60m -parallel 8 -run '^TestLive$$' -v ./providers/awssm

live-vaultkv: ## the store on a Vault of yours: ADDR=https://vault.example.com:8200 TOKEN_FILE=/path/of/a/token
	@test -n "$(ADDR)" -a -n "$(TOKEN_FILE)" || { echo "say where: make live-vaultkv ADDR=https://vault.example.com:8200 TOKEN_FILE=/path/of/a/token"; exit 1; }
	ROTATE_VAULT_LIVE=$(ADDR) ROTATE_VAULT_LIVE_TOKEN_FILE=$(abspath $(TOKEN_FILE)) go test -count=1 -timeout 20m -run '^TestLive$$' -v ./providers/vaultkv

live-azurekv: ## the store on a vault of yours: VAULT=name, signed in with az
	@test -n "$(VAULT)" || { echo "say where: make live-azurekv VAULT=name"; exit 1; }
	ROTATE_AZUREKV_VAULT=$(VAULT) go test -count=1 -timeout 20m -run TestLive -v ./providers/azurekv

live-gcpsm: ## the store on Google itself, in a project of yours: PROJECT=my-project, and LOCATION= for regional secrets
	@test -n "$(PROJECT)" || { echo "say where: make live-gcpsm PROJECT=my-project"; exit 1; }
	ROTATE_GCPSM_LIVE=$(PROJECT) ROTATE_GCPSM_LIVE_LOCATION=$(LOCATION) go test -count=1 -timeout 60m -run '^TestLive$$' -v ./providers/gcpsm
