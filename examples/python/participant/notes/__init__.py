"""Notes: a service that is no part of Roster and takes part in its cascade."""

NAME = "notes"
"""What it is called: in its certificate, on the broker, and in receipts."""
