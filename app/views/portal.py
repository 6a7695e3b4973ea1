"""The recipients' portal: of every view only the doors a recipient may open are registered, so that there is no other to guard."""

from typing import Any

from app.roles import GRANTS, Role
from app.views.language import Builder


class PortalBuilder(Builder):
    """Whatever is added passes here, FAB's own views too; what nothing is left of is not added, nor its place in the menu."""

    def add_view(self, baseview: Any, name: str, **options: Any) -> Any:
        part = recipients_part(baseview)
        return part and super().add_view(part, name, **options)

    def add_view_no_menu(self, baseview: Any, *options: Any, **more: Any) -> Any:
        part = recipients_part(baseview)
        return part and super().add_view_no_menu(part, *options, **more)


def recipients_part(view: Any) -> Any:
    """The view with the doors that a recipient's grants name and those that ask for none, such as the login; None where it has neither."""
    kind = view if isinstance(view, type) else type(view)
    name = view.class_permission_name or kind.__name__
    granted = {permission.removeprefix("can_") for permission, of in GRANTS[Role.RECIPIENT] if of == name}
    doors = {door for door in dir(view) if hasattr(getattr(view, door), "_urls")} - view.exclude_route_methods
    if view.include_route_methods is not None:
        doors &= view.include_route_methods
    open_doors = {door for door in doors if getattr(getattr(view, door), "_permission_name", None) in {None, *granted}}
    if not open_doors:
        return None
    if kind is not view:  # made already; its doors are registered later
        view.include_route_methods = open_doors
        return view
    # Under the same name, by which FAB knows endpoints and permissions.
    return type(kind.__name__, (kind,), {"include_route_methods": open_doors, "__module__": kind.__module__, "__doc__": kind.__doc__})
