"""Web caches beside mobility anchors: transparent, for the prefixes that the anchor anchors."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import Any

from emu.measure.run import Run
from emu.requirements import NGINX
from emu.scenario.services import CACHE_PORT, Cache, Origin
from emu.services import requests
from emu.services.kind import Kind, Metric, Place
from emu.services.nginx import KEPT_FOR
from emu.services.origin import OriginKind
from emu.traffic.plan import Job

_HTTP = """
    proxy_cache_path {folder}/cache keys_zone=video:1m max_size={size} inactive=24h
        use_temp_path=off;
    proxy_cache video;
    proxy_cache_key $uri;
    proxy_cache_lock on;
    proxy_cache_revalidate on;
    proxy_cache_use_stale error timeout http_502 http_503 http_504;
    proxy_cache_convert_head on;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_connect_timeout 5s;
    proxy_read_timeout 30s;
    server {{
        listen [::]:{port} ipv6only=on;
        keepalive_timeout {keep_alive};
        location / {{
            proxy_bind $remote_addr transparent;
            proxy_pass http://[{origin}];
        }}
    }}
    server {{
        listen unix:{folder}/fill;
        access_log off;
        location / {{ proxy_pass http://unix:{folder}/content:; }}
    }}
    server {{
        listen unix:{folder}/content;
        access_log off;
        root {content};
        add_header Cache-Control "public, max-age={max_age}";
    }}
"""


class CacheKind(Kind[Cache]):
    """nginx beside each anchor; the anchor's agent brings it connections."""

    programs = (NGINX,)

    def servers(self, place: Place) -> Iterator[Job]:
        """A cache for each place."""
        origin = place.scenario.services[self.service.origin]
        assert isinstance(origin, Origin)
        content = OriginKind(self.service.origin, origin).content
        for node in self.service.at:
            folder = place.scratch / f"{self.name}-{node}"
            configuration = _HTTP.format(
                folder=folder,
                size=self.service.size,
                port=CACHE_PORT,
                origin=IPv6Address(place.address(origin.node)),
                content=content.folder,
                max_age=origin.max_age // 1_000_000_000,
                keep_alive=KEPT_FOR if self.service.keep_alive else 0,
            )
            yield place.job(
                self.name,
                node,
                "emu.services.nginx",
                configuration=configuration,
                folder=str(folder),
                transparent=CACHE_PORT,
                disk=self.service.disk,
                fill=content.files() if self.service.filled else [],
            )

    def result(self, run: Run) -> dict[str, Any]:
        """What each of them served, and how much of it of its own."""
        return {"caches": [self._cache(run, node) for node in self.service.at]}

    def _cache(self, run: Run, node: str) -> dict[str, Any]:
        answers = requests.of_service(run, self.name, node)
        hits = [answer for answer in answers if answer["cache"] in requests.HITS]
        return {
            "node": node,
            **requests.served(run, self.name, node),
            "hits": len(hits),
            "hit_bytes": sum(answer["bytes"] for answer in hits),
        }

    @staticmethod
    def metrics(result: dict[str, Any]) -> Iterator[Metric]:
        """Over all of them, the share of the bytes that they had themselves."""
        total = sum(cache["bytes"] for cache in result["caches"])
        hits = sum(cache["hit_bytes"] for cache in result["caches"])
        yield "cache.hit_share", hits / total if total else None
