"""Maintenance commands of the project; none of them is part of the package."""
