"""Stand-ins that are real where it matters: a byte-exact server, a clock that is turned by hand."""
