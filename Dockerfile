# Five images from one file: `app` (web, relay, worker, migrate, seed), `bench`, `loadtest`, `report` and `test`.

FROM python:3.14.8-slim AS base
# Output at once, so that the last line before a crash is in the log.
ENV PYTHONUNBUFFERED=1 \
    PATH=/opt/venv/bin:$PATH

# --- dependencies: exactly the files whose hashes requirements/*.txt name ------------------------------

FROM base AS installer
# uv stays in this stage: the images get what it installed.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --root-user-action=ignore uv==0.13.9
# Bytecode is compiled here once: a process with a fifth of a core would spend seconds on it.
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    VIRTUAL_ENV=/opt/venv
RUN uv venv /opt/venv

FROM installer AS app-dependencies
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=source=requirements,target=/requirements \
    uv pip sync --require-hashes /requirements/app.txt

FROM installer AS dev-dependencies
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=source=requirements,target=/requirements \
    uv pip sync --require-hashes /requirements/dev.txt

FROM installer AS loadtest-dependencies
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=source=requirements,target=/requirements \
    uv pip sync --require-hashes /requirements/loadtest.txt

FROM installer AS report-dependencies
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=source=requirements,target=/requirements \
    uv pip sync --require-hashes /requirements/report.txt

# --- our own code, compiled, and the site with content-hashed names ------------------------------------

FROM base AS code
WORKDIR /app
COPY jobs jobs
COPY app app
COPY worker worker
COPY db db
COPY site /source/site
RUN python -m app.site /source/site site \
    # Files in an image do not change: the bytecode need not be compared with its source.
    && python -m compileall -q --invalidation-mode unchecked-hash app jobs worker db

# --- the images ----------------------------------------------------------------------------------------

FROM base AS app
# The root file system is read-only where this runs.
ENV PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=app-dependencies /opt/venv /opt/venv
COPY --from=code /app /app
USER 10001:10001
EXPOSE 8000 9000
CMD ["python", "-m", "app"]

# `make bench`: what the application is measured against, and wrk. All of it runs with the very packages of `app`.
FROM app AS bench
USER 0:0
# Debian's own version, as in `test` below.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends wrk \
    && rm -rf /var/lib/apt/lists/*
COPY loadtest loadtest
USER 10001:10001

FROM base AS loadtest
ENV PYTHONDONTWRITEBYTECODE=1 \
    LOCUST_LOCUSTFILE=/app/loadtest/locustfile.py
WORKDIR /app
COPY --from=loadtest-dependencies /opt/venv /opt/venv
COPY loadtest loadtest
USER 10001:10001
EXPOSE 8089
ENTRYPOINT ["locust"]

# `make ladder`: draws a report that was measured. Nothing else needs matplotlib.
FROM base AS report
ENV PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /app
COPY --from=report-dependencies /opt/venv /opt/venv
COPY loadtest loadtest
USER 10001:10001
CMD ["python", "-m", "loadtest.ladder.render", "/report"]

# The tools of all checks. The code is not in it: it is mounted, so that a change is tested without a build.
FROM base AS test
# Debian's own versions: they are fixed by the release that the base image is fixed to.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium-headless-shell curl docker-cli docker-compose fonts-noto-cjk git make redis-server strace \
    && rm -rf /var/lib/apt/lists/*
ENV PYTHONDONTWRITEBYTECODE=1
COPY --from=dev-dependencies /opt/venv /opt/venv
CMD ["pytest"]
