from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any, get_type_hints

import pytest

from scanner.settings import ALL, AUDIT, PROBE, SWEEP, Settings, option_name, option_of, settings_of

SETTINGS = fields(Settings)
PUBLISHED: dict[str, Any] = {
    "input": "-",
    "output": "-",
    "force": False,
    "strict": False,
    "via": (),
    "helo": None,
    "sender": None,
    "recipient": None,
    "port": 25,
    "resolver": (),
    "source": None,
    "concurrency": 500,
    "per-target": 2,
    "rate": 50.0,
    "target-rate": 1.0,
    "connect-timeout": 10.0,
    "reply-timeout": 30.0,
    "probe-timeout": 180.0,
    "transactions-per-session": 10,
    "errors-per-session": 8,
    "target-memory": 300.0,
    "backoff": 60.0,
    "retry-transient": None,
    "window": 20_000,
    "starttls": "when-required",
    "allow-net": (),
    "exclude": (),
    "exclude-domain": (),
    "no-port-check": False,
    "dry-run": False,
    "fail-on": None,
    "quiet": False,
    "progress": "auto",
    "color": "auto",
}
"""What operators script against; adding to it is news, changing it breaks them."""


@pytest.mark.parametrize(("name", "default"), PUBLISHED.items(), ids=PUBLISHED)
def test_the_audit_s_published_options_keep_their_names_and_defaults(name: str, default: Any) -> None:
    [setting] = [each for each in settings_of(AUDIT) if option_name(each) == name]
    assert setting.default == default


def test_the_families_are_asked_for_by_dash_four_and_dash_six() -> None:
    shorts = {option_of(setting).short: setting.name for setting in SETTINGS if option_of(setting).flag_only_short}
    assert shorts == {"-4": "ipv4", "-6": "ipv6"}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_setting_says_what_it_does_and_where_its_default_comes_from(setting: Any) -> None:
    option = option_of(setting)
    assert option.help.endswith((".", "]"))
    assert option.source
    assert option.commands
    assert set(option.commands) <= set(ALL)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_default_is_one_that_an_operator_could_have_given(setting: Any) -> None:
    option, kind = option_of(setting), get_type_hints(Settings)[setting.name]
    if option.choices:
        assert setting.default in option.choices
    if option.least is not None:
        assert kind in (int, float, float | None)
        assert setting.default is None or setting.default >= option.least
    if kind in (bool, int, float):
        assert type(setting.default) is kind
    if kind is bool:
        assert setting.default is False


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_number_that_is_a_time_says_its_unit(setting: Any) -> None:
    times = {"target_memory", "backoff", "retry_transient", "sync_every", "max_time"}
    assert (option_of(setting).unit == "s") is (setting.name.endswith("timeout") or setting.name in times)


@pytest.mark.parametrize("command", ALL)
def test_no_two_options_of_a_command_share_a_name(command: str) -> None:
    names = [option_name(setting) for setting in settings_of(command)]
    shorts = [option_of(setting).short for setting in settings_of(command) if option_of(setting).short]
    assert len(set(names)) == len(names)
    assert len(set(shorts)) == len(shorts)


def test_a_setting_belongs_to_the_commands_that_it_names() -> None:
    audit, probe, sweep = ({setting.name for setting in settings_of(command)} for command in (AUDIT, PROBE, SWEEP))
    assert audit | probe | sweep == {setting.name for setting in SETTINGS}
    assert {"input", "output", "fail_on", "dry_run"} <= (audit & sweep) - probe
    assert {"helo", "sender", "exclude"} <= audit & probe & sweep
    assert {"canary", "tests", "shuffle", "shard", "ports"} <= sweep - audit - probe
    assert "via" in audit - sweep


def test_the_settings_of_a_run_do_not_change_under_it() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 26  # type: ignore[misc]
