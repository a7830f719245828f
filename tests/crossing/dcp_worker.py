"""Save with torch.distributed.checkpoint as one of two processes: FOLDER RANK PORT."""

import os
import sys

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor


def main(folder: str, rank: str, port: str) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    dist.init_process_group("gloo", rank=int(rank), world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    rows = torch.arange(24, dtype=torch.float32).reshape(6, 4)
    columns = torch.arange(15, dtype=torch.float32).reshape(3, 5).to(torch.bfloat16)
    state = {
        "net.rows.kernel": distribute_tensor(rows, mesh, [Shard(0)]),
        "net.columns.kernel": distribute_tensor(columns, mesh, [Shard(1)]),
        "net.rows.bias": distribute_tensor(torch.arange(4.0), mesh, [Replicate()]),
    }
    for name, whole in (("sharded_only", False), ("both", True)):
        writer = dcp.HuggingFaceStorageWriter(
            path=f"{folder}/{name}", save_distributed=True, enable_consolidation=whole
        )
        dcp.save(state, storage_writer=writer)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
