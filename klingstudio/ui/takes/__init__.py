"""Jobs and takes in one list: a job turns into its take in its place."""
