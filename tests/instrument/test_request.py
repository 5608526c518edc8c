import pytest

from tocsin_instrument.request import Request, feature_of, guess_template, method_of, template_from, template_of


@pytest.mark.parametrize(
    ("route", "template"),
    [
        ("/orders/<int:number>", "/orders/{number}"),
        ("/files/<path:name>/raw", "/files/{name}/raw"),
        ("orders/<number>/", "/orders/{number}/"),
        ("", "/"),
        (r"^orders/(?P<number>[0-9]+(?:-[a-z]{2})?)/$", "/orders/{number}/"),
        (r"^old/([^)]+)\.html$", "/old/{value}.html"),
        (r"api/^v1/(?P<a>\d+)/(?P<b>[(]x)", "/api/v1/{a}/{b}"),
    ],
)
def test_routes_of_flask_and_django_become_templates(route: str, template: str) -> None:
    """One form for all frameworks, so that a board shows alike what is alike."""
    assert template_of(route) == template


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/orders/17", "/orders/{id}"),
        ("/u/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "/u/{id}"),
        ("/static/app.js", "/static/app.js"),
        ("/t/" + "x" * 40, "/t/{id}"),
        ("/", "/"),
    ],
)
def test_a_path_of_which_nothing_is_known_loses_its_identifiers(path: str, template: str) -> None:
    """Otherwise each order would be a series."""
    assert guess_template(path) == template


def test_what_the_framework_read_out_of_a_path_is_put_back_as_names() -> None:
    """Starlette leaves the parameters, not the template."""
    assert template_from("/orders/17/lines/2", {"order": 17, "line": "2"}) == "/orders/{order}/lines/{line}"
    assert template_from("/files/a/b.txt", {"rest": "a/b.txt"}) == "/files/{rest}"
    assert template_from("/orders//", {"order": ""}) == "/orders//"


@pytest.mark.parametrize(
    ("endpoint", "feature"),
    [("/checkout/{id}", "checkout"), ("/{id}/orders", "orders"), ("/", "home"), ("other", "other")],
)
def test_a_feature_is_the_first_fixed_part(endpoint: str, feature: str) -> None:
    """Unless the app names it."""
    assert feature_of(endpoint) == feature


def test_the_server_is_to_blame_for_5xx_and_for_what_it_raised() -> None:
    """A visitor's 404 is no error of the app's."""
    assert not Request("GET", "/", 404, 1.0, 0).is_error
    assert Request("GET", "/", 500, 1.0, 0).is_error
    assert Request("GET", "/", 200, 1.0, 0, "OSError").is_error


def test_methods_that_nobody_knows_are_one() -> None:
    """A visitor can send any word as a method."""
    assert [method_of(word) for word in ("get", "PATCH", "BREW")] == ["GET", "PATCH", "other"]
