"""Grading runs strangers' code in a sandbox of Linux; where a system lacks even POSIX's calls, none of it is tested."""

import os

collect_ignore_glob = [] if os.name == "posix" else ["test_*.py"]
