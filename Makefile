# What a person does here; each target does all of its own set-up.
.DEFAULT_GOAL := help
PYTEST := .venv/bin/pytest
SOURCES := goldsmith tests bench

.PHONY: help setup image test test-tools test-long check bench reliability serve reference

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 12

setup: ## Install host packages and make .venv with everything pinned
	@packaging/setup

image: setup ## Bake, boot and test the example: a Debian 12 web server
	@.venv/bin/goldsmith build examples/web-server/web-server.yml

check: setup ## Lint, format, types, and the direction of the rooms
	@.venv/bin/ruff check $(SOURCES)
	@.venv/bin/ruff format --check $(SOURCES)
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

test: check ## Everything of check, then the test suite
	@$(PYTEST) -m "not bench and not long"

test-tools: ## Install other people's tools that some tests use (skopeo, buildah, …); without them those are skipped
	@packaging/setup packaging/test-packages.txt

test-long: setup ## Packer, an instance refresh, an instance's every state: what boots many machines (15 minutes)
	@$(PYTEST) -m long

bench: setup ## Measure against the same work by hand and against other tools; writes bench/results.md and bench/catalogue.md
	@.venv/bin/python -m bench
	@.venv/bin/python -m bench.catalogue
	@.venv/bin/python -m bench.imagebuilder
	@.venv/bin/python -m bench.pipelines
	@.venv/bin/python -m bench.publish

reliability: setup ## Kill the server 30 times while it builds (half an hour); writes docs/reliability.md
	@.venv/bin/python -m bench.reliability

serve: setup ## Serve the catalogue's APIs on http://127.0.0.1:8580
	@[ -e "$${GOLDSMITH_HOME:-/var/lib/goldsmith}/catalog.sqlite" ] || .venv/bin/goldsmith init
	@.venv/bin/goldsmith serve

reference: setup ## Write the pages that are made from the code
	@.venv/bin/python -c 'from goldsmith.aws.coverage import render; print(render(), end="")' >docs/api-coverage.md
	@.venv/bin/python -c 'from goldsmith.trees.cleanup.reference import cleanup_reference; print(cleanup_reference(), end="")' >docs/cleanup.md
