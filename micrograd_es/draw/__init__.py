"""Pictures as text: returned, never printed."""
