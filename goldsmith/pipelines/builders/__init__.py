"""What a workflow's instance is: a sandbox over a tree, or a machine launched from an AMI."""
