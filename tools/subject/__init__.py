"""What is studied: a model with a dictionary of directions at a hook point."""

from .opening import open_subject
from .registry import KnownSubject, Stated, known_subjects
from .subject import Subject
from .verify import Verification, verify

__all__ = ["KnownSubject", "Stated", "Subject", "Verification", "known_subjects", "open_subject", "verify"]
