"""The static files of the folder `site/`: named by their content when the image is built
(`python -m app.site SRC DST`, see `naming`), and served from memory (`serving`).

`index.html` and other pages are at `/`; everything else is under `/static/`.
"""
