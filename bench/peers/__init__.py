"""What others do, in the least code that does it: the measure that ours is held against."""
