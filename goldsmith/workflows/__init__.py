"""The managed workflows: Image Builder's own, written as documents."""
