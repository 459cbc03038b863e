"""YAML and JSON from strangers: what is read, what is refused, and that no message runs over."""

import pytest

from idn_gym.commands.grammar import assignments
from idn_gym.config_reader import ConfigError, closest, read_word, read_yaml, show
from idn_gym.messages import LONGEST_MESSAGE
from idn_gym.scenarios.presets import load_scenario

BILLION = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)
MERGED = "a0: &a0 {k: v}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}], k{i}: v}}\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("2024-13-45", "2024-13-45"),
        ("2024-01-02", "2024-01-02"),
        ("[1, .inf, null, true, a]", [1, float("inf"), None, True, "a"]),
        ("{a: &x {b: 1, c: 2}, d: {<<: *x, b: 3}}", {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}),
        ("[&x [1], *x, *x]", [[1], [1], [1]]),
        ("", None),
        ("[" * 90 + "]" * 90, None),
    ],
)
def test_plain_values_are_read_alike_from_files_and_words(tmp_path, text, value):
    path = tmp_path / "plain.yaml"
    path.write_text(text)
    assert read_yaml(path) == read_word("key", text) == assignments([f"key={text}"])["key"]
    if value is not None:
        assert read_yaml(path) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!int z", "'z' is not of type int .*line 1"),
        ("!!bool maybe", "'maybe' is not of type bool"),
        ("9" * 5000, "is not of type int"),
        ("[1", "while parsing a flow sequence"),
        ("a: 1\nb: 2\na: 3", "key 'a' is given twice .*line 3"),
        ("? [1, 2]\n: 3", "unhashable key"),
        ("a: &x [*x]", "an alias inside what it stands for"),
        ("a: &x {<<: *x}", "an alias inside what it stands for"),
        (BILLION, "aliases stand for more than 100,000 values .*line 5"),
        (MERGED, "aliases stand for more than 100,000 values .*line 6"),
        ("[" * 1000, "more than 100 levels"),
        ("[" * 150 + "]" * 150, "more than 100 levels"),
        ("a: \0", "unacceptable character"),
        ("!!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("!!binary x", "could not determine a constructor"),
        ("*" + "a" * 10**5, "undefined alias"),
        ("a: 1\n---\nb: 2", "expected a single document"),
    ],
)
def test_bad_yaml_is_one_sentence_in_files_and_words(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    for read in (lambda: read_yaml(path), lambda: assignments([f"key={text}"])):
        with pytest.raises(ConfigError, match=f"is not valid YAML .*{message}") as caught:
            read()
        assert len(str(caught.value)) < 2 * LONGEST_MESSAGE and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b'{"a": 1, "a": 2}', "is not valid JSON .key 'a' is given twice"),
        ("a.json", b"[" * 150 + b"]" * 150, "more than 100 levels"),
        ("a.json", b"[" * 10**6, "more than 100 levels"),
        ("a.json", b"9" * 5000, "is not valid JSON"),
        ("a.json", b"\xff\xfe", "is not valid JSON .'utf-8' codec"),
        ("a.yaml", b"\xff\xfe", "is not valid YAML .'utf-8' codec"),
        ("a.yaml", b"# " + b"x" * 4_000_000, "larger than the 4 MB"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_yaml(path)


def test_what_is_no_file_is_said(tmp_path):
    for path in (tmp_path, tmp_path / "none.yaml", tmp_path / f"{'x' * 300}.yaml"):
        with pytest.raises(ConfigError, match=r"cannot be read \("):
            read_yaml(path)
    with pytest.raises(ConfigError, match="larger than"):
        read_yaml("/dev/zero")


def test_a_mark_of_byte_order_is_no_fault(tmp_path):
    for name, content in (("a.yaml", "a: 1"), ("a.json", '{"a": 1}')):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + content.encode())
        assert read_yaml(tmp_path / name) == {"a": 1}


@pytest.mark.parametrize("word", ["x" * 10**6, f"{'x' * 10**6}=[1", "[=" + "]" * 10**6])
def test_messages_are_bounded_whatever_the_words(word):
    with pytest.raises(ConfigError) as caught:
        load_scenario("tiny", assignments([word]))
    assert len(str(caught.value)) < 2 * LONGEST_MESSAGE


def test_values_from_python_are_shown_within_bounds():
    deep = []
    for _ in range(10**5):
        deep = [deep]
    for value in (deep, "x" * 10**6, 10**5000, [10**5000], ["x"] * 1000):
        assert len(show(value)) <= 80
    with pytest.raises(ConfigError, match="did you mean 'tiny'") as caught:
        raise ConfigError("key", closest("tinny", [*("x" * 200 for _ in range(500)), "tiny"]))
    assert len(str(caught.value)) < 2 * LONGEST_MESSAGE


@pytest.mark.parametrize("text", ["half a pair \ud800", "a\0b"])
def test_text_that_cannot_be_printed_is_refused(text):
    with pytest.raises(ConfigError, match=r"name: .* must be text that can be printed"):
        load_scenario("tiny", {"name": text})
