"""What OneStack adds inside OpenStack's own Python environment, through upstream's extension points."""

import gc

# Importing OpenStack makes hundreds of thousands of objects that all stay. Python's own threshold has the garbage
# collector look at them again and again: a tenth of the time of a start. A runner sets another when it is up.
gc.set_threshold(100_000, 10, 10)
