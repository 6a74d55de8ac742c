"""What the app is measured against: the least that uvicorn can do, and a tutorial's way."""
