"""Stand-ins for the public images, where no registry answers: a folder each."""
