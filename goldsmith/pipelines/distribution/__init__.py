"""An image goes where it is wanted: to regions, accounts, launch templates, parameters and buckets."""
