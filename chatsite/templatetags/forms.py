"""Form fields in the design."""

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, Select
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def control(field: BoundField, classes: str = "") -> SafeString:
    """Draw a field's control; Django says aria-invalid and aria-describedby itself."""
    kind = "check" if isinstance(field.field.widget, CheckboxInput | CheckboxSelectMultiple) else "input"
    return field.as_widget(attrs={"class": f"{kind} {classes}".strip()})


@register.filter
def is_choice(field: BoundField) -> bool:
    """Say whether the control is a drop-down list, which gets an arrow."""
    return isinstance(field.field.widget, Select)
