# What people do with this folder. Every target installs what it needs first.
.DEFAULT_GOAL := help
.PHONY: help install demo test test-pg check bench interop soak clean

BIN := node_modules/.bin
INSTALLED := node_modules/.package-lock.json
SOURCES := $(wildcard main.ts) $(shell find core radio billing offload sim-provisioning deploy -name '*.ts')
# Headers that came with Node.js, for better-sqlite3 where it has to be compiled.
NODE_PREFIX := $(shell dirname "$$(dirname "$$(readlink -f "$$(command -v node)")")")
HEADERS := $(if $(wildcard $(NODE_PREFIX)/include/node/node.h),npm_config_nodedir=$(NODE_PREFIX))

help:
	@echo 'make demo     one session on a node of its own, from the first packet to the payout'
	@echo 'make test     all tests but the long ones'
	@echo 'make test-pg  the tests of everything that is stored, on a PostgreSQL server of their own as well'
	@echo 'make check    format, lint, types, import boundaries, dead code'
	@echo 'make interop  tests against foreign programs: FreeRADIUS, eapol_test, freeDiameterd, tshark and others'
	@echo 'make bench    speed beside other programs; ONLY=radius for the rows whose id starts so'
	@echo 'make soak     kill the node under load again and again; ROUNDS=100'
	@echo 'make install  packages and the program in dist/'
	@echo 'make clean    remove what the targets above made'

$(INSTALLED): package-lock.json package.json
	@node --eval 'const [a, b] = process.versions.node.split("."); if (a < 20 || (a == 20 && b < 19)) { console.error("Node.js 20.19 or later is needed, this is", process.version); process.exit(1) }'
	@deploy/debian-packages.sh build || true
	$(HEADERS) npm ci --no-audit --no-fund

dist/main.js: $(INSTALLED) $(SOURCES) tsconfig.json tsconfig.build.json
	npm run --silent build
	@touch $@

install: dist/main.js

demo: dist/main.js
	@deploy/debian-packages.sh demo || true
	@npx tallycell demo

test: $(INSTALLED)
	$(BIN)/tap run

test-pg: $(INSTALLED)
	@deploy/debian-packages.sh test-pg
	$(BIN)/tsx test/emulators/postgresql-run.ts $(BIN)/tap run test/compliance/*.test.ts test/postgresql/*.test.ts

check: $(INSTALLED)
	$(BIN)/biome ci --error-on-warnings .
	$(BIN)/tsc --noEmit
	$(BIN)/depcruise --config .dependency-cruiser.cjs main.ts core radio billing offload sim-provisioning deploy test
	$(BIN)/knip

interop: $(INSTALLED)
	@deploy/debian-packages.sh interop
	$(BIN)/tap run test/interop/*.test.ts

bench: dist/main.js
	@deploy/debian-packages.sh bench || true
	@$(BIN)/tsx test/bench/main.ts $(ONLY)

ROUNDS ?= 100
soak: $(INSTALLED)
	$(BIN)/tsx test/soak/main.ts $(ROUNDS)

clean:
	rm -rf dist .tap test/bench/.work test/bench/results.json
