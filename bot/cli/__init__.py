"""`jiehua`: the command line. One file a subject; every command says plainly what is wrong and exits non-zero."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from bot.cli import appeals, bench, campaigns, content, database, deliveries, ledger, people, running, scoring, wecom
from bot.core.errors import ContentError, JiehuaError, SettingError

_SUBJECTS = (running, content, scoring, campaigns, appeals, people, deliveries, database, ledger, wecom, bench)


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    top = argparse.ArgumentParser(prog="jiehua", description="接话教练：面向银行与券商一线的接话练习机器人")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for subject in _SUBJECTS:
        subject.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 when all went well, 1 for faults found, 2 for a wrong call or setting."""
    options = parser().parse_args(arguments)
    try:
        result = options.run(options)
        return int(asyncio.run(result) if asyncio.iscoroutine(result) else result)
    except ContentError as error:
        print(error, file=sys.stderr)
        return 1
    except SettingError as error:
        print(f"设置有误：\n{error}", file=sys.stderr)
        return 2
    except JiehuaError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
