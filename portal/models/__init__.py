"""The site's concrete types."""

from .media import CustomDocument, CustomImage, CustomRendition
from .users import User

__all__ = ["CustomDocument", "CustomImage", "CustomRendition", "User"]
