"""The baseline made as cheap as its own ways allow: one engine for all, no session, no dependency.

Told beside `seed.py`, so that nobody need wonder what the session for each request costs there.

`cache.get`, `json.loads`, `db.query`, `cache.setex`, and FastAPI makes JSON of what is returned.
Two things are other than in the seed, and neither makes it slower: values reach SQL as parameters,
and the columns are named, because `SELECT *` would publish password hashes. `response_model=None`
is what a function without annotations has; with pydantic models for its answers it is slower.

    export CACHE_URL=redis://localhost PRIMARY_DSN=postgresql+psycopg://sluice@localhost/sluice
    uvicorn loadtest.baseline.lean:app
"""

import json
import os
from typing import Any

import redis
from fastapi import FastAPI, HTTPException
from sqlalchemy import create_engine, text

cache = redis.Redis.from_url(os.environ["CACHE_URL"])
engine = create_engine(os.environ["PRIMARY_DSN"])
app = FastAPI()


def query(sql: str, **values: Any) -> list[dict[str, Any]]:
    """The rows, as dictionaries."""
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(sql), values).mappings()]


@app.get("/api/users/{user_id}", response_model=None)
def get_user_profile(user_id: int) -> Any:
    """A member's profile."""
    # 1. the cache
    cache_key = f"user:{user_id}"
    cached = cache.get(cache_key)
    if cached:
        return json.loads(cached)

    # 2. the database
    rows = query(
        "SELECT id, name, created_at,"
        " (SELECT count(*) FROM posts WHERE author_id = users.id) AS post_count, avatar"
        " FROM users WHERE id = :id",
        id=user_id,
    )
    if not rows:
        raise HTTPException(404)

    if picture := rows[0]["avatar"]:
        rows[0]["avatar"] = {
            size: f"/media/avatars/{picture}-{size}.webp" for size in ("64", "128", "512")
        }

    # 3. into the cache, for an hour
    cache.setex(cache_key, 3600, json.dumps(rows[0], default=str))
    return rows[0]


@app.get("/api/posts/popular", response_model=None)
def get_popular_posts() -> Any:
    """The ten most viewed posts."""
    cached = cache.get("posts:popular")
    if cached:
        return json.loads(cached)

    posts = query(
        "SELECT posts.id, title, views, posts.created_at,"
        " json_build_object('id', users.id, 'name', users.name) AS author"
        " FROM posts JOIN users ON users.id = posts.author_id ORDER BY views DESC LIMIT 10"
    )
    cache.setex("posts:popular", 300, json.dumps({"items": posts}, default=str))
    return {"items": posts}
