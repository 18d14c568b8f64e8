# One image for every service of docker-compose.yml: web, workers, Chroma and the one-shot `prepare`.
FROM python:3.11-slim

# PyTorch is only used for the embedder's export and for other embedding models. For an image without
# its GPU packages (several GB smaller) build with
#   --build-arg PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    EMBEDDER_DIR=/app/build/embedders

# Text recognition of scanned pages, for the languages of the site.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tesseract-ocr tesseract-ocr-heb tesseract-ocr-ara \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 10001 chat && mkdir -p /app /data /vectors && chown chat:chat /app /data /vectors
WORKDIR /app

COPY requirements.txt ./
RUN PIP_EXTRA_INDEX_URL="$PIP_EXTRA_INDEX_URL" pip install -r requirements.txt

USER chat
COPY --chown=chat:chat inference/ inference/
RUN python -m inference.export.minilm
COPY --chown=chat:chat . .
RUN DATA_DIR=/tmp/build python manage.py prepare --static-only && rm -rf /tmp/build

ENV DATA_DIR=/data HOST=0.0.0.0 PORT=8000
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "scripts/probe.py"]
# without variables the image is the whole site in one process
CMD ["python", "manage.py", "prepare", "--serve"]
