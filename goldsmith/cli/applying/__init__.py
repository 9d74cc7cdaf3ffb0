"""`goldsmith apply`: what files want, what is there, and what makes the one of the other."""
