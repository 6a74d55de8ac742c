# The commands by journey. Each is one line here and one readable script in bin/.
# Settings are variables: `make stage-5 PORT=9090`, or lines of the file local.env to keep them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

USERS ?= 100
TIME ?= 60s
RATE ?= 20
SERVICE ?=
URL ?=
KIND ?=
ID ?=
QUEUE ?=
ROUNDS ?= 7
SECONDS ?= 4
PROFILES ?=
TESTS ?= tests/unit tests/repo tests/system

.PHONY: help deploy contract scale lb edge-2 purge down status logs psql mail load locust bench test test-fast format lock images clean
.PHONY: queues dead replay renew top

help: ## Show this
	@awk -f bin/help.awk $(MAKEFILE_LIST)

##@ Run

stage-%: ## Move the stack up or down to stage N (1 to 5); data is kept
	@bin/stage '$*'

lb: ## Show by which rule the load balancer chooses
	@bin/lb

lb-%: ## Let it choose by another: round_robin, least_conn, ip_hash, weighted, health
	@bin/lb '$*'

edge-2: ## Open a second location of the CDN, with a cache of its own, at http://localhost:8081
	@bin/edge-2

purge: ## Remove one address from the caches of all edges (URL=/api/posts/popular)
	@bin/purge '$(URL)'

down: ## Stop and remove all services; data is kept
	@bin/compose --profile '*' down --remove-orphans

images: ## Make sure of all images (REBUILD=1: make the stand-ins again)
	@bin/engine && bin/images --profile '*'

##@ Deploy

deploy: ## Replace the replicas one by one, without a failed request (IMAGE=… for another version)
	@bin/engine && bin/deploy $(IMAGE)

contract: ## After a deploy: remove from the database what only the version before it needed
	@bin/deploy --contract

scale: ## Change the number of replicas (WEB=6, WORKER=2); make stage-N goes back
	@bin/scale $(if $(WEB),WEB='$(WEB)') $(if $(WORKER),WORKER='$(WORKER)')

##@ Watch

status: ## Show every part at a glance: health, how full, how fast, how far behind, and what is wrong
	@bin/status

top: ## The same, again and again, until Ctrl-C
	@bin/status --again

logs: ## Follow the logs (SERVICE=web for one service)
	@bin/compose logs --follow --tail 50 $(SERVICE)

psql: ## Open a prompt on the primary
	@bin/compose exec primary bash -c 'PGPASSWORD=$$DB_PASSWORD psql -h 127.0.0.1 -U sluice sluice'

queues: ## Show the queues: how many wait, how old the first is, who consumes (also dead and later)
	@bin/queues list

dead: ## Show the jobs that were given up, and why (KIND=welcome_email for one kind)
	@bin/queues dead $(KIND)

replay: ## Have given-up jobs done again (KIND=welcome_email, ID=… for one of them)
	@bin/queues replay '$(KIND)' $(ID)

renew: ## Have an empty queue declared anew, after its arguments were changed (QUEUE=…)
	@bin/queues renew '$(QUEUE)'

##@ Load

load: ## Send the crowd and print its table (USERS=100 TIME=60s RATE=20)
	@bin/load '$(USERS)' '$(TIME)' '$(RATE)'

locust: ## Open Locust's own pages at http://localhost:8089
	@bin/load ui

bench: ## Measure a request's CPU time beside the limit and a tutorial's way (ROUNDS=7 SECONDS=4 PROFILES="cached")
	@bin/bench '$(ROUNDS)' '$(SECONDS)' '$(PROFILES)'

##@ Test

test: ## Test everything, the real stack included (TESTS=tests/system/test_api.py for a part)
	@bin/test $(TESTS)

test-fast: ## Test what needs no running stack: format, lint, types, configurations, units
	@bin/test tests/unit tests/repo

format: ## Format the code
	@bin/test --run ruff check --fix-only . && bin/test --run ruff format .

lock: ## Resolve the pinned requirements anew (UPGRADE=1 for newer versions)
	@bin/test --run bin/lock $(if $(UPGRADE),--upgrade)

##@ Clean

clean: ## Remove all services AND ALL DATA (needs CONFIRM=yes)
	@[[ "$(CONFIRM)" == yes ]] || { echo "sluice: this removes all data: make clean CONFIRM=yes" >&2; exit 1; }
	@bin/compose --profile '*' down --volumes --remove-orphans
