from webvdi.base.news import is_news


def test_only_what_differs_from_what_was_heard_last_is_news() -> None:
    known: dict[str, int] = {}
    assert not is_news(known, "a", None)
    assert is_news(known, "a", 1)
    assert not is_news(known, "a", 1)
    assert is_news(known, "a", 2)
    assert known == {"a": 2}
    assert is_news(known, "a", None)
    assert known == {}
