# syntax=docker/dockerfile:1
# One image for all services: web, worker, scheduler, relay and migration differ in their command.

FROM python:3.11-slim AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /venv
WORKDIR /app
COPY requirements.txt constraints.txt ./
RUN /venv/bin/pip install -r requirements.txt -c constraints.txt
COPY . .
# The development settings need no secrets, and collect the same files as those of production.
RUN DJANGO_SETTINGS_MODULE=config.settings.dev COMPRESS_STATIC=true /venv/bin/python manage.py collectstatic --noinput --verbosity 0


# nginx from Debian, because of its module for Brotli files; the configuration is mounted.
FROM debian:bookworm-slim AS front
RUN apt-get update \
    && apt-get install -y --no-install-recommends nginx libnginx-mod-http-brotli-static curl \
    && rm -rf /var/lib/apt/lists/* \
    && install -d /etc/nginx/encodings \
    && echo "brotli_static on;" > /etc/nginx/encodings/brotli.conf
EXPOSE 8080
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off; user www-data;"]


FROM python:3.11-slim AS runtime
LABEL org.opencontainers.image.title="TaskFlow" org.opencontainers.image.licenses="MIT"
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production \
    BIND=0.0.0.0:8000
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /app taskflow \
    && install -d -o taskflow -g taskflow /run/taskflow /srv/static /srv/attachments /srv/event-archive
COPY --from=builder /venv /venv
COPY --from=builder --chown=taskflow:taskflow /app /app
WORKDIR /app
USER taskflow
EXPOSE 8000
STOPSIGNAL SIGTERM
# Liveness only: readiness is checked by the load balancer. The Host header must be one of ALLOWED_HOSTS.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os; from urllib.request import Request, urlopen; name = os.environ['ALLOWED_HOSTS'].split(',')[0].lstrip('.*') or 'localhost'; urlopen(Request('http://127.0.0.1:8000/livez', headers={'Host': name}), timeout=2)"]
CMD ["gunicorn", "-c", "config/gunicorn.py", "config.asgi:application"]
