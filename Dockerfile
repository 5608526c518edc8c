# One image for every role; the command says which. Built in two stages, so pip and its cache stay behind.
ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /opt/tocsin
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
COPY foundation foundation
COPY influxql influxql
COPY store store
COPY collector collector
COPY alerting alerting
COPY console console
COPY grafana grafana
COPY demo demo
COPY tocsin tocsin
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable . \
 && /opt/venv/bin/python -m compileall -q .
# What the packages bring along and no role opens: a quarter of their size.
RUN cd /opt/venv/lib/python3.*/site-packages \
 && rm -r pip pip-* setuptools setuptools-* \
    pyarrow/include pyarrow/tests pyarrow/*flight* pyarrow/*s3* \
    numpy/_core/tests icalendar/tests

FROM python:${PYTHON}
RUN groupadd --system --gid 10001 tocsin \
 && useradd --system --uid 10001 --gid tocsin --home-dir /var/lib/tocsin --no-create-home tocsin \
 && install -d -o tocsin -g tocsin /run/secrets /var/lib/tocsin
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/tocsin /opt/tocsin
COPY rules /opt/tocsin/rules
COPY docker/tocsin.yml docker/notify.yml /etc/tocsin/
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER tocsin
# Where tocsin.yml lies, so that `docker compose exec collector tocsin doctor` needs no --config.
WORKDIR /etc/tocsin
VOLUME /var/lib/tocsin
ENTRYPOINT ["tocsin"]
CMD ["up", "--config", "/etc/tocsin/tocsin.yml"]
