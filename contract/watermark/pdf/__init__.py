"""PDF as a document that carries watermarks.

Read in this order: ``objects``, ``refusals``: what is taken; ``syntax``, ``cmaps``, ``fonts``, ``painter``, ``canvas``,
``interpreter``: what a page shows, in pikepdf's objects but by our own reading, so that each character is known by its
bytes in the file; ``reading``: the text; ``levels``: what each character carries; ``revisions``: what the file had
before; ``marks``, ``writing``: those bytes written anew.
"""
