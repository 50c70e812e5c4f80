"""Every URL of the API of hosts, below ``/host/v1``."""

from __future__ import annotations

from django.urls import path, re_path

from servers.views.host_api import agent, image, install, network, order, transfer, view, volume

urlpatterns = [
    path("install.sh", install.Script.as_view()),
    path("agent.tar.gz", install.Archive.as_view()),
    path("join", agent.Join.as_view()),
    path("certificate", agent.Certificate.as_view()),
    path("heartbeat", agent.Heartbeat.as_view()),
    path("return", agent.Return.as_view()),
    path("guests", agent.Guests.as_view()),
    path("orders", order.Orders.as_view()),
    path("orders/<str:order_id>/done", order.Done.as_view()),
    path("orders/<str:order_id>/progress", order.Progress.as_view()),
    path("images/<str:image_id>", image.Image.as_view()),
    path("snapshots/<str:order_id>", transfer.Snapshot.as_view()),
    path("moves/<str:order_id>/<str:name>", transfer.Move.as_view()),
    path("volumes/<str:order_id>/grown", volume.Grown.as_view()),
    path("networks/<str:network_id>", network.Network.as_view()),
    path("metadata/<str:server_id>", network.Metadata.as_view()),
    path("metadata/<str:server_id>/password", network.Password.as_view()),
    re_path("", view.UnknownHostUrl.as_view()),
]
