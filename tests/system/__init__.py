"""Black box: nothing here imports the application; it speaks HTTP, docker and make."""
