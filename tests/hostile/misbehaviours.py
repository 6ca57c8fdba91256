"""All that servers do wrong here, one table."""

from __future__ import annotations

from tests.hostile import at_any_stage, in_the_replies, in_tls, out_of_step

MISBEHAVIOURS = (*at_any_stage.TABLE, *in_the_replies.TABLE, *out_of_step.TABLE, *in_tls.TABLE)
BY_NAME = {each.name: each for each in MISBEHAVIOURS}
FLOODS = tuple(each for each in MISBEHAVIOURS if "without end" in each.name or "gigabyte" in each.name)
"""Those that say as much as they may."""
