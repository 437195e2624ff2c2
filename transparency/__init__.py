"""The transparency log as values and bytes: a Merkle tree, its proofs, signed checkpoints, receipts. No I/O, no clock.

Read in this order: ``hashing``, ``nodes``, ``frontier``: the tree, and how it grows; ``proofs``, ``verification``: what
shows that a leaf is in it, and that it only grew; ``keys``, ``note``, ``checkpoint``, ``receipt``: what is signed and
handed out. docs/formats.md specifies every text byte by byte.

Nothing here holds a tree. Whoever keeps one stores its complete subtrees as nodes (``nodes.NodeId``), written once and
never changed; each function says which nodes it needs, of which there are O(log n), and computes from those alone.
"""
