"""Black box: nothing here imports the application. It speaks HTTP to the entry, and docker and make to the stack."""
