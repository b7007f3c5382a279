"""Several hosts on one machine: pretended hosts, and the tests of a cloud on them."""
