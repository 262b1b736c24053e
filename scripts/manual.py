#!/usr/bin/env python3
"""Makes a manual page of what `PROGRAM --experimental-dump-help` prints.

    moiety --experimental-dump-help | scripts/manual.py moiety.1

Subcommands become sections of the page. Python's own library is enough.
"""

import json
import sys


def escaped(text):
    """Text as roff takes it: backslashes and dashes, and no line that looks like a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def paragraphs(text):
    """Paragraphs; those that are indented stay as they are."""
    for block in (text or "").split("\n\n"):
        if not block.strip():
            continue
        if all(line.startswith("  ") for line in block.split("\n")):
            yield ".PP\n.nf\n.RS\n" + escaped(block) + "\n.RE\n.fi"
        else:
            yield ".PP\n" + escaped(block)


def spelled(argument):
    """All names of an option, and what its value is called."""
    names = [("-" if n["kind"] == "short" else "--") + n["name"] for n in argument.get("names", [])]
    value = "" if argument["kind"] == "flag" else " \\fI" + escaped(argument["valueName"]) + "\\fR"
    if argument["kind"] == "positional":
        return "\\fI" + escaped(argument["valueName"]) + "\\fR"
    return ", ".join("\\fB" + escaped(name) + "\\fR" for name in names) + value


def options(command):
    shown = [a for a in command.get("arguments", []) if a.get("shouldDisplay", True)]
    for argument in shown:
        names = [name["name"] for name in argument.get("names", [])]
        if "help" in names or "version" in names:
            continue
        text = argument.get("abstract", "")
        if argument.get("discussion"):
            text += "\n" + argument["discussion"]
        if argument.get("defaultValue"):
            text += f"\nDefault: {argument['defaultValue']}."
        yield ".TP\n" + spelled(argument) + "\n" + escaped(text)


def subcommands(command):
    return [c for c in command.get("subcommands", []) if c["commandName"] != "help"]


def leaves(command, path):
    """Each command that does something, with its whole name."""
    if not subcommands(command):
        yield path, command
    for child in subcommands(command):
        yield from leaves(child, path + [child["commandName"]])


def page(name, section, command):
    lines = [
        f".TH {name.upper()} {section}",
        ".SH NAME", f'{escaped(name)} \\- {escaped(command["abstract"].rstrip("."))}',
        ".SH SYNOPSIS", f".B {escaped(name)}",
        "\\fIsubcommand\\fR" if subcommands(command) else "[\\fIoptions\\fR]",
    ]
    if command.get("discussion"):
        lines += [".SH DESCRIPTION", *paragraphs(command["discussion"])]
    if not subcommands(command):
        lines += [".SH OPTIONS", *options(command)]
    else:
        lines.append(".SH COMMANDS")
        for path, leaf in leaves(command, [name]):
            lines += [f'.SS "{escaped(" ".join(path))}"', escaped(leaf.get("abstract", ""))]
            lines += [*paragraphs(leaf.get("discussion")), *options(leaf)]
    lines += [".SH SEE ALSO", "/usr/share/doc/moiety"]
    return "\n".join(lines) + "\n"


def main():
    name, section = sys.argv[1].rsplit(".", 1)
    sys.stdout.write(page(name, section, json.load(sys.stdin)["command"]))


if __name__ == "__main__":
    main()
