import pytest


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no mirror from the environment."""
    monkeypatch.setenv("DIPTYCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DIPTYCH_MIRROR", raising=False)
    return tmp_path / "cache"
