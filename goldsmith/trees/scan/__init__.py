"""An independent look at a cleaned tree, for what is left in it that no image may carry."""
