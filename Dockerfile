# GTT in a container, as an ordinary user, with its runs on a volume. docs/deploy.md says how to start it.
ARG BASE=python:3.11-slim
FROM ${BASE}

# Which build of PyTorch: the one for CPUs, unless a build for NVIDIA GPUs says cu130 or the like
# (--build-arg TORCH_BACKEND=cu130). Empty, it is what pip's own configuration gives.
ARG TORCH_BACKEND=cpu

RUN useradd --create-home --uid 1000 gtt && mkdir /data && chown gtt:gtt /data

# What changes seldom comes first: a change of the code installs nothing anew.
COPY requirements.txt /tmp/requirements.txt
# uv knows where PyTorch keeps each build.
RUN python3 -m venv /opt/gtt \
    && if [ -z "${TORCH_BACKEND}" ]; then \
         /opt/gtt/bin/pip install --no-cache-dir -r /tmp/requirements.txt; \
       else \
         python3 -m venv /tmp/uv && /tmp/uv/bin/pip install --no-cache-dir uv==0.13.9 \
         && /tmp/uv/bin/uv pip install --no-cache --python /opt/gtt/bin/python \
            --torch-backend "${TORCH_BACKEND}" -r /tmp/requirements.txt; \
       fi \
    && rm -rf /tmp/uv /tmp/requirements.txt

WORKDIR /app
COPY app.py LICENSE ./
COPY recipes recipes
COPY gtt gtt
RUN /opt/gtt/bin/python -m compileall -q gtt app.py

USER gtt
ENV PATH=/opt/gtt/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GTT_HOME=/data \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py"]
