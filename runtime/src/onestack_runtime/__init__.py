"""What OneStack adds inside OpenStack's own Python environment, through upstream's extension points."""

import gc

# Importing OpenStack creates hundreds of thousands of objects that are never freed. With Python's default threshold
# the garbage collector scans them again and again, which takes a tenth of the start-up time. A runner sets another
# threshold once it is up.
gc.set_threshold(100_000, 10, 10)
