"""What MLflow's Python client, and plain HTTP, reach against a server that is running: one `name: value` per line.

usage: py_tracking.py URI BATCHES

`raw` is http.client on one connection that is kept alive: what the server itself can do when a client costs nothing.
"""
import http.client
import json
import os
import sys
import tempfile
import time
from urllib.parse import urlparse

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
import mlflow  # noqa: E402
from mlflow.entities import Metric  # noqa: E402

uri, batches = sys.argv[1], int(sys.argv[2])
mlflow.set_tracking_uri(uri)
mlflow.set_experiment(f"peer-{os.getpid()}")
run = mlflow.start_run(run_name="peer")
run_id = run.info.run_id
client = mlflow.MlflowClient()


def now():
    return int(time.time() * 1000)


def put(name, value):
    print(f"{name}: {value}", flush=True)


def rate(count, work):
    begun = time.perf_counter()
    work()
    return count / (time.perf_counter() - begun)


def singly():
    for i in range(100):
        mlflow.log_metric("single", i * 0.5, step=i)


put("python log_metric, calls/s", rate(100, singly))


def in_batches():
    for i in range(batches):
        client.log_batch(run_id, metrics=[Metric("batch", float(j), now(), i * 1000 + j) for j in range(1000)])


put("python log_batch, metrics/s", rate(batches * 1000, in_batches))

address = urlparse(uri)
connection = http.client.HTTPConnection(address.hostname, address.port)
# The server drops connections that idle for five seconds; http.client reconnects by itself after close().
connection.close()


def raw_batches():
    for i in range(batches):
        metrics = [
            {"key": "raw", "value": float(j), "timestamp": now(), "step": i * 1000 + j} for j in range(1000)
        ]
        body = json.dumps({"run_id": run_id, "metrics": metrics})
        connection.request("POST", "/api/2.0/mlflow/runs/log-batch", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        text = reply.read()
        assert reply.status == 200, text


put("raw log-batch, metrics/s", rate(batches * 1000, raw_batches))

with tempfile.TemporaryDirectory() as folder:
    for i in range(200):
        with open(os.path.join(folder, f"f{i:03d}.bin"), "wb") as file:
            file.write(os.urandom(10_000))
    put("python log_artifacts, files/s", rate(200, lambda: mlflow.log_artifacts(folder, "small")))

data = os.urandom(10_000)
base = run.info.artifact_uri.split("mlflow-artifacts:", 1)[-1]
connection.close()


def raw_files():
    for i in range(200):
        path = f"/api/2.0/mlflow-artifacts/artifacts{base}/raw/{i}.bin"
        connection.request("PUT", path, data, {"Content-Type": "application/octet-stream"})
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 200, reply.status


put("raw PUT, files/s", rate(200, raw_files))
mlflow.end_run()
