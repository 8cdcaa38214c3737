"""Grading: submissions in, gradebook and feedback out. What a student wrote runs in a sandbox and is never believed."""
