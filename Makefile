# `make help` lists what there is to make. Everything that is fetched goes into .cache/, nothing into the system.

VERSIONS ?= 0.10.4 0.11.4 0.12.4
# make itself knows a LINT: the C checker of old.
LINT =

.DEFAULT_GOAL := build
.PHONY: build try test test-matrix test-litellm screens check-ports lint format bench clean clean-all help

build: ## the binary, target/release/gpt-nvim (the default)
	@command -v cargo >/dev/null || { echo 'No cargo. Install Rust (rustup, or your system'"'"'s package of Rust ≥ 1.88), then try again.' >&2; exit 1; }
	cargo build --release --locked

try: ## open a Neovim with only this plugin, a chat open
	@scripts/try

test: ## all tests, against GPT_NVIM=/path/to/nvim, the nvim on your PATH, or a fetched one
	@scripts/test

test-matrix: ## all tests, against each Neovim of VERSIONS="0.10.4 0.11.4 0.12.4"
	@scripts/test $(VERSIONS)

test-litellm: ## a chat with LiteLLM's proxy, fetched from PyPI (750 MB)
	@GPT_NVIM=$$(scripts/get-nvim any) GPT_LITELLM=$$(scripts/get-litellm) cargo test --locked --test it litellm:: -- --ignored

screens: ## write tests/screens anew, after a change of what is shown; then look at them
	@GPT_WRITE_SCREENS=1 GPT_NVIM=$${GPT_NVIM:-$$(scripts/get-nvim any)} cargo test --locked --test it screens::

check-ports: ## type-check for Windows and macOS (fetches 600 MB)
	@scripts/check-ports

lint: ## formats, lints, licenses (LINT=--strict: fail where a tool is missing)
	@scripts/lint $(LINT)

format: ## format everything, then lint
	@scripts/lint --fix

bench: ## the benchmarks
	cargo bench --locked --no-fail-fast --bench wires --bench limits --bench files --bench history

clean: ## remove what was built
	cargo clean
	rm -rf tests/out .cache/try

clean-all: clean ## and what was fetched
	rm -rf .cache

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-13s %s\n", $$1, $$2 }'
