"""Work that left the request: `relay` (outbox → broker), `main` (broker → `handlers`)."""
