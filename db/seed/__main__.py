"""`python -m db.seed`: load the data if there is none, say in one line what was done, and end.

Exit codes: 0 loaded, or there already; 1 the database cannot be reached or refused; 2 a setting
cannot be used.
"""

import os
import sys
from time import monotonic

import psycopg

from app import logs
from db.seed.load import load
from db.seed.settings import WrongSettingError, read_settings

CONNECT_TIMEOUT_S = 10


def main() -> int:
    """Run the job and return its exit code."""
    logs.start("info", service="seed")
    log = logs.get()
    try:
        settings = read_settings(os.environ)
    except WrongSettingError as error:
        log.error("setting_refused", message=str(error))
        return 2
    asked, began = str(settings.size), monotonic()
    try:
        with psycopg.connect(
            settings.dsn, connect_timeout=CONNECT_TIMEOUT_S, application_name="seed"
        ) as connection:
            found = load(connection, settings.size)
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        log.error("seed_failed", message=f"Nothing was loaded: {reason}")
        return 1
    if found is None:
        log.info("seed_loaded", size=asked, seconds=round(monotonic() - began, 1))
    elif found == asked:
        log.info("seed_found", size=found)
    else:
        log.warning("seed_left_out", asked=asked, found=found, message="The data stays as it is.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
