"""A Hugging Face hub on loopback: random weights of GPT-2-small's shapes behind the addresses huggingface_hub asks for.

As a fixture (`gpt2_small_hub`) or by hand: `python tests/hub.py FOLDER TOKENIZER_FOLDER` writes files and serves them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL, SAE_REPOSITORY, SAE_ID = "gpt2", "jbloom/GPT2-Small-SAEs-Reformatted", "blocks.8.hook_resid_pre"
_FILE = re.compile(r"/(?P<repository>.+?)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
_API = re.compile(r"/api/models/(?P<repository>.+?)(/revision/[^/]+)?")


@dataclass(frozen=True)
class Hub:
    """A hub that runs: its address, the folder with its repositories, and each path that was asked for."""

    endpoint: str
    folder: Path
    requests: list[str]

    def environment(self) -> dict[str, str]:
        """Environment of a process that downloads from here (once: the cache is kept while the hub runs)."""
        return {**os.environ, "HF_ENDPOINT": self.endpoint, "HF_HOME": str(self.folder.parent / "cache")}


@contextmanager
def serve(folder: Path) -> Iterator[Hub]:
    """Serve `folder`/REPOSITORY/FILE as a hub does, on a free port of 127.0.0.1."""
    requests: list[str] = []
    handler = type("Handler", (_Handler,), {"folder": folder, "requests": requests})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Hub(f"http://127.0.0.1:{server.server_port}", folder, requests)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    requests: list[str]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:
        self.requests.append(self.path)

    def _answer(self, with_body: bool) -> None:
        path = self.path.split("?")[0]
        if match := _FILE.fullmatch(path):
            if not (self.folder / match["repository"]).is_dir():
                return self._refuse("RepoNotFound")
            file = self.folder / match["repository"] / match["path"]
            return self._send(file, with_body) if file.is_file() else self._refuse("EntryNotFound")
        match = _API.fullmatch(path)
        if match and (repository := self.folder / match["repository"]).is_dir():
            files = sorted(p.relative_to(repository).as_posix() for p in repository.rglob("*") if p.is_file())
            siblings = [{"rfilename": name} for name in files]
            return self._send_bytes(json.dumps({"id": match["repository"], "sha": COMMIT, "siblings": siblings}))
        return self._refuse("EntryNotFound")

    def _send(self, file: Path, with_body: bool) -> None:
        size = file.stat().st_size
        start = int(match[1]) if (match := re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))) else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self._hub_headers(size - start, hashlib.sha1(f"{file.name}{size}".encode()).hexdigest())
        if with_body:
            with file.open("rb") as content:
                content.seek(start)
                shutil.copyfileobj(content, self.wfile, 1 << 20)

    def _send_bytes(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self._hub_headers(len(text), COMMIT)
        self.wfile.write(text.encode())

    def _hub_headers(self, length: int, etag: str) -> None:
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()

    def _refuse(self, code: str) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", "not here")
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()


def write_gpt2_small(folder: Path, tokenizer: Path) -> None:
    """The repositories of GPT-2 small (124 M parameters) and of its layer 8 SAE (24,576 x 768), random float32 values.

    `tokenizer` is a folder with GPT-2's tokenizer files.
    """
    from safetensors.numpy import save_file

    rng = np.random.default_rng(0)

    def random(*shape: int, scale: float = 0.02) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)

    width, layers, vocabulary, features = 768, 12, 50257, 24576
    tensors = {
        "wte.weight": random(vocabulary, width),
        "wpe.weight": random(1024, width),
        "ln_f.weight": 1 + random(width, scale=0.2),
        "ln_f.bias": random(width),
    }
    for layer in range(layers):
        tensors |= {
            f"h.{layer}.{name}": values
            for name, values in {
                "ln_1.weight": 1 + random(width, scale=0.2),
                "ln_1.bias": random(width),
                "attn.c_attn.weight": random(width, 3 * width),
                "attn.c_attn.bias": random(3 * width),
                "attn.c_proj.weight": random(width, width),
                "attn.c_proj.bias": random(width),
                "ln_2.weight": 1 + random(width, scale=0.2),
                "ln_2.bias": random(width),
                "mlp.c_fc.weight": random(width, 4 * width),
                "mlp.c_fc.bias": random(4 * width),
                "mlp.c_proj.weight": random(4 * width, width),
                "mlp.c_proj.bias": random(width),
            }.items()
        }
    model = folder / MODEL
    model.mkdir(parents=True)
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    config = {
        "activation_function": "gelu_new",
        "architectures": ["GPT2LMHeadModel"],
        "bos_token_id": 50256,
        "eos_token_id": 50256,
        "layer_norm_epsilon": 1e-5,
        "model_type": "gpt2",
        "n_ctx": 1024,
        "n_embd": width,
        "n_head": 12,
        "n_layer": layers,
        "n_positions": 1024,
        "vocab_size": vocabulary,
    }
    (model / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"):
        shutil.copyfile(tokenizer / name, model / name)

    sae = folder / SAE_REPOSITORY / SAE_ID
    sae.mkdir(parents=True)
    decoder = random(features, width, scale=1.0)
    decoder /= np.linalg.norm(decoder, axis=1, keepdims=True)
    sae_tensors = {
        "W_dec": decoder,
        "W_enc": np.ascontiguousarray(decoder.T),
        "b_enc": random(features),
        "b_dec": random(width),
    }
    save_file(sae_tensors, sae / "sae_weights.safetensors")
    # sae-lens before version 6, as this repository was written.
    sae_config = {
        "model_name": "gpt2-small",
        "hook_point": SAE_ID,
        "hook_point_layer": 8,
        "hook_point_head_index": None,
        "dataset_path": "Skylion007/openwebtext",
        "context_size": 128,
        "d_in": width,
        "d_sae": features,
        "dtype": "torch.float32",
        "device": "cpu",
    }
    (sae / "cfg.json").write_text(json.dumps(sae_config))
    save_file({"sparsity": rng.uniform(-6, -2, features).astype(np.float32)}, sae / "sparsity.safetensors")


@pytest.fixture(scope="session")
def gpt2_small_hub(shared: Path) -> Iterator[Hub]:
    """A hub with GPT-2 small and its SAE, made once; 1.3 GB with its cache, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="tsea-hub-") as scratch:
        folder = Path(scratch) / "repositories"
        write_gpt2_small(folder, shared / "gpt2")
        with serve(folder) as hub:
            yield hub


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if not (target / MODEL).exists():
        write_gpt2_small(target, Path(sys.argv[2]))
    with serve(target) as hub:
        print(f"HF_ENDPOINT={hub.endpoint}", flush=True)
        threading.Event().wait()
