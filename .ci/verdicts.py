"""The domain verdicts of a file of records, a line each: what `jq` would print where there is one."""

import json
import sys
from pathlib import Path

for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
    record = json.loads(line)
    if record["kind"] == "domain":
        print(f"  {record['domain']:<34}{record['verdict']}")
