"""The site's concrete types."""

from .forms import FieldSet, IntakeFormPage
from .look import DepartmentLook
from .media import CustomDocument, CustomImage, CustomRendition
from .pages import ArticlePage, HomePage, QueuePage, ServiceIndexPage, ServicePage
from .site import SiteSettings
from .users import NameFrom, User

__all__ = [
    "ArticlePage",
    "CustomDocument",
    "CustomImage",
    "CustomRendition",
    "DepartmentLook",
    "FieldSet",
    "HomePage",
    "IntakeFormPage",
    "NameFrom",
    "QueuePage",
    "ServiceIndexPage",
    "ServicePage",
    "SiteSettings",
    "User",
]
