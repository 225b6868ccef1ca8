# SPDX-License-Identifier: Apache-2.0
"""Reading C++, assembly and linker scripts: what is left of a file without comments and text
literals."""


def strip(text, assembly=False, keep_strings=False):
    """Blanks comments (and the contents of string and character literals); line breaks stay."""
    out, i, length = [], 0, len(text)
    while i < length:
        two = text[i : i + 2]
        char = text[i]
        if two == "//":
            i = _line_end(text, i)
        elif two == "/*":
            end = text.find("*/", i + 2)
            end = length if end < 0 else end + 2
            out.append("\n" * text.count("\n", i, end) or " ")
            i = end
        elif assembly and char == "#" and not _is_directive(text, i):
            i = _line_end(text, i)
        elif char == '"' or (char == "'" and not _is_digit_separator(text, i)):
            end = _literal_end(text, i)
            out.append(text[i:end] if keep_strings else char + char)
            i = end
        else:
            out.append(char)
            i += 1
    return "".join(out)


def code_lines(text, assembly=False):
    """How many lines hold something besides blanks and comments."""
    return sum(1 for line in strip(text, assembly, keep_strings=True).splitlines() if line.strip())


def _line_end(text, i):
    end = text.find("\n", i)
    return len(text) if end < 0 else end


def _is_directive(text, i):
    """In assembly `#` starts a comment, unless it starts a line and a preprocessor directive."""
    before = text[text.rfind("\n", 0, i) + 1 : i]
    words = (
        "include",
        "define",
        "undef",
        "if",
        "ifdef",
        "ifndef",
        "elif",
        "else",
        "endif",
        "error",
    )
    return not before.strip() and text[i + 1 : _line_end(text, i)].strip().split(" ")[0] in words


def _is_digit_separator(text, i):
    return 0 < i < len(text) - 1 and text[i - 1].isalnum() and text[i + 1].isalnum()


def _literal_end(text, i):
    quote = text[i]
    i += 1
    while i < len(text) and text[i] not in (quote, "\n"):
        i += 2 if text[i] == "\\" else 1
    return min(i + 1, len(text))
