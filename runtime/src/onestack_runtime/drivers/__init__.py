"""What OneStack adds through extension points of upstream's own: message bus, volumes, load balancing, fake hosts."""
