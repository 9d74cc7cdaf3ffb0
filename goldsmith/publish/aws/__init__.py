"""Images go to AWS itself: blocks through the EBS direct APIs, then an AMI. Nothing is launched there."""
