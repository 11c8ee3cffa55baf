# Every target sets up what it needs, on a fresh Debian machine with Rust, Node and root.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
export PATH := $(HOME)/.cache/rivulet/tools/bin:$(HOME)/.cargo/bin:$(PATH)

.PHONY: help run test check fuzz bench soak

help:
	@echo "make run    build, start everything with a live demo channel, print the address to open"
	@echo "make test   every test: unit, back ends, whole system, browser"
	@echo "make check  format, lints, dependency rules, licences, known weaknesses: before a commit"
	@echo "make fuzz   every reader of foreign bytes, ten minutes each (FUZZ_SECONDS=600)"
	@echo "make soak   one broadcast under random faults, every playlist held against the rules (MINUTES=10)"
	@echo "make bench  benchmarks, as ratios against named peers"

run:
	scripts/setup build run
	scripts/build-web
	cargo build --release -p rivulet-server
	exec $(CARGO_TARGET_DIR)/release/rivulet serve --demo

test:
	scripts/setup build run test
	scripts/build-web
	scripts/check-dependencies.mjs
	cargo build --workspace --bins --tests
	cargo nextest run --workspace
	scripts/test-schema $(CARGO_TARGET_DIR)/debug/rivulet
	cd tests/browser && npm ci --no-audit --no-fund --silent && RIVULET_BIN=$(CARGO_TARGET_DIR)/debug/rivulet npm test

check:
	scripts/setup build check
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	scripts/check-dependencies.mjs
	scripts/check-crates

fuzz:
	scripts/setup build fuzz
	scripts/fuzz $${FUZZ_SECONDS:-600}

soak:
	scripts/setup build run test
	scripts/build-web
	cargo build --workspace --bins --tests
	cd tests/browser && npm ci --no-audit --no-fund --silent
	RIVULET_SOAK_SECONDS=600 cargo test --workspace --test soak -- --nocapture
	cargo test --workspace --test away --test five_hours -- --ignored --nocapture
	RIVULET_OUTAGE_SECONDS=600 cargo test --workspace --test faults -- --nocapture s3_may_refuse_connections
	RIVULET_SOAK_MINUTES=$${MINUTES:-10} cargo test --workspace --test ordeal -- --ignored --nocapture

bench:
	scripts/setup build run bench
	scripts/build-web
	cargo build --release -p rivulet-server -p rivulet-picture --bin rivulet --example bench
	scripts/bench-clip $(CARGO_TARGET_DIR)/bench-1080p30.mp4
	cd tests/browser && npm ci --no-audit --no-fund --silent
	scripts/bench $(CARGO_TARGET_DIR)/release/rivulet $(CARGO_TARGET_DIR)/bench-1080p30.mp4 $(CARGO_TARGET_DIR)/release/examples/bench
