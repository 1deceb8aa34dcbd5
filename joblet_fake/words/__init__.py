"""What is said to whoever writes something wrongly: what would be right."""

from joblet_fake.words.named import Named, names_near
from joblet_fake.words.near import near

__all__ = ["Named", "names_near", "near"]
