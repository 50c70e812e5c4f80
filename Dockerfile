# The whole site in one container:  docker build -t compute-site . && docker run --init -p 8774:8774 compute-site
# The users' passwords are shown once in its log, and kept in the volume in clouds.yaml.
FROM python:3.11-slim

RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/compute-site --shell /usr/sbin/nologin compute-site
WORKDIR /opt/compute-site
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY compute_site compute_site
COPY servers servers
COPY flavors flavors
COPY quotas quotas
RUN pip install --no-cache-dir -c constraints.txt . \
    && rm -rf /opt/compute-site/*

USER 10001
WORKDIR /var/lib/compute-site
ENV COMPUTE_SITE_STATE_DIR=/var/lib/compute-site PYTHONUNBUFFERED=1
VOLUME /var/lib/compute-site
EXPOSE 8774
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8774/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["compute-site", "run", "--host", "0.0.0.0"]
