"""What is said to whoever writes something wrongly: what would be right."""

from joblet_fake.words.named import Named, names_near
from joblet_fake.words.near import near
from joblet_fake.words.values import check_number, check_text, check_texts, check_whole

__all__ = [
    "Named",
    "check_number",
    "check_text",
    "check_texts",
    "check_whole",
    "names_near",
    "near",
]
