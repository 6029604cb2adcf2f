# Serves a model that is mounted at /model: docs/how-to/containers.md. There is neither TensorFlow nor Keras in it.
FROM python:3.12-slim AS built
WORKDIR /build
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY src src
# The versions of the lock file. Its hashes are left out, as pip would want one of Tenor's own folder, too.
RUN sed -n 's/ *\\$//; /^[a-z0-9][^ ]*==/p' requirements.lock > versions.txt
RUN python -m venv --without-pip /opt/tenor
RUN pip --python /opt/tenor/bin/python install --no-cache-dir --constraint versions.txt '.[serve]'

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home tenor
COPY --from=built /opt/tenor /opt/tenor
ENV PATH=/opt/tenor/bin:$PATH
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
ENTRYPOINT ["tenor", "serve", "--host", "0.0.0.0"]
CMD ["/model"]
