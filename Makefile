# `make demo` and `make test` are all a newcomer needs: each makes .venv and installs what it uses.
PYTHON ?= python3
PYTHONS ?= python3.12 python3.13 python3.14
UV := .venv/bin/uv --system-certs
RUN := .venv/bin/
BENCH = mkdir -p .benchmarks && $(RUN)pytest -q -p no:randomly -p no:xdist --benchmark-enable \
	--benchmark-only --benchmark-quiet --benchmark-json=.benchmarks

# What reaches databases, and all kinds of files once: enough to notice what a version lacks.
CORE = $(addprefix tests/,testing/test_manager_contract.py store database/test_round_trip.py \
	database/sqlite/test_codec.py database/postgresql/test_dialect.py database/postgresql/test_dbapi.py \
	database/postgresql/test_table_storage.py database/adbc/test_reflection.py extractor/test_base.py \
	extractor/columnar/test_extractors.py file/test_locations.py extractor/xlsx/test_extractors.py \
	test_masking.py frames/test_tabular.py etl datasource/test_base.py folder/test_store.py cli/commands/test_look.py)

# Tests and tools start hundreds of processes, each of which would else compile all that it imports.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test test-long fuzz soak mutation test-lowest test-newest test-python coverage release-check changelog docs lint format bench bench-quick bench-large audit lock clean
.DEFAULT_GOAL := help

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/bin/uv:
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv

.venv/.synced: pyproject.toml uv.lock | .venv/bin/uv
	$(UV) sync --quiet --locked --all-extras --all-groups
	@touch $@

# The demo alone installs a tenth of what the tests need, and leaves the rest where it is.
.venv/.demo: pyproject.toml uv.lock | .venv/bin/uv
	$(UV) sync --quiet --locked --inexact --no-default-groups --extra database --extra cli --group demo
	@touch $@

demo: .venv/.demo ## load real flight data into demo.db and prove it came back identical
	@$(RUN)python docs/demo/main.py

test: .venv/.synced ## every test but the long ones, docs and docstrings included
	$(RUN)pytest -n 2 --dist worksteal -m "not long"

# Most of these wait for other processes and the disk, so that three at a time keep two cores busy.
test-long: .venv/.synced ## the long tests: gigabytes, kills, fuzzing, browsers, the framework's packages
	$(RUN)pytest -n 3 --dist worksteal -m long

fuzz: .venv/.synced ## damaged files and stores for MINUTES=60 each, or those of one FORM=csv; prints a table
	@$(RUN)python tests/fuzz/run.py $(or $(MINUTES),60) $(FORM)

.venv/lowest/.synced: pyproject.toml .venv/.synced
	$(UV) venv --quiet --clear --python .venv/bin/python .venv/lowest
	$(UV) pip install --quiet --python .venv/lowest/bin/python --resolution lowest-direct \
		--editable '.[all]' --group test
	@touch $@

test-lowest: .venv/lowest/.synced ## the core of the tests, on the lowest versions of all that is needed
	.venv/lowest/bin/pytest -q -n 2 -m "not long" $(CORE)

.venv/newest/.synced: pyproject.toml .venv/.synced
	$(UV) venv --quiet --clear --python .venv/bin/python .venv/newest
	$(UV) pip install --quiet --python .venv/newest/bin/python --upgrade --editable '.[all]' --group test
	@touch $@

test-newest: .venv/newest/.synced ## the core of the tests, on the newest versions of all that is needed
	$(UV) pip install --quiet --python .venv/newest/bin/python --upgrade --editable '.[all]' --group test
	.venv/newest/bin/pytest -q -n 2 -m "not long" $(CORE)

# `make test PYTHON=python3.13` in a fresh clone runs every test on another Python.
test-python: .venv/.synced ## the core of the tests, on each of PYTHONS that is on this machine
	@for python in $(PYTHONS); do \
		$$python -c '' 2>/dev/null || { echo "$$python is not on this machine"; continue; }; \
		home=.venv/$$($$python -c 'import sys; print("python3.%d" % sys.version_info[1])'); \
		echo "== $$($$python --version)"; \
		UV_PROJECT_ENVIRONMENT=$$home $(UV) sync --quiet --locked --all-extras --no-default-groups \
			--group test --python $$(command -v $$python) && \
		$$home/bin/pytest -q -n 2 -m "not long" $(CORE) || exit 1; \
	done

coverage: .venv/.synced ## every test, and the lines that none runs; takes half as long again
	$(RUN)pytest -n 2 --dist worksteal --cov --cov-report=term

release-check: .venv/.synced ## build what VERSION=1.2.3 (or git's) would publish, into build/dist, and try it as users get it
	$(RUN)python .ci/release_check.py $(VERSION)

changelog: .venv/.synced ## put the fragments of changelog.d into CHANGELOG.md, as VERSION
	$(RUN)towncrier build --yes --version $(VERSION)

docs: .venv/.synced ## the documentation as a site, in build/site
	$(RUN)sphinx-build --quiet --fail-on-warning --keep-going --jobs 2 docs build/site

bench: .venv/.synced ## everything beside its peers, 25 minutes; makes docs/performance.md anew
	@$(BENCH)/full.json bench; code=$$?; $(RUN)python bench/report.py .benchmarks/full.json && exit $$code

bench-quick: .venv/.synced ## what limits are about, with a tenth of the rows: fails beyond a gate
	@$(BENCH)/quick.json --bench-rows=100000 --bench-rounds=3 --bench-gates -m "not full" bench

bench-large: .venv/.synced ## ROWS=100000000 rows into each store and out again, and what memory that takes; 40 GB of disk
	$(RUN)python bench/large.py $(if $(ROWS),--rows $(ROWS)) $(if $(STORES),--stores $(STORES)) \
		$(if $(MEMORY_LIMIT),--memory-limit $(MEMORY_LIMIT))

soak: .venv/.synced ## damage stores in all ways for MINUTES (SEED, ONLY=kills,…): what was lost, in build/soak.md
	$(RUN)python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) \
		$(if $(ONLY),--only $(ONLY))

mutation: .venv/.synced ## which small faults the tests notice: ONLY="naming codec" SAMPLE=60 SEED=1, or AGAIN=1
	$(RUN)python -m tests.mutation $(if $(ONLY),--only $(ONLY)) $(if $(SAMPLE),--sample $(SAMPLE)) \
		$(if $(SEED),--seed $(SEED)) $(if $(AGAIN),--again)

lint: .venv/.synced ## what CI checks beside the tests
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)basedpyright
	$(RUN)lint-imports
	$(RUN)deptry src
	$(RUN)zizmor --quiet --offline --pedantic .github
	$(RUN)check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: .venv/.synced ## fix what can be fixed by a machine
	$(RUN)ruff check --fix .
	$(RUN)ruff format .

audit: .venv/.synced ## weaknesses known of what is locked: asks osv.dev, or a copy of it at ADVISORIES=<url>
	$(UV) audit --frozen $(if $(ADVISORIES),--service-url $(ADVISORIES))

lock: .venv/.synced ## resolve the dependencies anew
	$(UV) lock --upgrade

clean: ## remove the environment and everything that was built
	rm -rf .venv build .pytest_cache .ruff_cache .hypothesis .coverage demo.db demo.db-wal demo.db-shm
