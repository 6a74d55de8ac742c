"""The doctor: from figures of the last minutes to the one resource that holds everybody up."""
