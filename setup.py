"""What `pyproject.toml` cannot say: ``configs/`` is at the top level, and inside the package once built."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConfigs(build_py):
    """Copies ``configs/`` into the package; an editable install finds the folder where it is."""

    def run(self) -> None:
        """Build, and copy."""
        super().run()
        if not self.editable_mode:
            shutil.copytree("configs", Path(self.build_lib) / "idn_gym" / "configs", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithConfigs})
