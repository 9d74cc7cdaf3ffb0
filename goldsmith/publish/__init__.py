"""Images going elsewhere: AWS, a container registry, a bucket; each resumable, each sending no more than it must."""
