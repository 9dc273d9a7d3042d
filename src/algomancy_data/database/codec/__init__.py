"""What the codecs of several databases have in common."""
