# The commands by journey. Each is one line here and one readable script in bin/.
# Settings are variables: `make stage-5 PORT=9090`, or lines of the file local.env to keep them. MONITORING=off leaves
# out what only watches.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

USERS ?= 100
TIME ?= 60s
RATE ?= 20
POOL ?= 500
SERVICE ?=
REQUEST ?=
Q ?=
SINCE ?=
URL ?=
KIND ?=
ID ?=
QUEUE ?=
MINUTES ?= 10
BUG ?=
A ?=
B ?=
CASE ?=
ALL ?=
ROUNDS ?= 7
SECONDS ?= 4
PROFILES ?=
TESTS ?= tests/unit tests/repo tests/system

.PHONY: help deploy contract scale lb edge-2 purge down status logs psql mail load locust bench bench-jobs bench-overload test test-fast format lock images clean logs-up logs-down doctor ablate
.PHONY: queues dead replay discard renew top drill-jobs drill-alerts planted load-ramp load-spike load-soak load-open ladder ladder-quick ladder-compare drill-doctor

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

# Make hands variables of its command line on in the environment, where a quotation mark in Q does no harm.
logs: ## Follow the logs (SERVICE=web), search them (Q='text' SINCE=10m), or tell one request's way (REQUEST=id)
	@bin/logs

logs-up: ## Collect the logs of all services in one store, and search there
	@bin/log-store up

logs-down: ## Stop that; what was collected is kept
	@bin/log-store down

doctor: MINUTES := 3
doctor: ## Name the bottleneck of the last minutes, with its evidence and the next step (MINUTES=3 ALL=1)
	@bin/doctor --minutes '$(MINUTES)' $(if $(ALL),--all)

psql: ## Open a prompt on the primary
	@bin/compose exec primary bash -c 'PGPASSWORD=$$DB_PASSWORD psql -h 127.0.0.1 -U sluice sluice'

queues: ## Show the queues: how many wait, how old the first is, who consumes (also dead and later)
	@bin/queues list

dead: ## Show the jobs that were given up, and why (KIND=welcome_email for one kind)
	@bin/queues dead $(KIND)

replay: ## Have given-up jobs done again (KIND=welcome_email, ID=… for one of them)
	@bin/queues replay '$(KIND)' $(ID)

discard: ## Remove a given-up job for ever (KIND=welcome_email ID=…)
	@bin/queues discard '$(KIND)' '$(ID)'

renew: ## Have an empty queue declared anew, after its arguments were changed (QUEUE=…)
	@bin/queues renew '$(QUEUE)'

##@ Load

load: ## Send the crowd and print its table (USERS=100 TIME=60s RATE=20; WORKERS=2 for two cores)
	@bin/load '$(USERS)' '$(TIME)' '$(RATE)' steady

load-ramp: USERS = 400
load-ramp: ## Send more and more, to find the knee: the highest rate that is still served well (USERS=400)
	@bin/load '$(USERS)' '$(TIME)' '$(RATE)' ramp

load-spike: USERS = 20
load-spike: ## Send a crowd that grows tenfold within three seconds, and leaves again (USERS=20 FACTOR=10)
	@bin/load '$(USERS)' '$(TIME)' '$(RATE)' spike

load-soak: TIME = 30m
load-soak: ## Send the crowd for long, and compare the second half with the first (TIME=30m)
	@bin/load '$(USERS)' '$(TIME)' '$(RATE)' soak

load-open: ## Send RATE arrivals a second, whether or not answers come back (RATE=20 POOL=500 ROUTE=/api/posts/popular)
	@bin/load '$(POOL)' '$(TIME)' '$(RATE)' open

locust: ## Open Locust's own pages at http://localhost:8089
	@bin/load ui

bench: ## Measure a request's CPU time beside the limit and a tutorial's way (ROUNDS=7 SECONDS=4 PROFILES="cached")
	@bin/bench '$(ROUNDS)' '$(SECONDS)' '$(PROFILES)'

bench-jobs: ## Measure a job's CPU time, and sign-ups with the mail by queue, in the request, and without
	@bin/bench-jobs

bench-overload: ## Measure how much is still served at twice and four times the rate that can be
	@bin/bench-overload

ladder: ## Climb all stages with the same crowd and report what each step buys (under 40 minutes)
	@bin/ladder

ladder-quick: ## The same in one coarse round (under 10 minutes)
	@bin/ladder --quick

ladder-compare: ## Set two reports side by side (A=reports/ladder-… B=reports/ladder-…)
	@bin/ladder --compare '$(A)' '$(B)'

ablate: ## List the techniques that can be measured with and without
	@bin/ablate

ablate-%: ## Measure what one of them buys (docs/ablations.md)
	@bin/ablate '$*'

##@ Test

test: ## Test everything, the real stack included (TESTS=tests/system/test_api.py for a part)
	@bin/test $(TESTS)

test-fast: ## Test what needs no running stack: format, lint, types, configurations, units
	@bin/test tests/unit tests/repo

drill-jobs: ## Kill everything for longer while sign-ups come in, and count the mails (MINUTES=10)
	@bin/drill-jobs '$(MINUTES)'

drill-alerts: ## Fire five alerts for real, and wait for their mails and for "resolved"
	@bin/drill-alerts

drill-doctor: ## Plant bottleneck after bottleneck on a stack of its own: does the doctor name each? (CASE="lock pool")
	@bin/engine && bin/drill-doctor $(CASE)

planted: ## Plant a bug in a copy and see the tests catch it (BUG=ack-before-work, see tests/planted)
	@bin/planted '$(BUG)'

format: ## Format the code
	@bin/test --run ruff check --fix-only . && bin/test --run ruff format .

lock: ## Resolve the pinned requirements anew (UPGRADE=1 for newer versions)
	@bin/test --run bin/lock $(if $(UPGRADE),--upgrade)

##@ Clean

clean: ## Remove all services AND ALL DATA (needs CONFIRM=yes)
	@[[ "$(CONFIRM)" == yes ]] || { echo "sluice: this removes all data: make clean CONFIRM=yes" >&2; exit 1; }
	@bin/compose --profile '*' down --volumes --remove-orphans
