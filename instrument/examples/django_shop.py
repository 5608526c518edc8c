"""A Django shop that tells Tocsin of its requests. Run `TOCSIN_SERVICE=django-shop python django_shop.py`."""

import os
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

MIDDLEWARE = ["tocsin_instrument.django.tocsin_middleware"]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["localhost", "127.0.0.1"], MIDDLEWARE=MIDDLEWARE)
django.setup()


def order(request: HttpRequest, number: int) -> HttpResponse:
    """One order; there are nine."""
    if number > 9:
        raise Http404
    return HttpResponse(f"order {number}\n")


def checkout(request: HttpRequest) -> HttpResponse:
    """Fails, so that there is something to see."""
    raise RuntimeError("the bank does not answer")


urlpatterns = [path("orders/<int:number>", order), path("checkout", checkout)]

if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), get_wsgi_application()).serve_forever()
