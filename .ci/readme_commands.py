"""Print the N-th command of the README: the N-th ```sh block, without its prompt."""

import re
import sys
from pathlib import Path

blocks = re.findall(r"```sh\n(.*?)```", Path("README.md").read_text(), re.DOTALL)
print(blocks[int(sys.argv[1]) - 1].strip())
