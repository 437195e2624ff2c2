"""What contracts' watermarks survive, and what they cost: ``python -m bench --watermark`` (``make bench-watermark``).

``specimens``, ``marking``: contracts with a mark; ``workshop``: programs from outside; ``editing``, ``attacks``: what
is done to the files; ``trials``, ``survey``: what is left afterwards. ``invisibility``: how it looks; ``acceptance``,
``changes``: what is taken for a watermark, or for the text, that is none; ``extent``: how long a long contract takes.
``page``, ``plot``: tables and picture for docs/watermark.md. All that is drawn by chance has a seed: a run repeats the
last one, but for times.
"""
