"""What the benchmark puts into the tables of a server by itself: much of what nothing but a full server has."""
