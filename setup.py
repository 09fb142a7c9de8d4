"""The wheel: what pyproject.toml says, and the recipes, which lie outside the package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["gtt", "gtt.*"]), "gtt.recipe_files"],
    package_dir={"gtt.recipe_files": "recipes"},
)
