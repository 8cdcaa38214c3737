"""Build the site: `python -m twice.book.build`, from the repository's root. A warning is an error."""

import os
import shutil
from pathlib import Path

LAST_LINE = {True: "The site is in _build/html.", False: "The site has errors: each stands above."}


def build(root: Path) -> bool:
    """What `jupyter-book build -n -W --keep-going` does, without its page of advice at the end."""
    from jupyter_book.sphinx import build_sphinx

    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # else every kernel warns about frozen modules
    os.environ["IPYTHONDIR"] = str(kernel_settings(root / "_build" / "ipython"))
    status = build_sphinx(
        root,
        root / "_build" / "html",
        noconfig=True,
        path_config=root / "_config.yml",
        confoverrides={
            "external_toc_path": str(root / "_toc.yml"),
            "latex_individualpages": False,
            "nitpicky": True,
        },
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    return bool(status == 0)


def kernel_settings(folder: Path) -> Path:
    """The pages' kernels are the same everywhere: nobody's own startup files, no warning that they use TCP."""
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text('get_config().IPKernelApp.log_level = "ERROR"\n')
    return folder


def forget_pages(root: Path) -> None:
    """Sphinx keeps the pages that it read, faults and all: a second build would pass them over in silence.

    And the theme copies its logo even when nothing was built: the copy then stands where a folder must be.
    """
    shutil.rmtree(root / "_build" / ".doctrees", ignore_errors=True)
    static = root / "_build" / "html" / "_static"
    if static.is_file():
        static.unlink()


def main(root: Path | None = None) -> int:
    """Exit status of the build; a page that failed is named above the last line, with its cell and the reason."""
    root = (root or Path()).resolve()
    succeeded = build(root)
    if not succeeded:
        forget_pages(root)
    print(LAST_LINE[succeeded], flush=True)
    return 0 if succeeded else 1


if __name__ == "__main__":
    raise SystemExit(main())
