"""The site's concrete types."""

from .forms import FieldSet, IntakeFormPage
from .look import DepartmentLook
from .media import CustomDocument, CustomImage, CustomRendition
from .orders import QueueOrderPage
from .pages import ArticlePage, HomePage, QueuePage, ServiceIndexPage, ServicePage
from .site import SiteSettings
from .statements import AccessibilityStatementPage, PrivacyPage
from .translations import TranslationCheck
from .users import NameFrom, User

__all__ = [
    "AccessibilityStatementPage",
    "ArticlePage",
    "CustomDocument",
    "CustomImage",
    "CustomRendition",
    "DepartmentLook",
    "FieldSet",
    "HomePage",
    "IntakeFormPage",
    "NameFrom",
    "PrivacyPage",
    "QueueOrderPage",
    "QueuePage",
    "ServiceIndexPage",
    "ServicePage",
    "SiteSettings",
    "TranslationCheck",
    "User",
]
