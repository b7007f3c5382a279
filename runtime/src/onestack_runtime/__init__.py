"""What OneStack adds inside OpenStack's own Python environment, through upstream's extension points."""
