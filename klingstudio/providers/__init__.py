"""One file per service. They translate only: no retry, no sleep, no loop, no log. Network goes through `net`."""
