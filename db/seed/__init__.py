"""Data to work on: members and posts as a real community has them, the same on every machine.

`python -m db.seed` in the order of the data:

1. `settings.py`  how many, from the environment
2. `zipf.py`      chance that can be repeated, and the law that a few get most of it
3. `rhythm.py`    when things happen: by day, by night, at weekends
4. `language.py`  names, titles and texts in Korean and English, from `words/*.toml`
5. `members.py`, `posts.py`, `follows.py`  the rows
6. `load.py`      all of it into the primary, in one transaction or not at all
"""
