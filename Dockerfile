# One image for web and background work; the same command as on a machine: jiehua serve.
FROM python:3.12-slim AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 jiehua && mkdir /data && chown jiehua /data
COPY --from=build /opt/venv /opt/venv
COPY bot /app/bot
COPY handlers /app/handlers
COPY lessons /app/lessons
COPY storage /app/storage
RUN printf '#!/bin/sh\nexec python -m bot.cli "$@"\n' >/usr/local/bin/jiehua && chmod +x /usr/local/bin/jiehua
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 JIEHUA_HOST=0.0.0.0 JIEHUA_DATABASE_URL=sqlite:////data/jiehua.db
USER jiehua
WORKDIR /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=40s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
CMD ["jiehua", "serve"]
