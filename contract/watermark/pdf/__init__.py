"""PDF as a document that carries watermarks.

Read in this order: ``file``, ``refusals``: what is taken; ``syntax``, ``cmaps``, ``fonts``, ``graphics``,
``interpreter``: what a page shows, in pikepdf's objects but by our own reading, so that each character is known by its
bytes in the file; ``reading``: the text, and what each character carries; ``marks``: those bytes written anew.
"""
